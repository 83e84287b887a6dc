"""Parsers: they turn the payload of a datagram into journal fields. Bytes in, fields out, no I/O.

The socket alone decides which parser reads its datagrams: by the name of the descriptor if systemd passed it, by
`FORMAT:PATH` if udsd binds it. A parser's module is loaded when a socket needs it.

To add a format: a module here with a function `parse(payload) -> Parsed` that never raises (`text` has the rules and
types), its name in NAMES, and its branch in `parser`. Everything else, such as --listen, takes the names from here.
"""

import os
from collections.abc import Callable

from udsd.formats import text
from udsd.formats.text import Parsed

DEFAULT = "auto"
NAMES = ("auto", "raw", "syslog", "json", "native")

Parser = Callable[[bytes], Parsed]


def parser(name: str) -> Parser:
    """The parser of the format of this name, which is one of NAMES."""
    if name == "json":
        from udsd.formats import json

        return json.parse
    if name == "native":
        from udsd.formats import native

        return native.parse
    if name == "raw":
        return text.parse
    from udsd.formats import syslog

    parse = syslog.parse if name == "syslog" else syslog.parse_auto
    host = os.fsencode(os.uname().nodename)
    return lambda payload: parse(payload, host)  # runs for each datagram: functools.partial takes longer
