"""A stream of datagrams that goes on when its socket is replaced, as by a restart of udsd with its own socket."""

from time import monotonic, sleep

from udsd.connection import Connection
from udsd.errors import NobodyListensError

_LONGEST = 5.0  # seconds: a restart takes less than one, on a busy machine more
_PAUSE = 0.05  # seconds between two attempts: there is no event to wait for when a path gets a socket


class Stream:
    """Sends on `connection`. When nobody listens there any more, it connects to the same path again.

    It tries that for `timeout` seconds, or for 5 where `timeout` is longer or None.
    """

    def __init__(self, connection: Connection, timeout: float | None) -> None:
        self._connection = connection
        self._seconds = _LONGEST if timeout is None else min(_LONGEST, timeout)

    def send(self, payload: bytes) -> None:
        """Send one datagram. Raises what `Connection.send` raises, NobodyListensError only after those seconds."""
        try:
            self._connection.send(payload)
        except NobodyListensError:
            self._send_again(payload)

    def _send_again(self, payload: bytes) -> None:
        deadline = monotonic() + self._seconds
        while True:
            try:
                self._connection = self._connection.renewed()
                self._connection.send(payload)
            except NobodyListensError:
                if monotonic() >= deadline:
                    raise
                sleep(_PAUSE)
            else:
                return
