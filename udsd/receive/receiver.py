"""The receiving socket: look at the first datagram of its queue, and take it off when its entry is delivered.

The kernel's queue is the only queue. A datagram that has been looked at is still there for whoever holds the
socket next, so being killed between two steps can repeat it, never lose it.

1. SO_PASSCRED is set before bind(2); on a socket that systemd made, at once. Without it there is no sender.
2. Descriptors that a sender attaches are refused where the kernel can (SO_PASSRIGHTS, Linux 6.16). Elsewhere the
   control buffer has room for what the kernel tells and for nothing else, so they are dropped and never become ours.
   The exception is the look of rule 4: there the pidfd comes behind them, so they are taken and closed at once.
3. MSG_TRUNC tells the true length, so a datagram larger than the buffer is looked at again with room enough.
4. A pidfd of the sender costs as much as all the rest, so it is asked for in a look of its own at the same datagram,
   and only when the sender is not known yet. The kernel heeds SO_PASSPIDFD when it hands out, not when it queues.
5. In a format whose entries may come in a descriptor, an empty datagram can carry one. Looks at a datagram have no room
   for it, so the kernel drops it and says so. It is taken in a look of its own, with room for one and no more, when its
   datagram is certain to be handled.
6. Taking one off is a receive of one byte: Python answers a receive of none without asking the kernel.
"""

import os
import socket
import struct

from udsd.address import decode
from udsd.formats import Format
from udsd.senders.credentials import UCRED
from udsd.senders.process import Process

_ROOM = 64 * 1024  # bytes; larger datagrams are rare enough to be looked at twice
_CONTROL = socket.CMSG_SPACE(UCRED.size)
_PEEK = socket.MSG_PEEK | socket.MSG_TRUNC

# Newer than Python's names for such things.
_SO_PASSPIDFD, _SCM_PIDFD, _SO_PASSRIGHTS = 76, 4, 83
_SO_TIMESTAMP, _SO_PASSSEC = 29, 34
_PIDFD = struct.Struct("@i")
_CONTROL_PIDFD = _CONTROL + socket.CMSG_SPACE(_PIDFD.size)
_CONTROL_ONE = _CONTROL + socket.CMSG_LEN(_PIDFD.size)  # not CMSG_SPACE: a second one would fit into the padding
_CONTROL_RIGHTS = socket.CMSG_SPACE(253 * _PIDFD.size)  # the most that a sender can attach, SCM_MAX_FD of unix(7)


def unbound() -> socket.socket:
    """A datagram socket that is ready to be bound and to become an Inbox."""
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return receiver


class Inbox:
    """A bound socket whose datagrams are read in one format.

    `name` is its full path, or `@name`; `field` tells it to the journal. `follows_a_kill`: the run before this one on
    the same socket did not end by itself.
    """

    def __init__(self, receiver: socket.socket, form: Format, *, follows_a_kill: bool = False) -> None:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMP, 0)  # Timestamping= would take the room of the sender
        receiver.setsockopt(socket.SOL_SOCKET, _SO_PASSSEC, 0)  # and so would PassSecurity=
        receiver.setblocking(False)
        name = decode(receiver.getsockname())
        self.name = name if name.startswith("@") else os.path.abspath(name)
        self.field = ("UDSD_SOCKET", os.fsencode(self.name))
        self.read = form.read
        self.carries_descriptor = False  # the empty datagram that was last looked at
        self.follows_a_kill = follows_a_kill
        self.proves_senders = _try_option(receiver, _SO_PASSPIDFD, 0)
        refuses_descriptors = _try_option(receiver, _SO_PASSRIGHTS, int(form.by_descriptor)) and not form.by_descriptor
        self._control_for_pidfd = _CONTROL_PIDFD + (0 if refuses_descriptors else _CONTROL_RIGHTS)
        self._by_descriptor = form.by_descriptor
        self._socket = receiver
        self._view = memoryview(bytearray(_ROOM))
        self._buffers = (self._view,)

    def fileno(self) -> int:
        """For poll(2)."""
        return self._socket.fileno()

    def peek(self) -> tuple[bytes, bytes] | None:
        """The first datagram of the queue, which stays there: its payload, and the `struct ucred` of its sender.

        None where the queue is empty.
        """
        try:
            length, control, flags, _ = self._socket.recvmsg_into(self._buffers, _CONTROL, _PEEK)
            view = self._view
            if length > _ROOM:
                view = memoryview(bytearray(length))
                length, control, _, _ = self._socket.recvmsg_into([view], _CONTROL, _PEEK)
            if not length and self._by_descriptor:
                self.carries_descriptor = bool(flags & socket.MSG_CTRUNC)
        except BlockingIOError:
            return None
        return view[:length].tobytes(), control[0][2]  # SCM_CREDENTIALS, for which alone there is room

    def peek_process(self, pid: int) -> Process | None:
        """The process `pid` that sent the datagram last looked at; None where the kernel has lost track of it."""
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_PASSPIDFD, 1)
        try:
            _, control, _, _ = self._socket.recvmsg(1, self._control_for_pidfd, _PEEK)
        finally:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_PASSPIDFD, 0)
        process = None
        for level, kind, data in control:
            if (level, kind) == (socket.SOL_SOCKET, _SCM_PIDFD):
                (pidfd,) = _PIDFD.unpack(data)
                process = Process(pid, pidfd) if pidfd >= 0 else None
            elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                for (descriptor,) in _PIDFD.iter_unpack(data):
                    os.close(descriptor)
        return process

    def peek_descriptor(self) -> int | None:
        """The descriptor that the datagram last looked at carries, now the caller's.

        None where it carries several, or the kernel keeps it from us. Raises OSError where we have no room for another.
        """
        flags = _PEEK | socket.MSG_CMSG_CLOEXEC
        _, control, told, _ = self._socket.recvmsg(1, _CONTROL_ONE, flags)
        if len(control) < 2:
            os.close(os.dup(self.fileno()))
            return None
        (descriptor,) = _PIDFD.unpack(control[1][2])
        if told & socket.MSG_CTRUNC:
            os.close(descriptor)
            return None
        return int(descriptor)

    def consume(self) -> None:
        """Take the datagram that was last looked at off the queue."""
        self._socket.recv(1)

    def seal(self) -> None:
        """Refuse every later datagram, and keep those that are queued: a sender gets EPIPE from now on.

        For a socket that nobody else holds. From here to the end of the queue is a bounded way, and no
        datagram can slip in after the last look and be lost with the socket.
        """
        self._socket.shutdown(socket.SHUT_RD)


def _try_option(receiver: socket.socket, option: int, value: int) -> bool:
    """Set an option of SOL_SOCKET if this kernel has it; whether it has."""
    try:
        receiver.setsockopt(socket.SOL_SOCKET, option, value)
    except OSError:
        return False
    return True
