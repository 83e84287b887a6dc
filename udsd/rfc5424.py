r"""The datagrams of our own clients if there is more to send than a message: RFC 5424.

Any syslog daemon reads them, and so do udsd's formats `auto` and `syslog`. Journal fields are parameters of structured
data under an SD-ID of our own; udsd stores each under its own name.

1. There is no time and no host name: journald and the kernel know both, and could not trust the sender's.
2. An identifier or a pid that the header cannot hold (with spaces, or too long) is sent as a field.
3. Values are bytes. Only `"`, `\` and `]` are escaped, so any other value arrives as it is.

The client loads this too, so it imports next to nothing.
"""

from udsd import priorities

FIELDS_ID = "journal@0"  # an SD-ID with `@` needs no registration; enterprise number 0 is nobody's

_LONGEST_APP_NAME = 48
_LONGEST_PROCID = 128
BOM = b"\xef\xbb\xbf"  # a reader removes one from the message (RFC 5424, 6.4)


Fields = list[tuple[str, bytes]] | tuple[tuple[str, bytes], ...]


def header(
    *, pri: int = priorities.DEFAULT_PRI, identifier: bytes = b"", pid: bytes = b"", fields: Fields = ()
) -> bytes:
    """Everything before the message, for `with_message`. Many messages can share it.

    `pri` is as `priorities.pri` makes it. An empty `identifier` or `pid` is left out. The names of `fields` must be
    `field_names.settable`.
    """
    params = list(fields)
    app_name = _token(identifier, _LONGEST_APP_NAME)
    procid = _token(pid, _LONGEST_PROCID)
    if identifier and not app_name:
        params.insert(0, ("SYSLOG_IDENTIFIER", identifier))
    if pid and not procid:
        params.insert(0, ("SYSLOG_PID", pid))
    return b"<%d>1 - - %s %s - %s " % (pri, app_name or b"-", procid or b"-", _structured_data(params))


def with_message(before: bytes, message: bytes) -> bytes:
    """The bytes of one datagram: a `header` and the message."""
    return before + BOM + message if message.startswith(BOM) else before + message


def datagram(
    message: bytes,
    *,
    pri: int = priorities.DEFAULT_PRI,
    identifier: bytes = b"",
    pid: bytes = b"",
    fields: Fields = (),
) -> bytes:
    """The bytes of one datagram; see `header`."""
    return with_message(header(pri=pri, identifier=identifier, pid=pid, fields=fields), message)


def _token(value: bytes, longest: int) -> bytes:
    """The value, or nothing if the header cannot hold it: only printable ASCII without spaces, and not `-` (none)."""
    fits = len(value) <= longest and value != b"-" and all(0x21 <= byte <= 0x7E for byte in value)
    return value if fits else b""


def _structured_data(params: list[tuple[str, bytes]]) -> bytes:
    if not params:
        return b"-"
    parts = [b' %s="%s"' % (name.encode("ascii"), _escaped(value)) for name, value in params]
    return b"[%s%s]" % (FIELDS_ID.encode("ascii"), b"".join(parts))


def _escaped(value: bytes) -> bytes:
    return value.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"]", b"\\]")
