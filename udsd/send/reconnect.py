"""Continues a stream of datagrams when its socket is replaced, as by a restart of udsd with its own socket."""

from time import monotonic, sleep

from udsd.connection import Connection
from udsd.errors import NobodyListensError

_LONGEST = 5.0  # seconds: a restart takes less than one, on a busy machine more
_PAUSE = 0.05  # seconds between two attempts: there is no event to wait for when a path gets a socket


def send_to_successor(connection: Connection, payload: bytes, *, patient: bool) -> Connection:
    """Send one datagram to what has replaced the socket of `connection`. Returns the new connection.

    Tries for the time-out of `connection`, at most for 5 s; once if not `patient`. Raises NobodyListensError if nobody
    listens by then. Raises any other error of `Connection.send` at once.
    """
    seconds = _LONGEST if connection.timeout is None else min(_LONGEST, connection.timeout)
    deadline = monotonic() + (seconds if patient else 0)
    while True:
        try:
            connection = connection.renewed()
            connection.send(payload)
        except NobodyListensError:
            if monotonic() >= deadline:
                raise
            sleep(_PAUSE)
        else:
            return connection
