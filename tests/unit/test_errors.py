"""Errors: what each class says by itself, and what stands on standard error."""

import errno
import os
import pickle

import pytest

from udsd.errors import (
    BadPathError,
    NobodyListensError,
    NotAllowedError,
    QueueFullError,
    SendError,
    TooLongError,
    UdsdError,
    explain,
)


@pytest.mark.parametrize(
    ("kind", "status", "hint"),
    [
        (UdsdError, os.EX_SOFTWARE, ""),
        (QueueFullError, os.EX_TEMPFAIL, "allow more time"),
        (NobodyListensError, os.EX_UNAVAILABLE, ""),
        (TooLongError, os.EX_DATAERR, "shorten it"),
        (NotAllowedError, os.EX_NOPERM, "ls -l"),
        (BadPathError, os.EX_USAGE, ""),
        (SendError, os.EX_OSERR, ""),
    ],
)
def test_each_class_has_a_status_and_a_hint_that_a_caller_may_replace(
    kind: type[UdsdError], status: int, hint: str
) -> None:
    error = kind("it is bad")
    assert (error.message, error.status, hint in error.hint) == ("it is bad", status, True)
    other = kind("it is bad", hint="do this", status=3)
    assert (other.hint, other.status) == ("do this", 3)
    assert kind("it is bad", hint="").hint == ""
    assert (kind("it is bad").hint, kind("it is bad").status) == (error.hint, status)


@pytest.mark.parametrize(("hint", "text"), [("", "app: bad\n"), ("do this", "app: bad\napp: do this\n")])
def test_an_error_and_its_hint_are_a_line_each(hint: str, text: str) -> None:
    assert explain("app", UdsdError("bad", hint=hint)) == text


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (QueueFullError("bad"), errno.EAGAIN),
        (NobodyListensError("bad"), errno.ECONNREFUSED),
        (NobodyListensError("bad", number=errno.ENOENT), errno.ENOENT),
        (TooLongError("bad"), errno.EMSGSIZE),
        (NotAllowedError("bad"), errno.EACCES),
        (SendError("bad", hint="do this"), errno.EIO),
    ],
    ids=repr,
)
def test_what_was_not_sent_is_an_error_of_the_system_with_its_hint(error: SendError, number: int) -> None:
    assert isinstance(error, OSError)
    assert error.errno == number
    assert str(error) == (f"bad; {error.hint}" if error.hint else "bad")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.hint) == (type(error), str(error), error.hint)
