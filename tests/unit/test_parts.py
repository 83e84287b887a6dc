"""Messages in parts, put together again by the rule that a reader has."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udsd import formats, parts, rfc5424
from udsd.client import TAKEN
from udsd.journal.entry import Field

_OWN = set(parts.NAMES)

texts = st.text("aä€𝄞\n\0", max_size=20).map(str.encode) | st.binary(max_size=20)
pieces = st.lists(st.tuples(texts, st.integers(1, 9000)).map(lambda pair: pair[0] * pair[1]), max_size=4)
values = st.tuples(texts, st.integers(1, 3000)).map(lambda pair: pair[0] * pair[1])


def together(entries: list[dict[str, bytes]]) -> dict[str, bytes]:
    """MESSAGE, and each field that part 1 does not have, joined; all others as they are in every part."""
    first = entries[0]
    joined = {name: b"" for entry in entries for name in entry if name not in first} | {"MESSAGE": b""}
    for entry in entries:
        for name in joined:
            joined[name] += entry.get(name, b"")
    return {name: value for name, value in (first | joined).items() if name not in _OWN}


def read(message: list[bytes], fields: list[Field]) -> list[dict[str, bytes]]:
    """What udsd makes of the parts, as the clients send them."""
    parse = formats.parser("auto")
    return [
        dict(parse(rfc5424.datagram(parts.kept(text), fields=own))[0]) for text, own in parts.split(message, fields)
    ]


@given(message=pieces, value=values, other=values)
def test_a_reader_has_all_of_it(message: list[bytes], value: bytes, other: bytes) -> None:
    entries = read(message, [("A", value), ("B", other)])
    whole = together(entries)
    assert (whole["MESSAGE"], whole["A"], whole["B"]) == (b"".join(message), value, other)
    assert [int(entry["MESSAGE_PART"]) for entry in entries] == list(range(1, len(entries) + 1))
    assert [entry.get("MESSAGE_PARTS") for entry in entries] == [None] * (len(entries) - 1) + [b"%d" % len(entries)]
    assert len({entry["MESSAGE_PART_OF"] for entry in entries}) == 1


@given(message=pieces, fields=st.lists(values, max_size=9))
def test_parts_are_small(message: list[bytes], fields: list[bytes]) -> None:
    named = [(f"F{number}", value) for number, value in enumerate(fields)]
    for text, own in parts.split(message, named):
        assert len(text) <= parts.PART
        assert len(text) + sum(len(name) + len(value) for name, value in own) <= 2 * parts.PART


@pytest.mark.parametrize("character", ["ä", "€", "𝄞"])
@pytest.mark.parametrize("shift", range(4))
def test_no_character_is_cut(character: str, shift: int) -> None:
    message = b"x" * shift + character.encode() * 40_000
    found = [text for text, _ in parts.split([message], [])]
    assert len(found) > 1
    assert b"".join(found) == message
    assert "".join(text.decode() for text in found) == message.decode()


def test_each_message_has_an_id_of_its_own() -> None:
    ids = [dict(fields)["MESSAGE_PART_OF"] for _ in range(3) for _, fields in parts.split([b"x"], [])]
    assert all(one != other for one, other in pairwise(ids))


def test_a_field_of_the_caller_never_has_a_name_of_the_parts() -> None:
    assert set(TAKEN) >= _OWN
