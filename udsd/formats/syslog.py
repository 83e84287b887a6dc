r"""The syslog formats that programs write to a local socket: RFC 3164 and RFC 5424.

RFC 3164 records what programs did, not a grammar. So udsd parses it as journald parses /dev/log, into the same fields:
PRIORITY, SYSLOG_FACILITY, SYSLOG_IDENTIFIER, SYSLOG_PID, SYSLOG_TIMESTAMP, MESSAGE.

1. `<N>` must come first, N from 0 to 191. Facility 0 (kernel) sets no SYSLOG_FACILITY. Then come, all optional: a time,
   either local without a year or as in RFC 3339, and a space; a tag that ends in `:` and a space; in the tag, a pid in
   brackets.
2. Local programs write no host name. A relay on the same machine (rsyslog's omuxsock) and `logger --rfc3164` do, both
   without the domain. So a word between time and tag counts as a host name only if it is this host's name, with or
   without a domain, or `localhost`. Case is ignored.
3. White space and NULs at the end are not part of the message.
4. A message with `1`, a time and the rest of a header after `<N>` is RFC 5424. A nil value (`-`) sets no field.
   Structured data `[id name="value"]` becomes the field SD_ID_NAME, named by the rules of `field_names`; an element
   without parameters becomes an empty field SD_ID. Under the SD-ID of our own clients (`rfc5424`) each parameter
   becomes a field of its own name. The host name becomes SYSLOG_HOSTNAME unless it is this host's; the MSGID becomes
   SYSLOG_MSGID. If such a message is malformed, the datagram becomes the message; fields before the error are kept.
"""

import re
from collections.abc import Iterator

from udsd.field_names import Names
from udsd.formats import text
from udsd.formats.text import MOST_FIELDS, MalformedError, Parsed, Problem, too_many_fields, trimmed, unparsed
from udsd.journal.entry import Field, Fields
from udsd.rfc5424 import FIELDS_ID

_WHITE_SPACE = b" \t\n\r"
_BOM = b"\xef\xbb\xbf"
_NIL = b"-"
_HIGHEST = 191
_LONGEST_HOST = 255  # RFC 5424, 6

_PRI = re.compile(rb"<(\d{1,3})>")
_RFC_3339 = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"
_TIME = re.compile(rb"(?:[A-Za-z]{3} [ \d]\d [ \d]\d:[ \d]\d:[ \d]\d|" + _RFC_3339 + rb") ")
_TAG = re.compile(rb"[ \t\n\r]*+([^ \t\n\r]*):(?:[ \t\n\r]|\Z)")

_VERSION_1 = re.compile(rb"1 (" + _RFC_3339 + rb") ")
_HEADER = re.compile(rb"1 (-|" + _RFC_3339 + rb") ([!-~]+) ([!-~]+) ([!-~]+) ([!-~]+) (?=[-\[])")
# No possessive quantifier around a group: Python before 3.11.5 (Debian 12) matches it incorrectly (gh-106052). None is
# needed, since each alternative but one fails at its first byte.
_VALUE = rb'"[^"\\]*+(?:\\.[^"\\]*+)*"'
_ELEMENT = re.compile(
    rb'\[([^\x00-\x20\x7f-\xff="\]]+)((?: [^\x00-\x20\x7f-\xff="\]]+=' + _VALUE + rb")*)\]", re.DOTALL
)
_PARAM = re.compile(rb" ([^=]+)=(" + _VALUE + rb")", re.DOTALL)


def parse_auto(payload: bytes, host: bytes) -> Parsed:
    """The fields of text, or of a syslog message if the payload begins with `<N>`. `host` is this machine's name."""
    if payload[:1] == b"<":
        pri = _PRI.match(payload)
        if pri and int(pri[1]) <= _HIGHEST:
            return parse(payload, host)
    return text.parse(payload)


def parse(payload: bytes, host: bytes) -> Parsed:
    """The fields of a syslog message. `host` is this machine's name."""
    pri = _PRI.match(payload)
    if pri is None or int(pri[1]) > _HIGHEST:
        return unparsed(payload, Problem("no priority", f"a syslog message opens with <N>, N from 0 to {_HIGHEST}"))
    header = _HEADER.match(payload, pri.end())
    if header:
        fields = _priority(int(pri[1]))
        try:
            _rfc5424(payload, header, host, fields)
        except MalformedError as error:
            return unparsed(payload, error.problem, fields)
        return fields, None
    version = _VERSION_1.match(payload, pri.end())
    if version:
        # It is not clear which word is which: one may be missing, or contain a space.
        time: Field = ("SYSLOG_TIMESTAMP", version[1])
        return unparsed(payload, Problem("header of RFC 5424"), [*_priority(int(pri[1])), time])
    return _rfc3164(payload[pri.end() :], int(pri[1]), host), None


def _is_this_host(name: bytes, host: bytes) -> bool:
    if name == host:
        return True
    name, host = name.lower(), host.lower()
    if name in (host, b"localhost"):
        return True
    if b"." in name and b"." in host:
        return False  # two domains
    return name.partition(b".")[0] == host.partition(b".")[0] != b""


def _priority(pri: int) -> list[Field]:
    priority: Field = ("PRIORITY", b"%d" % (pri & 7))
    return [priority, ("SYSLOG_FACILITY", b"%d" % (pri >> 3))] if pri >> 3 else [priority]


def _rfc3164(content: bytes, pri: int, host: bytes) -> Fields:
    fields = _priority(pri)
    content = content.rstrip(_WHITE_SPACE + b"\0")
    time = _TIME.match(content)
    at = time.end() if time else 0
    tag = _TAG.match(content, at)
    if time and not tag:
        word = content[at : at + _LONGEST_HOST + 1].partition(b" ")[0]
        if _is_this_host(word, host):
            tag = _TAG.match(content, at + len(word) + 1)
    if tag:
        identifier, pid, at = tag[1], None, tag.end()
        if identifier.endswith(b"]") and b"[" in identifier:
            identifier, _, pid = identifier[:-1].rpartition(b"[")
        fields.append(("SYSLOG_IDENTIFIER", identifier))
        if pid is not None:
            fields.append(("SYSLOG_PID", pid))
    if time:
        fields.append(("SYSLOG_TIMESTAMP", time[0]))
    fields.append(("MESSAGE", content[at:]))
    return fields


def _rfc5424(payload: bytes, header: "re.Match[bytes]", host: bytes, fields: list[Field]) -> None:
    """Append the fields of the datagram. If this raises MalformedError, those before the error have been appended."""
    time, name, app_name, procid, msgid = header.groups()
    values = {
        "SYSLOG_IDENTIFIER": app_name,
        "SYSLOG_PID": procid,
        "SYSLOG_TIMESTAMP": time,
        "SYSLOG_HOSTNAME": _NIL if _is_this_host(name, host) else name,
        "SYSLOG_MSGID": msgid,
    }
    fields += [(field, value) for field, value in values.items() if value != _NIL]
    at = header.end()
    if payload.startswith(_NIL, at):
        at += len(_NIL)
    else:
        at = _structured_data(payload, at, fields)
    rest = trimmed(payload[at:])
    if rest[:1] not in (b"", b" "):
        raise MalformedError("structured data of RFC 5424", f"at byte {at}")
    fields.append(("MESSAGE", rest[1:].removeprefix(_BOM)))


def _structured_data(payload: bytes, at: int, fields: list[Field]) -> int:
    """Append a field for each parameter of the elements that begin at `at`. Returns the position after them."""
    names = Names(*dict(fields), "MESSAGE")
    while element := _ELEMENT.match(payload, at):
        at = element.end()
        for field in _params(element, names):
            if len(fields) == MOST_FIELDS - 1:  # one place is left for the message
                raise too_many_fields()
            fields.append(field)
    return at


def _params(element: "re.Match[bytes]", names: Names) -> Iterator[Field]:
    sd_id, params = element[1].decode("ascii"), element[2]
    if not params:
        yield names.field("SD", sd_id), b""
        return
    path = names.outermost if sd_id == FIELDS_ID else names.within(names.within(names.outermost, "SD"), sd_id)
    for param in _PARAM.finditer(params):  # one at a time, since there may be too many
        name, value = param.groups()
        yield names.field_of(names.within(path, name.decode("ascii"))), _unescaped(value[1:-1])


def _unescaped(value: bytes) -> bytes:
    # re.sub, or a loop over parts, is slow if there are many escapes. A bare quote never occurs in a value, so it can
    # mark the escapes that have been read.
    if b"\\" not in value:
        return value
    marked = value.replace(b"\\\\", b'"b').replace(b'\\"', b'"q').replace(b"\\]", b"]")
    return marked.replace(b'"b', b"\\").replace(b'"q', b'"')
