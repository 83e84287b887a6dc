"""Standard error, for what is more than an error: at once, byte for byte, and if that fails it is nobody's failure."""

import os
import sys
from _collections_abc import Iterable, Iterator


def write(data: bytes) -> None:
    """Write all of it. Where standard error is closed or broken, nothing: what had to be sent is sent."""
    if sys.stderr is None:
        return
    try:
        while data:
            data = data[os.write(sys.stderr.fileno(), data) :]
    except OSError:
        return


def echoed(messages: Iterable[bytes], tag: bytes) -> Iterator[bytes]:
    """The same messages, each a line of standard error, behind `tag`, when the next is asked for: once it is sent."""
    before = tag + b": " if tag else b""
    for message in messages:
        yield message
        write(before + message + b"\n")
