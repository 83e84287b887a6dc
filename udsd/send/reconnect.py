"""A stream of datagrams to a socket that may be replaced meanwhile: by a restart of udsd on a socket of its own."""

from time import monotonic, sleep

from udsd.connection import Connection
from udsd.errors import NobodyListensError

_PATIENCE = 5.0  # seconds: a restart takes less than one, on a busy machine more
_PAUSE = 0.05  # seconds between two looks: that a socket is bound at a path is no event to wait for


class Stream:
    """Sends on `connection`, and where nobody listens there any more, on a new one to the same path.

    That is looked for for `timeout` seconds, but not longer than a few.
    """

    def __init__(self, connection: Connection, timeout: float | None) -> None:
        self._connection = connection
        self._patience = _PATIENCE if timeout is None else min(_PATIENCE, timeout)

    def send(self, payload: bytes) -> None:
        """Hand one datagram to the kernel. Raises UdsdError where it does not take it."""
        try:
            self._connection.send(payload)
        except NobodyListensError:
            self._send_again(payload)

    def _send_again(self, payload: bytes) -> None:
        deadline = monotonic() + self._patience
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
