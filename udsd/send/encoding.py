"""The datagrams of a call that says more than a message: RFC 5424, or JSON for a socket of that format."""

import os
from _collections_abc import Callable

from udsd import priorities
from udsd.errors import UdsdError
from udsd.send.options import Options

Encoder = Callable[[bytes], bytes]


def encoder(options: Options) -> Encoder:
    """What makes a datagram of a message, with all that these options say of it.

    For JSON, both this and what it returns raise UdsdError for bytes that are not UTF-8.
    """
    return _json(options) if options.json else _rfc5424(options)


def _rfc5424(options: Options) -> Encoder:
    from udsd import rfc5424

    pri = priorities.DEFAULT_PRI if options.pri is None else options.pri

    def encode(message: bytes) -> bytes:
        return rfc5424.datagram(message, pri=pri, identifier=options.tag, pid=options.pid, fields=options.fields)

    return encode


def _json(options: Options) -> Encoder:
    from json import JSONEncoder

    # Always a PRIORITY: with one there, udsd reads LEVEL and the like as ordinary fields.
    facility, level = priorities.split_pri(priorities.DEFAULT_PRI if options.pri is None else options.pri)
    rest: dict[str, str | list[str]] = {"PRIORITY": str(level)}
    if options.pri is not None:
        rest["SYSLOG_FACILITY"] = str(facility)
    if options.tag:
        rest["SYSLOG_IDENTIFIER"] = _text("-t", options.tag)
    if options.pid:
        rest["SYSLOG_PID"] = _text("--id", options.pid)
    values: dict[str, list[str]] = {}
    for name, value in options.fields:
        values.setdefault(name, []).append(_text(f"-F {name}", value))
    for name, texts in values.items():
        rest[name] = texts if len(texts) > 1 else texts[0]
    encode_object = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def encode(message: bytes) -> bytes:
        return encode_object({"MESSAGE": _text("the message", message), **rest}).encode()

    return encode


def _text(what: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise UdsdError(
            f"{what}: not UTF-8, which JSON has to be: byte {error.start} is 0x{value[error.start]:02x}",
            hint="convert it (iconv -t UTF-8), or send it as it is, without --json",
            status=os.EX_DATAERR,
        ) from error
