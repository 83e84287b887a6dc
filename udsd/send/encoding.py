"""The datagrams of a call with more than a message: RFC 5424, or JSON for a socket of that format.

An encoding has methods for a whole message, for many, and for a part of one (`udsd.parts`), and the fields of each
message.
"""

import os
from _collections_abc import Iterable

from udsd import priorities
from udsd.errors import UdsdError
from udsd.parts import Fields, kept

TYPE_CHECKING = False  # importing typing costs 4 ms
if TYPE_CHECKING:
    from udsd.send.options import Options

_FACILITY_KERN = 0  # udsd stores no SYSLOG_FACILITY for it


class Rfc5424:
    """For sockets of the formats auto and syslog. `pri` is as `priorities.pri` makes it."""

    def __init__(self, pri: int, identifier: bytes = b"", pid: bytes = b"", fields: Iterable[tuple[str, bytes]] = ()):
        from udsd import rfc5424

        self.fields = list(fields)
        self._rfc5424 = rfc5424
        self._pri, self._identifier, self._pid = pri, identifier, pid
        self._header = rfc5424.header(pri=pri, identifier=identifier, pid=pid, fields=self.fields)

    def whole(self, message: bytes) -> bytes:
        """The datagram of a message, with all fields."""
        return self._rfc5424.with_message(self._header, message)

    def wholes(self, messages: list[bytes]) -> list[bytes]:
        """The same for many messages: one call for each would cost twice as much."""
        header, special = self._header, self._rfc5424.BOM[:1]
        return [self.whole(message) if message[:1] == special else header + message for message in messages]

    def part(self, text: bytes, fields: Fields) -> bytes:
        """The datagram of a part, with these fields."""
        return self._rfc5424.datagram(
            kept(text), pri=self._pri, identifier=self._identifier, pid=self._pid, fields=fields
        )


class Json:
    """For sockets of the format json. Raises UdsdError, here and in all methods, for bytes that are not UTF-8."""

    def __init__(self, options: "Options") -> None:
        # Always a PRIORITY: with one there, udsd reads LEVEL and the like as ordinary fields.
        facility, level = priorities.split_pri(priorities.DEFAULT_PRI if options.pri is None else options.pri)
        self.fields = list(options.fields)
        self._rest = {"PRIORITY": _string(str(level))}
        if options.pri is not None:
            self._rest["SYSLOG_FACILITY"] = _string(str(facility))
        if options.tag:
            self._rest["SYSLOG_IDENTIFIER"] = _string(_text("-t", options.tag))
        if options.pid:
            self._rest["SYSLOG_PID"] = _string(_text("--id", options.pid))
        self._end = self._members(self.fields)

    def whole(self, message: bytes) -> bytes:
        """The datagram of a message, with all fields."""
        return b'{"MESSAGE":%s%s}' % (_string(_text("the message", message)).encode(), self._end)

    def wholes(self, messages: list[bytes]) -> Iterable[bytes]:
        """The same for many messages, each made when it is asked for."""
        return map(self.whole, messages)

    def part(self, text: bytes, fields: Fields) -> bytes:
        """The datagram of a part, with these fields."""
        return b'{"MESSAGE":%s%s}' % (_string(_text("the message", text)).encode(), self._members(fields))

    def _members(self, fields: Fields) -> bytes:
        values: dict[str, list[str]] = {}
        for name, value in fields:
            values.setdefault(name, []).append(_string(_text(f"-F {name}", value)))
        lists = {name: texts[0] if len(texts) == 1 else f"[{','.join(texts)}]" for name, texts in values.items()}
        return "".join(f',"{name}":{value}' for name, value in (self._rest | lists).items()).encode()


Encoding = Rfc5424 | Json


def encoding(options: "Options") -> Encoding:
    """The encoding of a call with these options. Raises UdsdError for what JSON cannot hold."""
    if options.json:
        return Json(options)
    pri = priorities.DEFAULT_PRI if options.pri is None else options.pri
    return Rfc5424(pri, options.tag, options.pid, options.fields)


def plain() -> Encoding:
    """The encoding for a plain message that does not fit a datagram. It sets the fields that plain text gets."""
    return Rfc5424(priorities.pri(_FACILITY_KERN, priorities.INFO))


def _string(text: str) -> str:
    # The C function below json.dumps(ensure_ascii=False): importing `json` would cost 5 ms.
    from _json import encode_basestring

    return encode_basestring(text)


def _text(what: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise UdsdError(
            f"{what}: not UTF-8, which JSON has to be: byte {error.start} is 0x{value[error.start]:02x}",
            hint="convert it (iconv -t UTF-8), or send it as it is, without --json",
            status=os.EX_DATAERR,
        ) from error
