"""The man pages, in their sources, against the code: options, fields, ids of messages and exit statuses."""

import ast
import os
import re
import subprocess
import sys
from functools import cache

import pytest

from tests.source import FILES, TOP, imports
from udsd.errors import UdsdError
from udsd.journal import log as messages
from udsd.journal.console import Console
from udsd.journal.delivery import Delivery
from udsd.journal.log import Log, Message
from udsd.metrics.accounts import Accounts
from udsd.metrics.counters import Counters
from udsd.metrics.reports import Reports

_PAGES = TOP / "packaging/man"
_PROBLEMS = ("MalformedError", "Problem")
_CODE = list(FILES.values())
_FIELD = re.compile(r"\bUDSD(?:_[A-Z]+)+\b")
_KIND = re.compile(r"UDSD_MALFORMED_(?!DATAGRAMS$)\w+")  # named after what was wrong

Options = dict[str, str]


@cache
def page(name: str) -> str:
    """The text of a page, without the marks of scdoc."""
    text = (_PAGES / f"{name}.scd").read_text()
    return re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)\*|(?<![\\\w])_|(?<!\\)_(?!\w)", "", text))


def section(name: str, heading: str) -> str:
    found = re.search(rf"^# {heading}$(.*?)(?=^# |\Z)", page(name), re.MULTILINE | re.DOTALL)
    assert found, f"{name} has no section {heading}"
    return found[1]


def options(terms: list[str]) -> Options:
    """Each option with what it takes, from terms like `-p, --priority FACILITY.LEVEL`."""
    found: Options = {}
    for term in terms:
        split = [re.fullmatch(r"(-[\w-]+)(?:[ =](\S+))?", one) for one in term.split(", ")]
        takes = split[-1] and split[-1][2]
        for one in split:
            assert one, term
            assert one[1] not in found, f"{one[1]} twice"
            found[one[1]] = takes or ""
    return found


def options_of_help(module: str) -> Options:
    shown = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=TOP,
        env=os.environ | {"COLUMNS": "500", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return options(re.findall(r"^  (-.*?)(?:  .*)?$", shown.stdout, re.MULTILINE))


def options_of_page(name: str) -> Options:
    return options(re.findall(r"^(-.*)\n\t", section(name, "OPTIONS"), re.MULTILINE))


PROGRAMS = [("udsd.8", "udsd", "daemon.cli"), ("udsd-send.1", "udsd.send", "send.cli")]


@pytest.mark.parametrize(("name", "module"), [(name, module) for name, module, _ in PROGRAMS])
def test_options_are_those_of_help(name: str, module: str) -> None:
    there = options_of_page(name)
    assert len(there) > 5
    assert there == options_of_help(module)


def test_a_line_with_a_command_can_be_copied() -> None:
    texts = [file.read_text() for file in _PAGES.glob("*.scd")]
    blocks = "".join(re.findall(r"^```\n(.*?)^```$", "".join(texts), re.MULTILINE | re.DOTALL))
    commands = re.findall(r"^(?:journalctl|systemctl|udsd) .*$", blocks, re.MULTILINE)
    assert len(commands) > 20
    assert [line for line in commands if re.search(r"  (?!#)", line)] == [], "a comment begins with #"


def classes(kind: type[UdsdError]) -> list[type[UdsdError]]:
    """All classes below one."""
    return [one for below in kind.__subclasses__() for one in (below, *classes(below))]


def statuses(entry: str) -> set[int]:
    """The exit statuses that a program's code names, or the classes that it raises, in all that it may import."""
    numbers: set[int] = set()
    modules, left = set[str](), {entry}
    while left:
        module = left.pop()
        modules.add(module)
        code = FILES[module].read_text()
        left |= imports(module) - modules
        if module != "errors":  # its default is for a mistake of ours, and a class is for who raises it
            named = set(re.findall(r"\bos\.(EX_\w+)", code))
            numbers |= {getattr(os, one) for one in named}
            literal = re.findall(r"(?:\bstatus(?:=|, .*, )|^_INTERRUPTED = )(\d+)", code, re.MULTILINE)
            numbers |= {int(number) for number in literal}
            numbers |= {kind.status for kind in classes(UdsdError) if re.search(rf"\b{kind.__name__}\b", code)}
    return numbers


@pytest.mark.parametrize(("name", "entry"), [(name, entry) for name, _, entry in PROGRAMS])
def test_exit_statuses_are_those_of_the_code(name: str, entry: str) -> None:
    told = re.findall(r"^(\d+)(?: \((\w+)\))?\n\t", section(name, "EXIT STATUS"), re.MULTILINE)
    assert all(getattr(os, word) == int(number) for number, word in told if word)
    assert {int(number) for number, _ in told} == statuses(entry)


def kinds_of_problems() -> set[str]:
    """What can be wrong with a datagram: the first argument of `MalformedError` and `Problem`."""
    return {
        call.args[0].value
        for module in _CODE
        for call in ast.walk(ast.parse(module.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _PROBLEMS
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
        if call.args[0].value  # else there are only dropped fields
    }


def counters() -> set[str]:
    """The fields in which udsd tells all of its counters."""
    full = Counters()
    full.limited_by.update(["unit", "user", "unknown"])
    full.malformed_by.update(kinds_of_problems())
    outlet = Delivery(Console(2), Log(keep=False, stderr=False))
    return {name for name, _ in Reports({}, Accounts, outlet, 1.0, None).fields(full, 0.0)}


def test_fields_are_those_of_the_code() -> None:
    code = {name for module in _CODE for name in _FIELD.findall(module.read_text())}
    told = set(_FIELD.findall(page("udsd.fields.7")))
    there = code | counters()
    assert told - {"UDSD_MALFORMED_KIND"} <= there
    assert {name for name in there if not _KIND.fullmatch(name)} <= told


def test_no_page_names_a_field_that_is_not_there() -> None:
    there = set(_FIELD.findall(page("udsd.fields.7")))
    assert set(_FIELD.findall(page("udsd.8") + page("udsd-send.1"))) <= there


def test_what_can_be_wrong_is_told() -> None:
    kinds = kinds_of_problems()
    assert len(kinds) > 5
    told = re.search(r"^UDSD_MALFORMED\n((?:\t.*\n)+)", page("udsd.fields.7"), re.MULTILINE)
    assert told
    assert set(" ".join(told[1].split()).rpartition(": ")[2].removesuffix(".").split("; ")) == kinds


def test_ids_of_messages_are_in_catalog_and_page() -> None:
    code = {kind.message_id.decode() for kind in vars(messages).values() if isinstance(kind, Message)}
    catalog = (TOP / "systemd/udsd.catalog").read_text()
    assert set(re.findall(r"^-- ([0-9a-f]{32})$", catalog, re.MULTILINE)) == code
    told = re.findall(r"^([0-9a-f]{32})\n\t", section("udsd.fields.7", "MESSAGES OF UDSD"), re.MULTILINE)
    assert set(told) == code
    assert set(re.findall(r"\b[0-9a-f]{32}\b", page("udsd.fields.7"))) == code
    assert set(_FIELD.findall(catalog)) <= set(_FIELD.findall(page("udsd.fields.7")))
