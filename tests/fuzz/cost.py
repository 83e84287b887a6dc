"""The datagrams that cost most: a search, not a test. python3 -m tests.fuzz.cost [SECONDS [FORMAT...]]

The cost of a datagram is to be linear in its length, with a small factor, whatever it holds: at most 3 ms for 64 KiB on
the machine for which udsd is measured. A fuzzer looks for new paths, not for time. So this looks for time: a datagram
is a beginning, a piece that is repeated until the datagram is long enough, and an end, all of the tokens of the fuzzer
of the format. What costs more than the most expensive so far is changed further. `N` in a piece counts up, for names
that are all different.

Prints, for each format and length, the most expensive datagram found in SECONDS (default: 20), and its cost: processor
time to parse and to encode, the least of three tries.
"""

import random
import sys
import time
from typing import NamedTuple

from tests.fuzz.targets import TARGETS
from udsd import formats
from udsd.formats import Parser
from udsd.journal.entry import encode

_LENGTHS = (1024, 16 * 1024, 64 * 1024)
_MORE = (b"N", b"a", b"A" * 64, b"\xff", b'"aN":1,', b'{"aN":', b"AN=1\n", b'aN="1" ', b"9" * 300, b"\xc3\x9f")
_FIRST = (
    ("", "a", ""),
    ('{"a":1', ',"aN":1', "}"),
    ('{"a":1', f',"{"ß" * 60}N":1', "}"),
    ('{"a":{"b":{"c":{"d":1', f',"{"a" * 600}N":{{"x":1,"y":"\\n"}}', "}}}}"),
    ('{"a":[', '"N",', "1]}"),
    ("<13>1 - - - - - [a", ' aN="1"', "] m"),
    ("<13>1 - - - - - [a", f' {"a" * 30}N="\\]\\]\\]"', "] m"),
    ("", f"{'A' * 60}N=1\n", ""),
)
_SEED = 1


class Shape(NamedTuple):
    """A datagram in short."""

    beginning: tuple[bytes, ...]
    piece: tuple[bytes, ...]
    end: tuple[bytes, ...]

    def datagram(self, length: int) -> bytes:
        """The beginning, the piece as often as there is room, and the end, in at most `length` bytes."""
        parts, piece, end = [b"".join(self.beginning)], b"".join(self.piece) or b"a", b"".join(self.end)
        size = len(parts[0]) + len(end)
        while size < length:
            parts.append(piece.replace(b"N", b"%d" % len(parts)))
            size += len(parts[-1])
        return b"".join(parts[:-1])[: length - len(end)] + end


def cost(parse: Parser, datagram: bytes) -> float:
    """Seconds of processor time that one datagram takes from the payload to the encoded fields."""
    least = float("inf")
    for _ in range(3):
        begin = time.process_time_ns()
        fields, problem = parse(datagram)
        encode(fields)
        if problem:
            encode(problem.fields())
        least = min(least, time.process_time_ns() - begin)
    return least / 1e9


def _changed(tokens: tuple[bytes, ...], known: list[bytes], chance: random.Random) -> tuple[bytes, ...]:
    at = chance.randrange(len(tokens) + 1)
    kind = chance.random()
    if kind < 0.3:  # one less
        return tokens[:at] + tokens[at + 1 :]
    new = (chance.choice(known),)
    return tokens[:at] + new + tokens[at + (kind < 0.6) :]


def search(form: str, length: int, seconds: float) -> tuple[float, Shape]:
    """The most expensive datagram of this length that is found within some seconds, and its cost."""
    parse, chance = formats.parser(form), random.Random(_SEED)
    known = [*TARGETS[f"format-{form}"].tokens, *_MORE]
    best = [(0.0, Shape(*((part.encode(),) for part in first))) for first in _FIRST]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        old = chance.choice(best)[1]
        if chance.random() < 0.2:
            old = Shape((), tuple(chance.choices(known, k=chance.randint(1, 4))), ())
        shape = Shape(*(_changed(tokens, known, chance) if chance.random() < 0.5 else tokens for tokens in old))
        best.append((cost(parse, shape.datagram(length)), shape))
        best = sorted(best, reverse=True)[:8]
    _, shape = best[0]
    return cost(parse, shape.datagram(length)), shape


def main() -> None:
    """Print the table."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    sys.stdout.write(
        "| format | bytes | ms | us a KiB | beginning | piece | end |\n| --- | ---: | ---: | ---: | --- | --- | --- |\n"
    )
    for form in sys.argv[2:] or formats.NAMES:
        for length in _LENGTHS:
            found, shape = search(form, length, seconds)
            words = " | ".join(f"`{b''.join(tokens)!r}`" for tokens in shape)
            sys.stdout.write(f"| {form} | {length} | {found * 1e3:.2f} | {found / length * 1024e6:.1f} | {words} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
