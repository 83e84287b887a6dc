"""Errors: what each class says by itself, and what stands on standard error."""

import os

import pytest

from udsd.errors import NobodyListensError, NotAllowedError, QueueFullError, TooLongError, UdsdError, explain


@pytest.mark.parametrize(
    ("kind", "status", "hint"),
    [
        (UdsdError, os.EX_SOFTWARE, ""),
        (QueueFullError, os.EX_TEMPFAIL, "allow more time"),
        (NobodyListensError, os.EX_UNAVAILABLE, ""),
        (TooLongError, os.EX_DATAERR, "split it"),
        (NotAllowedError, os.EX_NOPERM, "ls -l"),
    ],
)
def test_each_class_has_a_status_and_a_hint_that_a_caller_may_replace(
    kind: type[UdsdError], status: int, hint: str
) -> None:
    error = kind("it is bad")
    assert (str(error), error.status, hint in error.hint) == ("it is bad", status, True)
    other = kind("it is bad", hint="do this", status=3)
    assert (other.hint, other.status) == ("do this", 3)
    assert kind("it is bad", hint="").hint == ""
    assert (kind("it is bad").hint, kind("it is bad").status) == (error.hint, status)


@pytest.mark.parametrize(("hint", "text"), [("", "app: bad\n"), ("do this", "app: bad\napp: do this\n")])
def test_an_error_and_its_hint_are_a_line_each(hint: str, text: str) -> None:
    assert explain("app", UdsdError("bad", hint=hint)) == text
