"""What programs send, kept in tests/corpus: each file is a datagram, and what its entry is to say.

A file names the program and its version, and has the `datagram` and the `fields` wanted: PRIORITY, MESSAGE and SYSLOG_*
are these and no others; of other fields only those are named that matter. `error` marks what `journalctl -p err` is to
show. The folder is the format. Most of it was recorded from the programs themselves, with this host called web1;
programs that have no package here are written after their documentation.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.source import TOP
from udsd import formats, priorities
from udsd.formats import syslog
from udsd.journal.entry import Fields

_HOST = b"web1"
_FILES = sorted((TOP / "tests/corpus").glob("*/*.toml"))


def read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text())


def entry(file: Path, datagram: str) -> tuple[Fields, str]:
    """The fields of a file's datagram, and the kind of its problem."""
    payload = datagram.encode()
    if file.parent.name in ("auto", "syslog"):
        parse = syslog.parse if file.parent.name == "syslog" else syslog.parse_auto
        fields, problem = parse(payload, _HOST)
    else:
        fields, problem = formats.parser(file.parent.name)(payload)
    return fields, problem.kind if problem else ""


def test_the_corpus_is_large_and_each_folder_a_format() -> None:
    assert len(_FILES) >= 300
    assert {file.parent.name for file in _FILES} <= set(formats.NAMES)


@pytest.mark.parametrize("file", _FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_datagram_says_what_the_program_meant(file: Path) -> None:
    wanted = read(file)
    fields, problem = entry(file, wanted["datagram"])
    assert problem == wanted.get("problem", "")
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name, []).append(value.decode())
    expected = {name: value if isinstance(value, list) else [value] for name, value in wanted["fields"].items()}
    looked_at = {name for name in found if name in ("PRIORITY", "MESSAGE") or name.startswith("SYSLOG_")}
    assert {name: found.get(name) for name in expected.keys() | looked_at} == expected


def test_errors_and_worse_are_exactly_those_that_are_marked() -> None:
    """What `journalctl -p err` shows of the corpus."""
    shown = set()
    for file in _FILES:
        fields, _ = entry(file, read(file)["datagram"])
        if int(dict(fields).get("PRIORITY", b"7")) <= priorities.ERR:
            shown.add(file)
    assert shown == {file for file in _FILES if read(file).get("error")}
