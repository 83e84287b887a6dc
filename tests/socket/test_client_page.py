"""The examples of udsd.client(3): each is run against a socket, and says the same with the same fields."""

import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source import TOP
from udsd.formats import parser

_PAGE = (TOP / "packaging/man/udsd.client.3.scd").read_text()
_SOCKET = "/run/udsd/udsd.sock"
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


def command(language: str, code: str) -> list[str]:
    if language == "SHELL":
        return [sys.executable, "-m", "udsd.send", *shlex.split(code)[1:]]
    return [*{"PYTHON": [sys.executable, "-c"], "Perl": ["perl", "-e"]}[language], code]


@pytest.mark.parametrize(
    ("language", "code"), [(name, code) for name in ("PYTHON", "SHELL", "Perl") for code in examples(name)]
)
def test_an_example_sends_its_message_and_fields(tmp_path: Path, language: str, code: str) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        receiver.settimeout(10)
        words = command(language, code.replace(_SOCKET, path))
        environment = {"UDSD_SOCKET": path, "PYTHONPATH": str(TOP), "PATH": "/usr/bin:/bin"}
        subprocess.run(words, env=environment, check=True)
        fields, problem = parser("auto")(receiver.recv(65536))
    assert problem is None
    said = dict(fields)
    assert {name: said.get(name) for name in _SAID} == _SAID
