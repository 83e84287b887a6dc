r"""What our own clients send when there is more to say than a message: one datagram as RFC 5424 has it.

Any syslog daemon reads it, and so do udsd's formats `auto` and `syslog`. Journal fields travel as structured data
under an SD-ID of our own, whose parameters udsd takes for fields by their own names.

1. There is no time and no host in it: journald and the kernel know both, and nobody could believe ours.
2. What the header has no room for (an identifier with blanks, a long one) goes with the fields.
3. Values are bytes. Only `"`, `\` and `]` are escaped in them, so that any other value arrives as it is.

The client loads this, so it imports next to nothing.
"""

from udsd import priorities

FIELDS_ID = "journal@0"  # an SD-ID of the form that is free for all, with the one number that is nobody's

_LONGEST_APP_NAME = 48
_LONGEST_PROCID = 128
_BOM = b"\xef\xbb\xbf"  # one is taken off a message (RFC 5424, 6.4)


def datagram(
    message: bytes,
    *,
    pri: int = priorities.DEFAULT_PRI,
    identifier: bytes = b"",
    pid: bytes = b"",
    fields: list[tuple[str, bytes]] | tuple[tuple[str, bytes], ...] = (),
) -> bytes:
    """One datagram that says all this; empty values are left out.

    `pri` is the facility (0 to 23) times 8 plus the priority (0 to 7), as in RFC 5424, 6.2.1; names of `fields` are to
    be `names.settable`.
    """
    params = list(fields)
    app_name = _token(identifier, _LONGEST_APP_NAME)
    procid = _token(pid, _LONGEST_PROCID)
    if identifier and not app_name:
        params.insert(0, ("SYSLOG_IDENTIFIER", identifier))
    if pid and not procid:
        params.insert(0, ("SYSLOG_PID", pid))
    header = b"<%d>1 - - %s %s - " % (pri, app_name or b"-", procid or b"-")
    return b"".join((header, _structured_data(params), b" ", _BOM if message.startswith(_BOM) else b"", message))


def _token(value: bytes, longest: int) -> bytes:
    """The value if the header has room for it: printable ASCII without blanks, and not what stands for nothing."""
    fits = len(value) <= longest and value != b"-" and all(0x21 <= byte <= 0x7E for byte in value)
    return value if fits else b""


def _structured_data(params: list[tuple[str, bytes]]) -> bytes:
    if not params:
        return b"-"
    parts = [b' %s="%s"' % (name.encode("ascii"), _escaped(value)) for name, value in params]
    return b"[%s%s]" % (FIELDS_ID.encode("ascii"), b"".join(parts))


def _escaped(value: bytes) -> bytes:
    return value.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"]", b"\\]")
