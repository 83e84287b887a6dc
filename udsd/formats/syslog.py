r"""The formats of syslog, as programs write them to a local socket: RFC 3164 and RFC 5424.

RFC 3164 describes what was found in the wild, so what journald makes of /dev/log is the rule here, and the same
fields come out: PRIORITY, SYSLOG_FACILITY, SYSLOG_IDENTIFIER, SYSLOG_PID, SYSLOG_TIMESTAMP, MESSAGE.

1. `<N>` must come first, N being 0 to 191; facility 0, which is the kernel's, is not told. Then, each of them only if
   it is there: the time, in local time without a year or as RFC 3339 has it, and a blank; a tag that ends in `:` and a
   blank; in the tag a pid in brackets.
2. Local programs write no host name, but a relay on the same machine does (rsyslog's omuxsock), and so does
   `logger --rfc3164`, both without the domain. So a word between time and tag is taken for one only if it is the name
   of this host, with or without a domain, or `localhost`, without regard to case.
3. Blanks, newlines and NULs at the end are not part of the message.
4. What goes on with `1`, a time and the rest of a header is RFC 5424. There a nil value (`-`) is no field. Structured
   data `[id name="value"]` is the field SD_ID_NAME, made by the rules of `names`; an element without parameters is an
   empty field SD_ID. Under the SD-ID of our own clients (`wire`) each parameter is a field by its own name.
   The host name is told as SYSLOG_HOSTNAME if it is not this host's, the message's type as SYSLOG_MSGID.
   Where there is a flaw, the datagram is the message, and what stood before the flaw is kept.
"""

import re
from collections.abc import Iterator

from udsd.field_names import Names
from udsd.formats import text
from udsd.formats.text import MOST_FIELDS, MalformedError, Parsed, Problem, too_many_fields, trimmed, unparsed
from udsd.journal.entry import Field, Fields
from udsd.rfc5424 import FIELDS_ID

_BLANKS = b" \t\n\r"
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
# Nothing possessive around a group: Python before 3.11.5 (Debian 12) matches that wrong (gh-106052). Nor is it needed,
# since each way but one fails at its first byte.
_VALUE = rb'"[^"\\]*+(?:\\.[^"\\]*+)*"'
_ELEMENT = re.compile(
    rb'\[([^\x00-\x20\x7f-\xff="\]]+)((?: [^\x00-\x20\x7f-\xff="\]]+=' + _VALUE + rb")*)\]", re.DOTALL
)
_PARAM = re.compile(rb" ([^=]+)=(" + _VALUE + rb")", re.DOTALL)


def parse_auto(payload: bytes, host: bytes) -> Parsed:
    """The fields of text, or of a syslog message if the payload opens with `<N>`. `host` is this machine's name."""
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
        # Which word is which is unknown: one of them may be two, or missing.
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
    content = content.rstrip(_BLANKS + b"\0")
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
    """Add what the datagram says. MalformedError: what stood before the flaw has been added."""
    time, name, app_name, procid, msgid = header.groups()
    said = {
        "SYSLOG_IDENTIFIER": app_name,
        "SYSLOG_PID": procid,
        "SYSLOG_TIMESTAMP": time,
        "SYSLOG_HOSTNAME": _NIL if _is_this_host(name, host) else name,
        "SYSLOG_MSGID": msgid,
    }
    fields += [(field, value) for field, value in said.items() if value != _NIL]
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
    """Add a field for each parameter of the elements that begin at `at`; where they end."""
    names = Names(*dict(fields), "MESSAGE")
    while element := _ELEMENT.match(payload, at):
        at = element.end()
        for field in _params(element, names):
            if len(fields) == MOST_FIELDS - 1:  # the message is still to come
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
    # Neither re.sub nor a loop over parts, which are slow where there is much to do. A bare quote never stands within
    # a value, so it can mark what has been read.
    if b"\\" not in value:
        return value
    marked = value.replace(b"\\\\", b'"b').replace(b'\\"', b'"q').replace(b"\\]", b"]")
    return marked.replace(b'"b', b"\\").replace(b'"q', b'"')
