"""Files that udsd makes: whether that is possible, and the error to raise if not."""

import errno
import os

from udsd.errors import UdsdError


def cannot_be_made(what: str, reason: str | None) -> UdsdError:
    """The error to raise for a file that cannot be made. `what` names it, `reason` is what the kernel says."""
    hint = "its directory must exist, and be writable for the user who runs udsd"
    return UdsdError(f"{what}: {reason}", hint=hint, status=os.EX_CANTCREAT)


def check_directory(directory: str, what: str) -> None:
    """Raise UdsdError if a file cannot be made in this directory. `what` names the file. Changes nothing."""
    if not os.path.isdir(directory):
        raise cannot_be_made(what, os.strerror(errno.ENOENT))
    if not os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
        raise cannot_be_made(what, os.strerror(errno.EACCES))
