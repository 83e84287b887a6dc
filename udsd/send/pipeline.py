"""What a call of `udsd-send` sends: its work, which is a sequence of datagrams, and how they are sent.

Each option is a step on the way to a datagram, in this order: what is read (words, -n, -f), what of it is left out
(-e), when it is sent (--rate), what of it is printed (-s), how it is encoded (-p -t -i -F --json), and DONE after all
else (--done).
"""

from _collections_abc import Iterable, Iterator  # what collections.abc is made of, without its cost
from time import monotonic, sleep

from udsd.address import STOP
from udsd.connection import Connection, candidates
from udsd.errors import NobodyListensError, UdsdError

TYPE_CHECKING = False  # importing typing costs 4 ms
if TYPE_CHECKING:
    from udsd.send.encoding import Encoder
    from udsd.send.options import Options
    from udsd.send.source import Input
    from udsd.send.terminal import Progress

# The socket of JSON is an instance of a unit's template.
_JSON_SOCKET = "json.sock"
_JSON_START = "systemctl start udsd-format@json.socket"

_CATCH_UP_SECONDS = 0.1


class Work:
    """Datagrams, and the connection to send them on.

    `unit` is what errors call the datagrams; it is empty where there is at most one. `progress` is shown meanwhile.
    """

    def __init__(
        self,
        connection: Connection,
        datagrams: Iterable[bytes],
        unit: str = "",
        progress: "Progress | None" = None,
    ) -> None:
        self.connection = connection
        self.datagrams = datagrams
        self.unit = unit
        self.progress = progress

    def deliver(self) -> None:
        """Send all the datagrams, in order. Where several are to be sent, they go on to what replaces the socket.

        Raises UdsdError for the first that cannot be read, encoded or sent, and KeyboardInterrupt after Ctrl-C. Both
        have as their text what happened, and how many were sent before.
        """
        sent = 0
        try:
            for datagram in self.datagrams:
                self._send(datagram)
                sent += 1
                if self.progress:
                    self.progress.update(sent)
        except UdsdError as error:
            raise UdsdError(f"{error}{self._so_far(sent)}", hint=error.hint, status=error.status) from error
        except KeyboardInterrupt as interrupt:
            raise KeyboardInterrupt(f"interrupted{self._so_far(sent)}") from interrupt
        finally:
            if self.progress:
                self.progress.close()

    def _send(self, datagram: bytes) -> None:
        try:
            self.connection.send(datagram)
        except NobodyListensError:
            if not self.unit:
                raise
            from udsd.send.reconnect import send_to_successor

            self.connection = send_to_successor(self.connection, datagram)

    def _so_far(self, sent: int) -> str:
        return f"; {self.unit} sent before: {sent}" if self.unit else ""


def standard_input() -> Work:
    """The work of a call without words: each line of standard input, or each line typed.

    Raises UdsdError where there is no such socket, and where standard input is closed.
    """
    from udsd.send.source import Input

    connection = Connection(candidates())
    lines = Input()
    return Work(connection, lines.messages(), "lines", lines.progress())


def with_options(words: list[str]) -> Work:
    """The work of a call with options.

    Raises UdsdError for a command line that makes no sense, and where there is no such file or socket.
    """
    from itertools import repeat

    from udsd.send.options import read_command_line

    options = read_command_line(words)
    lines = _lines(options)
    datagrams: Iterable[bytes] = ()
    unit, progress = "", None
    if lines:
        messages = filter(None, lines.messages()) if options.skip_empty else lines.messages()
        datagrams = _datagrams(messages, options, typed=lines.typed)
        unit, progress = "lines", None if options.stderr else lines.progress()
    elif options.message is not None:
        datagrams = _datagrams(repeat(options.message, options.times or 1), options)
        unit, progress = "datagrams" if options.times or options.done else "", _progress_of_words(options)
    if options.done:
        datagrams = _then_stop(datagrams)
    return Work(_connection(options), datagrams, unit, progress)


def _lines(options: "Options") -> "Input | None":
    if options.message is not None or (options.file is None and options.done):
        return None
    from udsd.send.source import Input

    return Input(options.file)


def _connection(options: "Options") -> Connection:
    if options.json:
        return Connection(candidates(options.socket, _JSON_SOCKET), options.timeout, start=_JSON_START)
    return Connection(candidates(options.socket), options.timeout)


def _progress_of_words(options: "Options") -> "Progress | None":
    times = options.times or 1
    if options.stderr or times == 1:
        return None
    from udsd.send import source

    return source.progress("datagrams", lambda sent: sent / times)


def _datagrams(messages: Iterable[bytes], options: "Options", *, typed: bool = False) -> Iterable[bytes]:
    """A datagram for each message, at its time, and printed where that is asked for."""
    if options.rate is not None:
        messages = paced(messages, options.rate)
    if options.stderr:
        from udsd.send import terminal

        messages = terminal.echoed(messages, options.tag)
    if not (options.json or options.pri is not None or options.tag or options.pid or options.fields):
        return messages
    from udsd.send import encoding

    encode = encoding.encoder(options)
    return map(_all_but_stop(encode) if typed else encode, messages)


def _all_but_stop(encode: "Encoder") -> "Encoder":
    """At the prompt DONE is the word that ends both sides, whatever else the options say of messages."""
    return lambda message: message if message == STOP else encode(message)


def _then_stop(datagrams: Iterable[bytes]) -> Iterator[bytes]:
    """The datagrams, then DONE unless that was the last one: a second DONE would start the daemon only to stop it."""
    datagram = b""
    for datagram in datagrams:
        yield datagram
    if datagram != STOP:
        yield STOP


def paced(messages: Iterable[bytes], rate: float) -> Iterator[bytes]:
    """The same messages, at most `rate` a second.

    Each has a time on the monotonic clock, counted from the first one, so the delays of sleeps do not add up. After a
    full queue, or an input that paused, it goes on at its rate: it catches up with 0.1 s at most, not in a burst.
    """
    step = 1 / rate
    due = monotonic()
    for message in messages:
        now = monotonic()
        if now < due:
            sleep(due - now)
        yield message
        due = max(due, now - _CATCH_UP_SECONDS) + step
