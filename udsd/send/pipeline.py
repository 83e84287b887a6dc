"""What a call of `udsd-send` with options is to send, as a sequence of datagrams.

Each option is a step on the way there, in this order: what is read (words, -n, -f), what of it is left out (-e), when
it goes (--rate), what is seen of it (-s), how it is encoded (-p -t -i -F --json), and --done behind all.
"""

from _collections_abc import Callable, Iterable, Iterator
from itertools import repeat

from udsd.address import STOP
from udsd.connection import Connection, candidates
from udsd.send.options import Options, parse

# The socket of JSON is an instance of a unit's template.
_JSON_SOCKET = "json.sock"
_JSON_REMEDY = "systemctl start udsd-format@json.socket"

Close = Callable[[], None] | None
Encoder = Callable[[bytes], bytes]


def prepared(words: list[str]) -> tuple[Callable[[bytes], None], Iterable[bytes], str, Close]:
    """What sends, the datagrams, what they are called in errors where there may be several, and what to do in the end.

    Raises UdsdError for a command line that makes no sense, and where there is no such file or socket.
    """
    options = parse(words)
    datagrams: Iterable[bytes] = ()
    unit, close = "", None
    if options.message is not None:
        datagrams, close = _from_words(options, options.message)
        unit = "datagrams" if options.times or options.done else ""
    elif options.file is not None or not options.done:
        datagrams, close = _from_input(options)
        unit = "lines"
    if options.done:
        datagrams = _ended(datagrams)
    connection = _connected(options)
    send = connection.send
    if unit:
        from udsd.send.reconnect import Stream

        send = Stream(connection, options.timeout).send
    return send, datagrams, unit, close


def _connected(options: Options) -> Connection:
    if options.json:
        return Connection(candidates(options.socket, _JSON_SOCKET), options.timeout, start=_JSON_REMEDY)
    return Connection(candidates(options.socket), options.timeout)


def _from_words(options: Options, message: bytes) -> tuple[Iterable[bytes], Close]:
    times = options.times or 1
    datagrams = _made(repeat(message, times), options, _encoder(options))
    if options.stderr or times == 1:
        return datagrams, None
    from udsd.send.source import shown

    return shown(datagrams, "datagrams", lambda sent: sent / times)


def _from_input(options: Options) -> tuple[Iterable[bytes], Close]:
    from udsd.send.source import Input

    source = Input(options.file)
    messages: Iterable[bytes] = source.messages()
    if options.skip_empty:
        messages = filter(None, messages)
    encode = _encoder(options)
    if source.typed and encode:
        encode = _all_but_stop(encode)
    datagrams = _made(messages, options, encode)
    return (datagrams, None) if options.stderr else source.watched(datagrams)


def _made(messages: Iterable[bytes], options: Options, encode: Encoder | None) -> Iterable[bytes]:
    """The datagrams of the messages, when it is their time, and seen on standard error as far as that is wanted."""
    if options.rate is not None:
        from udsd.send.pace import paced

        messages = paced(messages, options.rate)
    if options.stderr:
        from udsd.send.stderr import echoed

        messages = echoed(messages, options.tag)
    return map(encode, messages) if encode else messages


def _encoder(options: Options) -> Encoder | None:
    """What makes a datagram of a message; None where the message is the datagram."""
    if not (options.json or options.pri is not None or options.tag or options.pid or options.fields):
        return None
    from udsd.send.encoding import encoder

    return encoder(options)


def _all_but_stop(encode: Encoder) -> Encoder:
    """At the prompt DONE is the word that ends both sides, whatever options say of messages."""
    return lambda message: message if message == STOP else encode(message)


def _ended(datagrams: Iterable[bytes]) -> Iterator[bytes]:
    """The datagrams, and DONE behind them unless it is the last already: a second would start a daemon to stop it."""
    datagram = b""
    for datagram in datagrams:
        yield datagram
    if datagram != STOP:
        yield STOP
