"""What a call of `udsd-send` with options is to send, as a sequence of datagrams.

Each option is a step on the way there, in this order: what is read (words, -n, -f), what of it is left out (-e), when
it goes (--rate), what is seen of it (-s), how it is encoded (-p -t -i -F --json), and --done behind all.
"""

from _collections_abc import Callable, Iterable, Iterator
from itertools import repeat

from udsd.connection import STOP, Connection, candidates
from udsd.send_encoding import Encoder, encoder
from udsd.send_options import Options, parse

# The socket of JSON is an instance of a unit's template, and the service takes it on when it starts.
_JSON_SOCKET = "json.sock"
_JSON_REMEDY = "systemctl restart udsd.service udsd-format@json.socket"

Close = Callable[[], None] | None


def prepared(words: list[str]) -> tuple[Callable[[bytes], None], Iterable[bytes], str, Close]:
    """What sends, the datagrams, what they are called in errors, and what to do in the end.

    Raises UdsdError for a command line that makes no sense, and where there is no such file or socket.
    """
    options = parse(words)
    datagrams: Iterable[bytes]
    unit, close = "", None
    if options.message is not None:
        datagrams, unit, close = _from_words(options, options.message)
    elif options.done and options.file is None:
        datagrams = ()
    else:
        datagrams, close = _from_input(options)
        unit = "lines"
    if options.done:
        datagrams = _ended(datagrams)
    return _connected(options).send, datagrams, unit, close


def _connected(options: Options) -> Connection:
    if options.json:
        return Connection(candidates(options.socket, _JSON_SOCKET), options.timeout, start=_JSON_REMEDY)
    return Connection(candidates(options.socket), options.timeout)


def _from_words(options: Options, message: bytes) -> tuple[Iterable[bytes], str, Close]:
    if options.times is None:
        return _encoded(_seen((message,), options), encoder(options)), "", None
    datagrams = _encoded(_seen(_timed(repeat(message, options.times), options), options), encoder(options))
    if options.stderr:
        return datagrams, "datagrams", None
    from udsd.send_input import shown

    times = options.times
    datagrams, close = shown(datagrams, "datagrams", lambda sent: sent / times)
    return datagrams, "datagrams", close


def _from_input(options: Options) -> tuple[Iterable[bytes], Close]:
    from udsd.send_input import Input

    source = Input(options.file)
    messages: Iterable[bytes] = source.messages()
    if options.skip_empty:
        messages = filter(None, messages)
    encode = encoder(options)
    if source.typed:
        return _encoded(_seen(messages, options), encode and _all_but_stop(encode)), None
    datagrams = _encoded(_seen(_timed(messages, options), options), encode)
    return (datagrams, None) if options.stderr else source.watched(datagrams)


def _timed(messages: Iterable[bytes], options: Options) -> Iterable[bytes]:
    if options.rate is None:
        return messages
    from udsd.send_pace import paced

    return paced(messages, options.rate)


def _seen(messages: Iterable[bytes], options: Options) -> Iterable[bytes]:
    if not options.stderr:
        return messages
    from udsd.send_stderr import echoed

    return echoed(messages, options.tag)


def _encoded(messages: Iterable[bytes], encode: Encoder | None) -> Iterable[bytes]:
    return map(encode, messages) if encode else messages


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
