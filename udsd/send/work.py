"""What a call of `udsd-send` does: its messages, one after the other, each as a datagram or in parts.

1. A line that cannot be sent does not end the stream. It is reported with its number, and the next lines are sent. If
   the stream ended, the program that writes into the pipe would be killed, and later lines would be lost. The exit
   status says at the end that lines were not sent.
2. After a line that was not sent in time, none waits until one has been sent: there would be no use.
3. Words that are sent several times end at the first failure: there is nobody to protect.
"""

from _collections_abc import Iterable, Iterator  # what collections.abc is made of, without its cost
from time import monotonic, sleep

from udsd.address import STOP
from udsd.connection import Connection
from udsd.errors import NobodyListensError, QueueFullError, TooLongError, UdsdError

TYPE_CHECKING = False  # importing typing costs 4 ms
if TYPE_CHECKING:
    from udsd.send.encoding import Encoding
    from udsd.send.failures import Failures
    from udsd.send.terminal import Echo, Progress

STOP_AS_MESSAGE = b"<6>1 - - - - - - " + STOP  # as `encoding.plain` has it

_CATCH_UP_SECONDS = 0.1

Message = bytes | Iterator[bytes]  # a line that is too long to be held comes in pieces


class Pace:
    """At most `rate` datagrams a second.

    Each has a time on the monotonic clock, counted from the first one, so the delays of sleeps do not add up. After a
    full queue, or an input that paused, it goes on at its rate: it catches up with 0.1 s at most, not in a burst.
    """

    def __init__(self, rate: float) -> None:
        self._step = 1 / rate
        self._due = monotonic()

    def wait(self) -> None:
        """Return when it is time for the next datagram."""
        now = monotonic()
        if now < self._due:
            sleep(self._due - now)
        self._due = max(self._due, now - _CATCH_UP_SECONDS) + self._step


class Work:
    """Messages, and the connection to send them on. The attributes say how.

    `unit` is what errors call the messages; it is empty where there is at most one. `stop` is the datagram for a
    message DONE, and `done` whether DONE is sent behind all else.
    """

    unit = ""
    encoding: "Encoding | None" = None
    stop = STOP
    done = False
    pace: Pace | None = None
    echo: "Echo | None" = None
    progress: "Progress | None" = None

    def __init__(self, connection: Connection, messages: Iterable[Message]) -> None:
        self.connection = connection
        self.messages = messages
        self._timeout = connection.timeout
        self._patient = True
        self._last = b""
        self._failures: Failures | None = None

    def deliver(self) -> None:
        """Send all the messages, in order. Where several are to be sent, they go on to what replaces the socket.

        Raises UdsdError where reading fails, and where something was not sent: in the end for lines, at once for words.
        Raises KeyboardInterrupt after Ctrl-C. Their texts say how many were sent.
        """
        self._sent = 0
        try:
            self._deliver_all()
        except UdsdError as error:
            raise UdsdError(f"{error.message}{self._so_far()}", hint=error.hint, status=error.status) from error
        except KeyboardInterrupt as interrupt:
            raise KeyboardInterrupt(f"interrupted{self._so_far()}") from interrupt
        finally:
            if self.progress:
                self.progress.close()
        if self._failures:
            self._failures.end(self._sent)

    def _deliver_all(self) -> None:
        for number, message in enumerate(self.messages, 1):
            try:
                self._deliver(message)
            except UdsdError as error:
                if self.unit != "lines":
                    raise
                self._report(number, error)
            else:
                self._sent += 1
                if not self._patient or self._failures:
                    self._recover()
                if self.progress:
                    self.progress.update(self._sent)
        # Unless it was the last one: a second DONE would start the daemon only to stop it.
        if self.done and self._last != STOP:
            self._send(STOP)

    def _deliver(self, message: Message) -> None:
        if not isinstance(message, bytes):
            self._send_parts(message)
            return
        datagram = message
        if message == STOP:
            datagram = self.stop
        elif self.encoding:
            datagram = self.encoding.whole(message)
        try:
            self._send(datagram)
        except TooLongError:
            self._send_parts((message,))
        else:
            if self.echo:
                self.echo.whole(message)

    def _send_parts(self, pieces: Iterable[bytes]) -> None:
        from udsd import parts
        from udsd.send.encoding import plain

        encoding = self.encoding or plain()
        for text, fields in parts.split(pieces, encoding.fields):
            self._send(encoding.part(text, fields))
            if self.echo:
                self.echo.part(text)
        if self.echo:
            self.echo.end()

    def _send(self, datagram: bytes) -> None:
        if self.pace:
            self.pace.wait()
        try:
            self.connection.send(datagram)
        except NobodyListensError:
            if not self.unit:
                raise
            from udsd.send.reconnect import send_to_successor

            self.connection = send_to_successor(self.connection, datagram, patient=self._patient)
        self._last = datagram

    def _report(self, number: int, error: UdsdError) -> None:
        from udsd.send.failures import Failures

        if self.progress:
            self.progress.close()
        self._failures = self._failures or Failures()
        self._failures.add(number, error)
        if isinstance(error, QueueFullError | NobodyListensError):
            self._patient = False
            self.connection.wait(0)

    def _recover(self) -> None:
        if not self._patient:
            self._patient = True
            self.connection.wait(self._timeout)
        if self._failures:
            self._failures.interrupt()

    def _so_far(self) -> str:
        return f"; {self.unit} sent before: {self._sent}" if self.unit else ""
