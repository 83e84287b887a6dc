"""A journal field that is given on the command line, and why some cannot be."""

import os

from udsd import field_names
from udsd.errors import UdsdError

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
    elif field_names.sanitize(name) in _ELSEWHERE:
        what, hint = f"-F {name}: this is not set with -F", _ELSEWHERE[field_names.sanitize(name)]
    elif not field_names.settable(name):
        what, hint = f"-F {name}: {_why(name)}", f"call it {field_names.sanitize(name)}" if name else "-F NAME=VALUE"
    else:
        return name, os.fsencode(value)
    raise UdsdError(what, hint=hint, status=os.EX_USAGE)


def _why(name: str) -> str:
    if name and not name[0].isdigit() and field_names.settable(f"X_{name}"):
        return "only journald, systemd and udsd set this field"
    return f"not the name of a field: A to Z, 0 to 9 and _, a letter first, at most {field_names.LONGEST} characters"
