"""Everything that parses bytes from senders keeps its promises: on the kept corpus, with Hypothesis, under atheris.

The run of atheris is short and the same each time, and starts from the corpus. `tests/fuzz/run` makes it long.
"""

import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import reference
from tests.fuzz.targets import TARGETS
from tests.source import TOP

_CORPUS = Path(__file__).parent / "corpus"
_FOUND = Path("/var/cache/udsd-tests/fuzz")  # where long runs keep what they find, for the next long run

_EXAMPLES = 400  # for each target, as the next one
_PIECES = 24  # at most, in an example
_LARGE = 1 << 20

_KEPT = sorted(_CORPUS.glob("*/*"))

each_target = pytest.mark.parametrize("target", TARGETS)


@pytest.mark.parametrize(
    ("datagram", "fields"),
    [
        (b"", []),
        (b"A=b\n", [("A", b"b")]),
        (b"A=b\nC=d=e\n", [("A", b"b"), ("C", b"d=e")]),
        (b"A=b\nC=d", [("A", b"b")]),
        (b"A=b\n\nC=d\n", [("A", b"b")]),
        (b"\nC=d\n", []),
        (b"A=\n", [("A", b"")]),
        (b"A\n\x03\0\0\0\0\0\0\0b\nc\nD=e\n", [("A", b"b\nc"), ("D", b"e")]),
        (b"A\n\0\0\0\0\0\0\0\0\nD=e\n", [("A", b""), ("D", b"e")]),
        (b"D=e\nA\n\x03\0\0\0\0\0\0\0b\ncX", [("D", b"e")]),
        (b"D=e\nA\n\x04\0\0\0\0\0\0\0b\nc\n", [("D", b"e")]),
        (b"D=e\nA\n\xff\xff\xff\xff\xff\xff\xff\xffb\n", [("D", b"e")]),
        (b"D=e\nA\n\x01\0\0", [("D", b"e")]),
        (b"_UID=0\na=b\n1=x\n=y\nA-B=z\n" + b"A" * 65 + b"=x\nC=d\n", [("C", b"d")]),
        (b"#A=b\n.C\nD=e\n", [("D", b"e")]),
        (b"A=b\n" * 1024, [("A", b"b")] * 1024),
        (b"A=b\n" * 1025, []),
    ],
)
def test_the_reference_reads_as_journald_does(datagram: bytes, fields: reference.Read) -> None:
    assert reference.read(datagram) == fields


def test_each_target_has_a_corpus_and_no_corpus_is_without_a_target() -> None:
    assert {path.parent.name for path in _KEPT} == TARGETS.keys()


@pytest.mark.parametrize("path", _KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_promises_hold_for_what_was_kept(path: Path) -> None:
    TARGETS[path.parent.name].check(path.read_bytes())


@each_target
def test_promises_hold_for_what_is_large(target: str) -> None:
    kept = b"".join(path.read_bytes() for path in _KEPT if path.parent.name == target)
    TARGETS[target].check((kept * (_LARGE // len(kept) + 1))[:_LARGE])


@each_target
def test_promises_hold_for_what_hypothesis_finds(target: str) -> None:
    check, tokens = TARGETS[target]

    @settings(max_examples=_EXAMPLES, deadline=None)
    @given(st.binary(min_size=1 + 2 * _PIECES, max_size=1 + 2 * _PIECES))
    def holds(drawn: bytes) -> None:
        check(_pieces(drawn, tokens))

    holds()


def _pieces(drawn: bytes, tokens: Sequence[bytes]) -> bytes:
    """Tokens and single bytes in a row: random bytes alone would hardly ever hold what a parser looks for.

    The first drawn byte says how many, and each is made of two more. A list would cost Hypothesis three times as much.
    """
    end = 1 + 2 * (drawn[0] % (_PIECES + 1))
    pairs = zip(drawn[1:end:2], drawn[2:end:2], strict=True)
    return b"".join(tokens[value % len(tokens)] if kind % 2 else bytes([value]) for kind, value in pairs)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="atheris has no wheels for this machine")
@each_target
def test_promises_hold_for_what_atheris_finds(target: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    seconds: int = request.config.getoption("--fuzz-seconds")
    limit = (
        [f"-max_total_time={seconds}"] if seconds else ["-seed=1", f"-runs={request.config.getoption('--fuzz-runs')}"]
    )
    found = _FOUND / target if seconds else tmp_path
    found.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.engine", target),
            *(*limit, "-timeout=10", f"-artifact_prefix={found}/"),
            *(found, _CORPUS / target),
        ],
        cwd=TOP,
        stdout=None if seconds else subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"the input is in {found}; keep it in {_CORPUS / target}\n{done.stdout or ''}"
