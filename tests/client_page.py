"""The examples of udsd.client(3), which say the same with the same fields in every language."""

import contextlib
import re
import socket

from tests.source import TOP
from udsd.formats import parser

SOCKET = "/run/udsd/udsd.sock"  # as the examples have it

_PAGE = (TOP / "packaging/man/udsd.client.3.scd").read_text()
_SAID = {
    "PRIORITY": b"4",
    "SYSLOG_IDENTIFIER": b"backup",
    "VOLUME": b"/srv",
    "MESSAGE": b"no space left",
}


def examples(heading: str) -> list[str]:
    """The blocks of code below a heading."""
    section = re.search(rf"^##? {heading}$(.*?)(?=^#+ [A-Z]|\Z)", _PAGE, re.MULTILINE | re.DOTALL)
    assert section, heading
    blocks: list[str] = re.findall(r"^```\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    assert blocks, heading
    return blocks


def check_that_an_example_sent_to(receiver: socket.socket) -> None:
    """One datagram is there, with the message and the fields of all examples, and no more."""
    receiver.setblocking(False)
    fields, problem = parser("auto")(receiver.recv(65536))
    assert problem is None
    said = dict(fields)
    assert {name: said.get(name) for name in _SAID} == _SAID
    with contextlib.suppress(BlockingIOError):
        assert not receiver.recv(65536)
