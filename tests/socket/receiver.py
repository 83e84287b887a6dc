"""The other end for tests of clients: a socket that reads as udsd does, and programs that send to it."""

import os
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.patience import SECONDS
from tests.source import TOP
from udsd import formats
from udsd.journal.entry import Field, Fields

_UCRED = struct.Struct("@iII")
_parse = formats.parser("auto")


class Receiver:
    """A socket at a path."""

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self.bind()

    def bind(self) -> None:
        """Be there, at first or again."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.settimeout(SECONDS)
        self._socket.bind(self.path)

    def fields(self) -> Fields:
        """The fields of the next datagram."""
        return self.sent()[1]

    def sent(self) -> tuple[int, Fields]:
        """The pid of the sender of the next datagram, and its fields."""
        datagram, ((_, _, credentials),), _, _ = self._socket.recvmsg(1 << 20, socket.CMSG_SPACE(_UCRED.size))
        return _UCRED.unpack(credentials)[0], _parse(datagram)[0]

    def entry(self) -> dict[str, bytes]:
        """The same, for a datagram whose fields have one value each."""
        fields = self.fields()
        entry = dict(fields)
        assert len(entry) == len(fields), fields
        return entry

    def message(self) -> bytes:
        """The message of the next datagram."""
        return self.entry()["MESSAGE"]

    def waiting(self) -> list[bytes]:
        """The messages of all that is in the queue, less what filled it."""
        found = []
        self._socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                if datagram := self._socket.recv(1 << 20):
                    found.append(dict(_parse(datagram)[0])["MESSAGE"])
        self._socket.settimeout(SECONDS)
        return found

    def fill(self) -> None:
        """Fill the queue, so that nobody's datagram finds room: each sender also has a limit of its own."""
        sent = 1
        while sent:
            sent = 0
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(BlockingIOError):
                sender.setblocking(False)
                sender.connect(self.path)
                while True:
                    sender.send(b"")
                    sent += 1

    def seal(self) -> list[bytes]:
        """Take no more, as a daemon does that ends; the messages of what is left."""
        self._socket.shutdown(socket.SHUT_RD)
        return self.waiting()

    def close(self) -> None:
        """Be gone, the file too."""
        self._socket.close()
        with suppress(FileNotFoundError):
            os.unlink(self.path)

    def replace(self) -> None:
        """Be gone, and another one at the same path."""
        self.close()
        self.bind()


class Program:
    """A Python program that runs. Its first line of output says that it is ready."""

    def __init__(self, code: str, *words: str, options: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *options, "-c", code, *words],
            cwd=TOP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def end(self) -> str:
        """Wait for its end, which must be a good one without a word on standard error; what it printed."""
        try:
            said, errors = self.process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        assert (self.process.returncode, errors) == (0, b""), errors.decode()
        return said.decode()


def values(fields: Fields, name: str) -> list[bytes]:
    """All values of one field."""
    return [value for field, value in fields if field == name]


def without(fields: Fields, *names: str) -> list[Field]:
    """The fields that are not these."""
    return [field for field in fields if field[0] not in names]
