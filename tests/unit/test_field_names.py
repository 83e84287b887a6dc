"""Names of fields: which a sender may set, and what any other name is made into."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.reference import is_name
from tests.unit.drawn import NAME_LETTERS
from udsd.field_names import LONGEST, Names, sanitize, settable

SETTABLE = ["A", "Z9_", "MESSAGE", "CODE_FILE", "OBJECT", "OBJECTS", "UDSD", "UNITS", "X_UNIT", "A" * 64, "A__"]
NOT_SETTABLE = [
    *("", "a", "Ä", "9A", "_A", "__CURSOR", "A" * 65, "A B", "A-B", "A=B", "A\n", "A\0", "A.B", "A٣"),
    *("UNIT", "USER_UNIT", "INVOCATION_ID", "USER_INVOCATION_ID"),
    *("OBJECT_PID", "OBJECT_", "COREDUMP_UNIT", "UDSD_SOCKET"),
]

MADE = {
    "message": "MESSAGE",
    "CODE_FILE": "CODE_FILE",
    "camelCase": "CAMELCASE",
    "two words": "TWO_WORDS",
    "http.status-code": "HTTP_STATUS_CODE",
    "a::b": "A__B",
    "ends_": "ENDS_",
    "_private": "PRIVATE",
    "__UID": "UID",
    "-v": "V",
    "_9": "X_9",
    "9lives": "X_9LIVES",
    "": "X_",
    "___": "X_",
    "größe": "GR_SSE",
    "łódź": "D_",
    "日本": "X_",
    "a\nPRIORITY=0": "A_PRIORITY_0",
    "unit": "X_UNIT",
    "_unit": "X_UNIT",
    "user-unit": "X_USER_UNIT",
    "invocation_id": "X_INVOCATION_ID",
    "object_pid": "X_OBJECT_PID",
    "object": "OBJECT",
    "coredump_unit": "X_COREDUMP_UNIT",
    "udsd_sender_unproven": "X_UDSD_SENDER_UNPROVEN",
    "a" * 70: "A" * 64,
    "9" * 70: "X_" + "9" * 62,
    "object_" + "a" * 70: "X_OBJECT_" + "A" * 55,
}

CLASHES = {
    "none": ([], ["a", "b"], ["A", "B"]),
    "the same name twice": ([], ["a", "b", "a"], ["A", "B", "A"]),
    "names that come out the same": ([], ["a-b", "a_b", "A_B", "a-b"], ["A_B", "A_B_2", "A_B_3", "A_B"]),
    "with one that is taken": (["MESSAGE"], ["message", "MESSAGE", "message"], ["MESSAGE_2", "MESSAGE_3", "MESSAGE_2"]),
    "with a number that is there already": ([], ["a_2", "a", "A", "A_2"], ["A_2", "A", "A_3", "A_2_2"]),
    "of the longest names": ([], ["a" * 64, "A" * 64, "a" * 65], ["A" * 64, "A" * 59 + "_2", "A" * 59 + "_3"]),
    "whose number makes it one of journald's": ([], ["object", "OBJECT"], ["OBJECT", "X_OBJECT_2"]),
    "whose number makes it one of ours": (["UDSD"], ["udsd", "Udsd"], ["X_UDSD_2", "X_UDSD_3"]),
}

# Random names alone would hardly ever clash, and long ones do where they are cut.
alphabet = st.sampled_from([*"aAbB_-9 ", "object", "UDSD", "unit", "ß", "_2"])
short = st.lists(alphabet, max_size=6).map("".join)
long = st.builds("{1:a>{0}}".format, st.integers(55, 75), short)
names = st.text(max_size=80) | short | long


@pytest.mark.parametrize("name", SETTABLE)
def test_a_sender_may_set(name: str) -> None:
    assert settable(name)


@pytest.mark.parametrize("name", NOT_SETTABLE, ids=ascii)
def test_a_sender_may_not_set(name: str) -> None:
    assert not settable(name)


@given(st.text(NAME_LETTERS, max_size=70))
def test_what_may_be_set_journald_takes_from_a_client(name: str) -> None:
    assert is_name(name) or not settable(name)


@pytest.mark.parametrize(("name", "field"), MADE.items(), ids=map(ascii, MADE))
def test_a_name_is_made_into(name: str, field: str) -> None:
    assert sanitize(name) == field


@given(names)
def test_any_name_is_made_into_one_that_a_sender_may_set(name: str) -> None:
    field = sanitize(name)
    assert settable(field)
    assert sanitize(field) == field


@pytest.mark.parametrize(("taken", "several", "fields"), CLASHES.values(), ids=CLASHES)
def test_names_clash(taken: list[str], several: list[str], fields: list[str]) -> None:
    of_one_datagram = Names(*taken)
    assert [of_one_datagram.field(name) for name in several] == fields


@given(st.sets(names), st.sets(names.map(sanitize)))
def test_different_names_become_different_fields_that_a_sender_may_set(several: set[str], taken: set[str]) -> None:
    of_one_datagram = Names(*taken)
    fields = {name: of_one_datagram.field(name) for name in several}
    assert len({*fields.values(), *taken}) == len(several) + len(taken)
    assert all(map(settable, fields.values()))
    assert {name: of_one_datagram.field(name) for name in several} == fields


def test_many_names_that_come_out_the_same() -> None:
    of_one_datagram = Names()
    ways = [f"{number:010b}".replace("0", "-").replace("1", ".") for number in range(1000)]
    last = [of_one_datagram.field(way + "A" * LONGEST) for way in ways][-1]
    assert last == "A" * (LONGEST - 5) + "_1000"
