"""Splits a message that is too long for a datagram into parts: separate entries that a reader can join again.

1. Each part has MESSAGE_PART_OF, a random id that only the parts of one message share, and MESSAGE_PART, its number
   from 1. The last part also has MESSAGE_PARTS, how many there are. So a reader notices a missing part and an
   unfinished message, and parts of several senders do not mix.
2. If the message is UTF-8, no part ends within a character.
3. Short fields are repeated in each part, so that a search for them finds every part. Longer fields come after the
   message, in parts whose MESSAGE is empty. To read: join MESSAGE, and each field that part 1 does not have. All other
   fields are the same in every part.
4. A part is small. It fits a datagram of the default size even if each byte is written as six (JSON), and the kernel
   needs no large piece of contiguous memory for it, which a busy machine may not have.
5. The message may come piece by piece, so an endless one takes no more memory than one part.

The client loads this only for a long message.
"""

import os
from _collections_abc import Iterable, Iterator

Fields = list[tuple[str, bytes]]

NAMES = ("MESSAGE_PART_OF", "MESSAGE_PART", "MESSAGE_PARTS")

PART = 32 << 10  # bytes of a message in one part
_REPEATED = 8 << 10  # bytes of fields, names included, that each part repeats


def split(message: Iterable[bytes], fields: Fields) -> Iterator[tuple[bytes, Fields]]:
    """The text and the fields of each part of a message that comes in pieces of any length."""
    room, short, long = _REPEATED, Fields(), Fields()
    for name, value in fields:
        size = len(name) + len(value)
        if size <= room:
            short.append((name, value))
            room -= size
        else:
            long.append((name, value))
    of, number, waiting = os.urandom(8).hex().encode(), 0, None
    for text, own in _contents(message, long):
        if waiting:
            yield waiting
        number += 1
        waiting = text, [*short, *own, ("MESSAGE_PART_OF", of), ("MESSAGE_PART", b"%d" % number)]
    if waiting:
        text, own = waiting
        yield text, [*own, ("MESSAGE_PARTS", b"%d" % number)]


def _contents(message: Iterable[bytes], long: Fields) -> Iterator[tuple[bytes, Fields]]:
    """The parts of the message, then those of the long fields, as many fields in one part as it has room for."""
    for text in _cut(message):
        yield text, []
    group, room = Fields(), PART
    for name, value in long:
        for piece in _cut((value,)):
            room -= len(name) + len(piece)
            if group and room < 0:
                yield b"", group
                group, room = [], PART - len(name) - len(piece)
            group.append((name, piece))
    if group:
        yield b"", group


def _cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of at most PART bytes; one empty piece if there are none."""
    rest = b""
    for piece in pieces:
        rest += piece
        at = 0
        while len(rest) - at > PART:
            end = _border(rest, at + PART)
            yield rest[at:end]
            at = end
        rest = rest[at:]
    yield rest


def _border(text: bytes, end: int) -> int:
    """The last position up to `end` that does not cut a UTF-8 character."""
    for back in range(1, 4):
        byte = text[end - back]
        if byte >= 0xC0:  # the first byte of a character, which gives its length
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return end - back if length > back else end
        if byte < 0x80:
            break
    return end


def kept(text: bytes) -> bytes:
    """The text of a part for formats in which udsd removes one newline at the end: adds one to a text that has one."""
    return text + b"\n" if text.rstrip(b"\0").endswith(b"\n") else text
