"""Entries that `journalctl -o json` has printed come out as they went in."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.costs import cost
from tests.unit.drawn import field_names
from udsd.daemon.name_budget import NameBudget
from udsd.field_names import settable
from udsd.formats import json as format_json
from udsd.formats.text import MOST_FIELDS
from udsd.journal.entry import Field, Fields

_TIME = ("ORIGIN_REALTIME_TIMESTAMP", b"17")


def printed(members: str, time: str = '"17"') -> bytes:
    return f'{{"__REALTIME_TIMESTAMP":{time},{members}}}\n'.encode()


TABLE: dict[str, tuple[str, Fields]] = {
    "a text": ('"MESSAGE":"hello\\n  world ","PRIORITY":"3"', [("MESSAGE", b"hello\n  world "), ("PRIORITY", b"3")]),
    "bytes": ('"MESSAGE":[104,105,255,0,10]', [("MESSAGE", b"hi\xff\0\n")]),
    "one byte": ('"A":[255]', [("A", b"\xff")]),
    "several values": ('"A":["1","2","1"]', [("A", b"1"), ("A", b"2"), ("A", b"1")]),
    "several values, some of them bytes": (
        '"A":[[1,255],"x",[2,254]]',
        [("A", b"\1\xff"), ("A", b"x"), ("A", b"\2\xfe")],
    ),
    "an empty value": ('"A":""', [("A", b"")]),
    "neither message nor priority": (
        '"A":"b","LEVEL":"err","MSG":"m"',
        [("A", b"b"), ("LEVEL", b"err"), ("MSG", b"m")],
    ),
    "a priority that is none": ('"PRIORITY":"133"', [("PRIORITY", b"133")]),
    "what journald said of it": (
        '"_UID":"0","_SYSTEMD_UNIT":"a.service","UID":"7"',
        [("ORIGIN_UID", b"0"), ("ORIGIN_SYSTEMD_UNIT", b"a.service"), ("UID", b"7")],
    ),
    "what others may not say": (
        '"OBJECT_PID":"1","UDSD_SOCKET":"/s","UNIT":"u","COREDUMP_EXE":"/e"',
        [
            ("ORIGIN_OBJECT_PID", b"1"),
            ("ORIGIN_UDSD_SOCKET", b"/s"),
            ("ORIGIN_UNIT", b"u"),
            ("ORIGIN_COREDUMP_EXE", b"/e"),
        ],
    ),
    "where it stands in its journal": (
        '"__CURSOR":"s=1","__SEQNUM":"5","__MONOTONIC_TIMESTAMP":"3","A":"b"',
        [("A", b"b")],
    ),
    "a name that it has itself": (
        '"_PID":"1","ORIGIN_PID":"2","SYSLOG_PID":"3"',
        [("ORIGIN_PID_2", b"1"), ("ORIGIN_PID", b"2"), ("SYSLOG_PID", b"3")],
    ),
    "no identifier": (
        '"_COMM":"cron","_PID":"7"',
        [("ORIGIN_COMM", b"cron"), ("ORIGIN_PID", b"7"), ("SYSLOG_IDENTIFIER", b"cron"), ("SYSLOG_PID", b"7")],
    ),
    "an identifier": (
        '"_COMM":"cron","SYSLOG_IDENTIFIER":"CRON","SYSLOG_PID":"7","_PID":"8"',
        [("ORIGIN_COMM", b"cron"), ("SYSLOG_IDENTIFIER", b"CRON"), ("SYSLOG_PID", b"7"), ("ORIGIN_PID", b"8")],
    ),
    "a value too large for it": ('"A":null,"B":["x",null]', [("B", b"x")]),
}


@pytest.mark.parametrize("before", [b"", b"\x1e"], ids=["json", "json-seq"])
@pytest.mark.parametrize(("members", "fields"), TABLE.values(), ids=TABLE)
def test_an_entry_comes_out_as_it_went_in(members: str, fields: Fields, before: bytes) -> None:
    assert format_json.parse(before + printed(members)) == ([_TIME, *fields], None)


def test_a_message_too_large_for_it_is_the_object() -> None:
    payload = printed('"MESSAGE":null')
    assert format_json.parse(b"\x1e" + payload) == ([_TIME, ("MESSAGE", payload[:-1])], None)


# As others write it who read journals, and what nobody writes: any object.
OTHERS = {
    "lower case": ('"message":"x"', [("MESSAGE", b"x")]),
    "a number": ('"MESSAGE":"x","A":7', [("A", b"7"), ("MESSAGE", b"x")]),
    "numbers that are no bytes": ('"MESSAGE":"x","A":[256]', [("A", b"256"), ("MESSAGE", b"x")]),
    "a number below": ('"MESSAGE":"x","A":[-1]', [("A", b"-1"), ("MESSAGE", b"x")]),
    "a number of many digits": ('"MESSAGE":"x","A":[%s]' % ("9" * 5000), [("A", b"9" * 5000), ("MESSAGE", b"x")]),
    "a fraction": ('"MESSAGE":"x","A":[1.5]', [("A", b"1.5"), ("MESSAGE", b"x")]),
    "an object": ('"MESSAGE":"x","A":{"b":"c"}', [("A_B", b"c"), ("MESSAGE", b"x")]),
    "arrays in arrays in arrays": ('"MESSAGE":"x","A":[[["1"]]]', [("A", b"1"), ("MESSAGE", b"x")]),
    "half of a pair": ('"MESSAGE":"\\udc00"', [("MESSAGE", b"\\udc00")]),
    "a name twice": ('"MESSAGE":"x","MESSAGE":"y"', [("MESSAGE_2", b"x"), ("MESSAGE", b"y")]),
}


@pytest.mark.parametrize(("members", "fields"), OTHERS.values(), ids=OTHERS)
def test_another_object_is_read_as_any(members: str, fields: Fields) -> None:
    expected = [("PRIORITY", b"6"), ("REALTIME_TIMESTAMP", b"17"), *fields]
    assert format_json.parse(printed(members)) == (expected, None)


def test_the_name_in_a_text_makes_no_entry() -> None:
    fields, _ = format_json.parse(b'{"MESSAGE":"\\"__REALTIME_TIMESTAMP\\"","A":["1"]}')
    assert dict(fields) == {"PRIORITY": b"6", "A": b"1", "MESSAGE": b'"__REALTIME_TIMESTAMP"'}


def test_a_separator_is_no_part_of_any_object() -> None:
    assert format_json.parse(b'\x1e{"a":1}\n') == ([("PRIORITY", b"6"), ("A", b"1"), ("MESSAGE", b'{"a":1}')], None)
    fields, problem = format_json.parse(b"\x1e\x1e{}")
    assert (dict(fields)["MESSAGE"], problem is not None) == (b"\x1e\x1e{}", True)


def test_too_many_fields_are_text() -> None:
    fields, problem = format_json.parse(printed(",".join(f'"A{n}":"{n}"' for n in range(MOST_FIELDS + 1))))
    assert (len(fields), problem is not None) == (2, True)
    fields, problem = format_json.parse(printed(",".join(f'"A{n}":"{n}"' for n in range(MOST_FIELDS - 1))))
    assert (len(fields), problem) == (MOST_FIELDS, None)


@pytest.mark.parametrize(
    "members",
    [
        lambda: f'"A":[{",".join(["255"] * 1_000_000)}]',
        lambda: f'"A":[{",".join(["[]"] * 400_000)}]',
        lambda: '"A":' + "[" * 1_000_000 + "]" * 1_000_000,
        lambda: ",".join(f'"A{n}":""' for n in range(300_000)),
    ],
    ids=["bytes", "arrays", "deep", "names"],
)
def test_no_entry_takes_long(members: Callable[[], str]) -> None:
    assert cost(format_json.parse, printed(members())) < 1000  # at most 33 on an idle machine; quadratic: 100,000


def test_what_journald_said_is_no_new_name() -> None:
    """A sender may use few new names: those that each entry has are not among them."""
    trusted = (
        *("_PID", "_UID", "_GID", "_COMM", "_EXE", "_CMDLINE", "_CAP_EFFECTIVE", "_AUDIT_SESSION", "_AUDIT_LOGINUID"),
        *("_SYSTEMD_CGROUP", "_SYSTEMD_SLICE", "_SYSTEMD_UNIT", "_SYSTEMD_SESSION", "_SYSTEMD_OWNER_UID", "_TRANSPORT"),
        *("_SYSTEMD_INVOCATION_ID", "_BOOT_ID", "_MACHINE_ID", "_HOSTNAME", "_RUNTIME_SCOPE", "_STREAM_ID"),
        *("OBJECT_PID", "UNIT", "INVOCATION_ID", "USER_UNIT", "UDSD_SOCKET", "_SOURCE_REALTIME_TIMESTAMP"),
    )
    fields, problem = format_json.parse(printed(",".join(f'"{name}":"x"' for name in trusted)))
    assert problem is None
    assert len(fields) == len(trusted) + 3  # the time, and what readers show
    assert NameBudget(0).admit("anybody", fields, 0.0)


values = st.binary(min_size=1, max_size=20) | st.text(max_size=20).map(str.encode)
own = field_names.filter(lambda name: settable(name) and not name.startswith("ORIGIN"))


def as_printed(value: bytes) -> object:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return list(value)


@given(st.dictionaries(own, st.lists(values, min_size=1, max_size=4), max_size=20))
def test_any_fields_come_out_as_they_went_in(entry: dict[str, list[bytes]]) -> None:
    members = {
        name: as_printed(said[0]) if len(said) == 1 else [as_printed(value) for value in said]
        for name, said in entry.items()
    }
    payload = json.dumps({"__REALTIME_TIMESTAMP": "17", "_COMM": "c", "_PID": "1"} | members).encode()
    fields, problem = format_json.parse(payload)
    expected: list[Field] = [_TIME, ("ORIGIN_COMM", b"c"), ("ORIGIN_PID", b"1")]
    expected += [(name, value) for name, said in entry.items() for value in said]
    shown = {"SYSLOG_IDENTIFIER": b"c", "SYSLOG_PID": b"1"}
    assert (fields, problem) == ([*expected, *((n, v) for n, v in shown.items() if n not in entry)], None)
