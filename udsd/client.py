"""Send to udsd from Python: `send` uses a client that the process shares, `Client` is one of your own.

    from udsd import client

    client.send("disk is filling up", priority=4, mount="/srv", used=93.5)

1. Each datagram is in the form of `rfc5424`, so a message that begins with `<3>` or `{` stays a message. udsd's formats
   `auto` and `syslog` read it. On a socket of format `raw` the whole datagram becomes the message.
2. There is no lock. A datagram is one send(2), sent whole or not at all, so threads share a connection. No thread waits
   for another, each waits for its own time-out at most, and a fork at any moment leaves nothing locked. The kernel
   names the sender with each datagram, so a child process may use an inherited connection.
3. A connection that is replaced is closed by the last thread that uses it. If it were closed earlier, a thread about to
   send could write to the next file that gets the same descriptor.
4. A socket that is gone may soon be back: the client tries again until the time-out. It tries the same socket, not
   another: while systemd replaces the system's socket, a user's socket may exist.
5. A program that becomes a daemon closes all descriptors, this one too, and another file may get the number. So each
   call checks the descriptor first. If it is not ours any more, the client leaves it alone and connects again.
6. The time-out bounds the whole call, whatever signals arrive: only poll(2) and sleep wait, both until a deadline.
   SO_SNDTIMEO would start again after each signal, and would apply twice if neither our buffer nor udsd's queue has
   room.
7. After a call found no room or no socket in time, later calls do not wait until one succeeds: an application must not
   pause at every message while udsd is missing or hangs.

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
from udsd.errors import NobodyListensError, QueueFullError, SendError, TooLongError

# A datagram sets these fields elsewhere, so `fields` cannot.
TAKEN = (
    "MESSAGE", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID", "SYSLOG_TIMESTAMP", "SYSLOG_HOSTNAME",
    "SYSLOG_MSGID", "MESSAGE_PART_OF", "MESSAGE_PART", "MESSAGE_PARTS",
)  # fmt: skip

# Arguments that other libraries have, and what they are called here. In upper case each is an ordinary field.
_MEANT = {"tag": "identifier", "ident": "identifier", "level": "priority", "severity": "priority", "prio": "priority"}

_FIRST_PAUSE, _LONGEST_PAUSE = 0.005, 0.1  # seconds between two attempts to connect
_LONGEST_POLL = 3600.0  # seconds; poll(2) takes an int of milliseconds


class Client:
    """Sends to one socket: the one at `path`, else `$UDSD_SOCKET`, else the system's, else the user's.

    `timeout` is how long one call of `send` may take, in seconds: 0 never waits, None waits without limit. Assigning
    `client.timeout` changes it for later calls. Raises ValueError if it is negative or NaN.
    The first `send` connects, and later ones keep to the socket that it found. Threads may share a client, and so may
    the processes of a fork.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, timeout: float | None = 5.0) -> None:
        if timeout is not None and not timeout >= 0:
            raise ValueError(f"timeout must be 0 or more seconds, not {timeout!r}")
        self.timeout = timeout
        self._path = None if path is None else os.fspath(path)
        self._connection: Connection | None = None
        self._found: list[str] = []  # the path of the socket that it has connected to
        self._patient = True  # see rule 7

    def send(
        self,
        message: str | bytes,
        /,
        *,
        priority: int | str = priorities.INFO,
        facility: int | str = priorities.USER,
        identifier: str | bytes | None = None,
        **fields: object,
    ) -> None:
        r"""Send one message. It is in the socket's queue when this returns.

        `priority` is 0 (emergency) to 7 (debug). `facility` is 0 to 23, as in RFC 5424; the constants of the module
        `syslog` are these times 8. Both may be names, as in `priorities`: "err", "daemon". Without an `identifier`,
        udsd uses the name of the process.

        `fields` become journal fields, their names by the rules of `udsd.field_names`: `user` becomes USER,
        `priority_` becomes PRIORITY_. A name that becomes one of TAKEN ends in `_2`. A list or tuple is several values
        of one field. Bytes are sent as they are, all other values as their str().

        Text is sent as UTF-8. Bytes within text (`surrogateescape`) become those bytes again; other lone surrogates are
        written as `\ud800`. udsd removes one newline at the end of a message.

        A message that is too long for a datagram is sent in parts, by the rules of `udsd.parts`.

        Raises ValueError or TypeError for wrong arguments, whatever the str() of a value raises, and SendError, which
        is an OSError, if the datagram was not sent. After the time-out: QueueFullError if the queue stayed full,
        NobodyListensError if no socket appeared; after either, calls do not wait until one succeeds. At once:
        NotAllowedError, BadPathError if `path` cannot name a socket, or another SendError if the kernel refuses for
        another reason.
        """
        text, pri, sender, params = _checked(message, priority, facility, identifier, fields)
        seconds = math.inf if self.timeout is None else self.timeout
        deadline = time.monotonic() + (seconds if self._patient else 0)
        try:
            self._deliver(rfc5424.datagram(text, pri=pri, identifier=sender, fields=params), deadline)
        except TooLongError:
            from udsd import parts

            for part, own in parts.split((text,), params):
                datagram = rfc5424.datagram(parts.kept(part), pri=pri, identifier=sender, fields=own)
                self._deliver(datagram, deadline)

    def close(self) -> None:
        """Close the connection. The next `send` looks for a socket again."""
        self._connection, self._found = None, []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _deliver(self, payload: bytes, deadline: float) -> None:
        pause, stale, patient = _FIRST_PAUSE, self._connection, self._patient
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
                    waited = f"was full for {self.timeout:g} s" if self.timeout and patient else "is full"
                    self._patient = False
                    raise QueueFullError(f"{connection.path}: the queue {waited}") from error
                _wait_for_room(connection, left)
            except NobodyListensError:
                if connection is self._connection:  # or another thread has a new one already
                    self._connection = None
                if connection is not None and connection is stale:
                    stale = None  # it is from an earlier call: look at once for what has replaced it
                    continue
                left = deadline - time.monotonic()
                if left <= 0:
                    self._patient = False
                    raise
                time.sleep(min(pause, left))
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self._patient = True
                return

    def _connected(self) -> Connection:
        try:
            connection = Connection(self._found or candidates(self._path), timeout=0)
        except SendError:
            raise
        except OSError as error:  # no descriptors, no memory
            raise SendError(f"no socket: {error.strerror}", number=error.errno) from error
        self._found = [connection.path]
        return connection


_client = Client()


def send(
    message: str | bytes,
    /,
    *,
    priority: int | str = priorities.INFO,
    facility: int | str = priorities.USER,
    identifier: str | bytes | None = None,
    **fields: object,
) -> None:
    """Send one message with a client that the whole process shares: see `Client.send`."""
    _client.send(message, priority=priority, facility=facility, identifier=identifier, **fields)


def _wait_for_room(connection: Connection, seconds: float) -> None:
    """Return when a datagram is likely to find room, when nobody listens any more, or after `seconds`."""
    seconds = min(seconds, _LONGEST_POLL)
    if not hasattr(select, "poll"):
        # eventlet removes it. Its select refuses a second greenlet that waits for the same descriptor.
        time.sleep(min(seconds, _FIRST_PAUSE))
        return
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    poll.poll(math.ceil(1000 * seconds))


def _checked(
    message: str | bytes,
    priority: int | str,
    facility: int | str,
    identifier: str | bytes | None,
    fields: dict[str, object],
) -> tuple[bytes, int, bytes, list[tuple[str, bytes]]]:
    """The message, the `pri`, the identifier and the fields of a datagram."""
    if not isinstance(message, str | bytes):
        raise TypeError(f"message must be str or bytes, not {type(message).__name__}")
    for name in _MEANT.keys() & fields.keys():
        text = f"there is no argument {name}: use {_MEANT[name]}=, or {name.upper()}= for a field of that name"
        raise TypeError(text)
    names = field_names.Names(*TAKEN)
    params = [
        (names.field(name), _bytes(value))
        for name, values in fields.items()
        for value in (values if isinstance(values, list | tuple) else (values,))
    ]
    pri = priorities.pri(
        _number("facility", facility, priorities.FACILITIES, priorities.HIGHEST_FACILITY),
        _number("priority", priority, priorities.LEVELS, priorities.HIGHEST_LEVEL),
    )
    return _bytes(message), pri, _bytes(identifier or b""), params


def _number(what: str, value: int | str, names: dict[str, int], highest: int) -> int:
    if isinstance(value, str):
        if value.lower() not in names:
            raise ValueError(f"{what} must be 0 to {highest} or one of {' '.join(names)}, not {value!r}")
        return names[value.lower()]
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
