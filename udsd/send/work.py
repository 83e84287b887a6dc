"""The work of a call of `udsd-send`: it sends messages in order, each as a datagram or in parts.

1. A line that cannot be sent does not end the stream. It is reported with its number, and the next lines are sent. If
   the stream ended, the program that writes into the pipe would be killed, and later lines would be lost. The exit
   status shows at the end that lines were not sent.
2. After a line was not sent in time, later lines do not wait until one has been sent: waiting would be of no use.
3. Ordinary lines are sent in a loop that does nothing else. With a few calls for each line, a million took longer than
   with logger(1). The first line that needs more than send(2) ends the loop, and is delivered by itself.
4. Words that are sent several times (-n) end at the first failure: no program writes into a pipe there.
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

Message = bytes | Iterator[bytes]  # a line that is too long to be held in memory comes in pieces


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

    Lines may come as lists. `unit` is what errors call the messages; it is empty if there is at most one.
    `skip_empty` leaves out empty messages. `stop` is the datagram for a message DONE, and `done` whether DONE is sent
    after everything else.
    """

    unit = ""
    skip_empty = False
    encoding: "Encoding | None" = None
    stop = STOP
    done = False
    pace: Pace | None = None
    echo: "Echo | None" = None
    progress: "Progress | None" = None

    def __init__(self, connection: Connection, messages: Iterable[Message | list[bytes]]) -> None:
        self.connection = connection
        self.messages = messages
        self._timeout = connection.timeout
        self._patient = True
        self._last = b""
        self._failures: Failures | None = None

    def deliver(self) -> None:
        """Send all messages in order. If there may be several, go on with the socket that replaces a closed one.

        Raises UdsdError if reading fails, or if something was not sent: at the end for lines, at once for words.
        Raises KeyboardInterrupt after Ctrl-C. Both texts say how many were sent.
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
        self._number = 0
        # With a time-out, a line that found no room would wait for it a second time.
        self._simple = self.pace is None and self.echo is None and not self._timeout
        for message in self.messages:
            if isinstance(message, list):
                while message:
                    del message[: self._deliver_some(message)]
                    self._show_progress()
            else:
                self._deliver_one(message)
                self._show_progress()
        # Unless it was the last one: a second DONE would start the daemon only to stop it.
        if self.done and self._last != STOP:
            self._send(STOP)

    def _deliver_some(self, lines: list[bytes]) -> int:
        """Deliver the first of these lines, or as many as are ordinary. Returns how many."""
        count = self._send_ordinary(lines) if self._simple and self._patient else 0
        if not count:
            self._deliver_one(lines[0])
            return 1
        self._number += count
        self._after_success()
        return count

    def _send_ordinary(self, lines: list[bytes]) -> int:
        if STOP in lines or (self.skip_empty and b"" in lines):
            return 0
        datagrams = self.encoding.wholes(lines) if self.encoding else lines
        send, before = self.connection.plain_send, self._sent
        try:
            for datagram in datagrams:
                send(datagram)
                self._sent += 1
                self._last = datagram
        except (OSError, UdsdError):
            pass  # it is tried again, and then the reason is reported
        return self._sent - before

    def _deliver_one(self, message: Message) -> None:
        self._number += 1
        if self.skip_empty and not message:
            return
        try:
            self._deliver(message)
        except UdsdError as error:
            if self.unit != "lines":
                raise
            self._report(self._number, error)
        else:
            self._sent += 1
            self._after_success()

    def _after_success(self) -> None:
        if not self._patient:
            self._patient = True
            self.connection.wait(self._timeout)
        if self._failures:
            self._failures.interrupt()

    def _show_progress(self) -> None:
        if self.progress:
            self.progress.update(self._sent)

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

    def _so_far(self) -> str:
        return f"; {self.unit} sent before: {self._sent}" if self.unit else ""
