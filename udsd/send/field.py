"""A journal field that is given on the command line, and why some cannot be."""

import os

from udsd.errors import UdsdError
from udsd.field_names import LONGEST, made, settable

_ELSEWHERE = {
    "MESSAGE": "the words or the lines are the message",
    "PRIORITY": "use -p",
    "SYSLOG_FACILITY": "use -p",
    "SYSLOG_IDENTIFIER": "use -t",
    "SYSLOG_PID": "use -i or --id=PID",
}


def field(text: str) -> tuple[str, bytes]:
    """Name and value of `NAME=VALUE`. Raises UdsdError where nobody may set that, or it is not the name of a field."""
    name, equals, value = text.partition("=")
    if not equals:
        what, hint = f"-F {text}: there is no = in it", "-F NAME=VALUE"
    elif made(name) in _ELSEWHERE:
        what, hint = f"-F {name}: this is not set with -F", _ELSEWHERE[made(name)]
    elif not settable(name):
        what, hint = f"-F {name}: {_why(name)}", f"call it {made(name)}" if name else "-F NAME=VALUE"
    else:
        return name, os.fsencode(value)
    raise UdsdError(what, hint=hint, status=os.EX_USAGE)


def _why(name: str) -> str:
    if name and not name[0].isdigit() and settable(f"X_{name}"):
        return "only journald, systemd and udsd set this field"
    return f"not the name of a field: A to Z, 0 to 9 and _, a letter first, at most {LONGEST} characters"
