"""The work of a call of `udsd-send`, as its command line describes it: what is read, and how it is sent."""

from itertools import repeat

from udsd.address import STOP, is_ours
from udsd.connection import Connection, candidates
from udsd.send.work import STOP_AS_MESSAGE, Pace, Work

TYPE_CHECKING = False  # importing typing costs 4 ms
if TYPE_CHECKING:
    from udsd.send.options import Options
    from udsd.send.source import Input
    from udsd.send.terminal import Progress

_JSON_SOCKET = "json.sock"  # of udsd-format@json.socket


def standard_input() -> Work:
    """The work of a call without words: each line of standard input, or each line typed.

    Raises UdsdError if there is no socket, or if standard input is closed.
    """
    from udsd.send.source import Input

    return _of_lines(Connection(candidates()), Input())


def with_options(words: list[str]) -> Work:
    """The work of a call with options.

    Raises UdsdError for an invalid command line, or if there is no such file or socket.
    """
    from udsd.send.options import read_command_line

    options = read_command_line(words)
    lines = _lines(options)
    connection = Connection(candidates(options.socket, _JSON_SOCKET if options.json else ""), options.timeout)
    if lines:
        work = _of_lines(connection, lines)
        work.skip_empty = options.skip_empty
    else:
        work = Work(connection, () if options.message is None else repeat(options.message, options.times or 1))
        work.unit = "datagrams" if options.times or (options.done and options.message is not None) else ""
        work.progress = _progress_of_words(options)
    if options.json or options.pri is not None or options.tag or options.pid or options.fields:
        from udsd.send.encoding import encoding

        work.encoding = encoding(options)
        if not (lines and lines.typed):
            work.stop = work.encoding.whole(STOP)
    if options.rate is not None:
        work.pace = Pace(options.rate)
    if options.stderr:
        from udsd.send.terminal import Echo

        work.echo, work.progress = Echo(options.tag), None
    work.done = options.done
    return work


def _of_lines(connection: Connection, lines: "Input") -> Work:
    work = Work(connection, lines.messages())
    work.unit = "lines"
    work.progress = lines.progress()
    # A line that only happens to be DONE must not stop the daemon. It is sent unchanged to any other server, and from
    # the prompt, where it ends both sides.
    if not lines.typed and is_ours(connection.path):
        work.stop = STOP_AS_MESSAGE
    return work


def _lines(options: "Options") -> "Input | None":
    if options.message is not None or (options.file is None and options.done):
        return None
    from udsd.send.source import Input

    return Input(options.file)


def _progress_of_words(options: "Options") -> "Progress | None":
    times = options.times or 1
    if times == 1:
        return None
    from udsd.send import source

    return source.progress("datagrams", lambda sent: sent / times)
