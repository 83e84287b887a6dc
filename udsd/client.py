"""Send to udsd from Python: `send` for a message now and then, a `Client` to keep.

    from udsd import client

    client.send("disk is filling up", priority=4, mount="/srv", used=93.5)

1. What is sent is always a datagram of `wire`, so a message that begins with `<3>` or `{` stays a message. udsd's
   formats `auto` and `syslog` read it; on a socket that reads `raw`, all of it is the message.
2. There is no lock. A datagram is one send(2), which is whole or not at all, so threads share a connection. None waits
   for another, each waits at most its own time-out, and a fork at any moment leaves nothing locked. The kernel tells
   the sender with each datagram, so a child may use what it inherited.
3. A connection that is replaced is closed by whoever lets go of it last. Closing it under a thread that is about to
   send could have that thread write to whatever gets the descriptor next.
4. A socket that is gone may be back in a moment: while there is time, it is tried again. It, not another one: while
   systemd replaces the system's socket, there may be one of the user's.
5. What becomes a daemon closes all descriptors, this one too, and its number may be the next file's. So before each
   datagram the descriptor is looked at, and where it is not ours any more, it is left alone and the socket is new.
6. The time-out bounds all of one call, signals or not: only poll(2) and sleep wait, both until a deadline.
   SO_SNDTIMEO would start anew after each signal, and counts twice where there is room neither with us nor with udsd.

An application loads this, so it imports neither the daemon nor systemd.
"""

import math
import operator
import os
import select
import time
from types import TracebackType
from typing import Self

from udsd import field_names, priorities, rfc5424
from udsd.connection import Connection, candidates
from udsd.errors import NobodyListensError, QueueFullError, UdsdError

# What a datagram says elsewhere than among its fields.
TAKEN = (
    "MESSAGE", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SYSLOG_TIMESTAMP", "SYSLOG_HOSTNAME",
    "SYSLOG_MSGID",
)  # fmt: skip

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1  # seconds between two looks for a socket
_LONGEST_POLL = 3600.0  # seconds; what poll(2) takes is limited


class Client:
    """Sends to one socket: that at `path`, or `$UDSD_SOCKET`, or the system's, or the user's.

    `timeout` is how long one call of `send` may take, in seconds: 0 never waits, None waits as long as it takes. It may
    be changed, for calls that begin later.
    Nothing is connected before something is sent, and the socket that was found then is kept to. Threads may share a
    client, and so may the processes of a fork.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, timeout: float | None = 5.0) -> None:
        if timeout is not None and not timeout >= 0:
            raise ValueError(f"timeout must be 0 or more seconds, not {timeout!r}")
        self.timeout = timeout
        self._path = None if path is None else os.fspath(path)
        self._connection: Connection | None = None
        self._found: list[str] = []  # the socket that it has been connected to

    def send(
        self,
        message: str | bytes,
        /,
        *,
        priority: int = priorities.INFO,
        facility: int = priorities.USER,
        identifier: str | bytes | None = None,
        **fields: object,
    ) -> None:
        r"""Send one message. It is in the socket's queue when this returns.

        `priority` is 0 (emergency) to 7 (debug). `facility` is 0 to 23, as RFC 5424 numbers them; the constants of
        the module `syslog` are these times 8. Without an `identifier`, udsd takes the name of the process.

        Of `fields`, any name is made into the name of a journal field by the rules of `udsd.names`: `user` becomes
        USER, and `priority_` PRIORITY_. A name that comes out as one of those in TAKEN gets `_2` behind it. A list or
        tuple is several values of one field. Bytes are sent as they are, other values as str() has them.

        Text is sent as UTF-8. Bytes that Python has smuggled into it (`surrogateescape`) become those bytes again;
        where it holds other lone surrogates, they are written as `\ud800`. One newline at the end of a message is
        taken off by udsd.

        Raises ValueError or TypeError for wrong arguments, whatever the str() of a value raises, and UdsdError where
        the datagram was not sent. After the time-out: QueueFullError where the queue stayed full, NobodyListensError
        where no socket appeared. At once: TooLongError, NotAllowedError, or another UdsdError where `path` cannot name
        a socket (its `status` is os.EX_USAGE) or the kernel refuses for another reason (EX_OSERR).
        """
        self._deliver(_datagram(message, priority, facility, identifier, fields))

    def close(self) -> None:
        """Let go of the connection. Sending looks for a socket again."""
        self._connection, self._found = None, []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _deliver(self, payload: bytes) -> None:
        allowed = math.inf if self.timeout is None else self.timeout
        deadline = time.monotonic() + allowed
        pause, stale = _FIRST_PAUSE, self._connection
        while True:
            connection = self._connection
            try:
                if connection is None or not connection.is_open():
                    connection = self._connection = self._connected()
                connection.send(payload)
            except QueueFullError as error:
                assert connection is not None
                left = deadline - time.monotonic()
                if left <= 0:
                    waited = f"was full for {allowed:g} s" if allowed else "is full"
                    raise QueueFullError(f"{connection.path}: the queue {waited}") from error
                _wait_for_room(connection, left)
            except NobodyListensError:
                if connection is self._connection:  # or another thread has a new one already
                    self._connection = None
                if connection is not None and connection is stale:
                    stale = None  # it was from before: look at once for what has replaced it
                    continue
                left = deadline - time.monotonic()
                if left <= 0:
                    raise
                time.sleep(min(pause, left))
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                return

    def _connected(self) -> Connection:
        try:
            connection = Connection(self._found or candidates(self._path), timeout=0)
        except OSError as error:  # no descriptors, no memory
            raise UdsdError(f"no socket: {error.strerror}", status=os.EX_OSERR) from error
        self._found = [connection.path]
        return connection


_client = Client()


def send(
    message: str | bytes,
    /,
    *,
    priority: int = priorities.INFO,
    facility: int = priorities.USER,
    identifier: str | bytes | None = None,
    **fields: object,
) -> None:
    """Send one message with a client that all of the process shares: see `Client.send`."""
    _client.send(message, priority=priority, facility=facility, identifier=identifier, **fields)


def _wait_for_room(connection: Connection, seconds: float) -> None:
    """Return when a datagram is likely to find room, when nobody listens any more, or after so long."""
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    poll.poll(math.ceil(1000 * min(seconds, _LONGEST_POLL)))


def _datagram(
    message: str | bytes, priority: int, facility: int, identifier: str | bytes | None, fields: dict[str, object]
) -> bytes:
    if not isinstance(message, str | bytes):
        raise TypeError(f"message must be str or bytes, not {type(message).__name__}")
    names = field_names.Names(*TAKEN)
    params = [
        (names.field(name), _bytes(value))
        for name, values in fields.items()
        for value in (values if isinstance(values, list | tuple) else (values,))
    ]
    pri = priorities.pri(
        _number("facility", facility, priorities.HIGHEST_FACILITY),
        _number("priority", priority, priorities.HIGHEST_LEVEL),
    )
    return rfc5424.datagram(_bytes(message), pri=pri, identifier=_bytes(identifier or b""), fields=params)


def _number(what: str, value: int, highest: int) -> int:
    number = operator.index(value)
    if not 0 <= number <= highest:
        raise ValueError(f"{what} must be 0 to {highest}, not {value!r}")
    return number


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    text = str(value)
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace")
