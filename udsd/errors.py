"""The one error that ends a program of this package: what went wrong, what to do, which exit status.

Only the outermost layer (`cli`, `send`) prints it and turns it into an exit status; everything below raises.
The statuses are those of sysexits.h, as the `os` module names them. This module is the bottom of the import
graph and is loaded by the client, so it imports nothing but `os`, which every Python has loaded already.
"""

import os


class UdsdError(Exception):
    """`message` says what is wrong and where, `hint` what to do about it, `status` is the exit status."""

    def __init__(self, message: str, *, hint: str = "", status: int = os.EX_SOFTWARE) -> None:
        super().__init__(message)
        self.hint = hint
        self.status = status


def explain(program: str, error: UdsdError) -> str:
    """The text for standard error, one line for what is wrong and one for what to do, newlines included."""
    text = f"{program}: {error}\n"
    return text + f"{program}: {error.hint}\n" if error.hint else text
