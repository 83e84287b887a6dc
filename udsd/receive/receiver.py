"""The receiving socket: `peek` looks at the first datagram of its queue, `consume` takes it off after delivery.

The kernel's queue is the only queue. A datagram that was only looked at is still there for the next holder of the
socket, so a kill between the two steps can repeat it, never lose it.

1. SO_PASSCRED is set before bind(2), or immediately on a socket that systemd made. Without it the sender is unknown.
2. No descriptor of a sender is ever installed here: closing one can block forever (FUSE). The kernel refuses them if it
   can (SO_PASSRIGHTS, Linux 6.16). Otherwise the control buffer has no room for them, so that the kernel keeps them and
   sets MSG_CTRUNC.
3. MSG_TRUNC gives the true length. A datagram larger than the buffer is looked at again with enough room.
4. A pidfd of the sender costs as much as all the rest. So `peek_pidfd` asks for it in a second look at the same
   datagram, and only if the sender is not known yet. That works because the kernel checks SO_PASSPIDFD when a datagram
   is received, not when it is queued. The kernel puts a pidfd behind the sender's descriptors, so there is no second
   look at a datagram that carries any.
5. Kernels before Linux 6.15 forget a process when it has ended. There, each datagram is stamped with the time at which
   it was sent: a process that had its pid before that time, and still has it, is the sender.
6. `consume` receives one byte: for zero bytes Python does not call the kernel. If the datagram carries descriptors,
   this drops the last reference to their files. A TCP socket with SO_LINGER then blocks us as long as its sender chose.
   A signal ends that wait, so a timer sends one.
"""

import os
import re
import select
import signal
import socket
import struct
import time

from udsd import address

UCRED_SIZE = 12  # bytes of a `struct ucred`, unix(7)

_ROOM = 64 * 1024  # bytes; larger datagrams are rare, and are looked at twice
_CONTROL = socket.CMSG_SPACE(UCRED_SIZE)
# Plain numbers: an operator on the members of an enum takes 0.6 us, for each datagram.
_PEEK = int(socket.MSG_PEEK | socket.MSG_TRUNC)
_CTRUNC = int(socket.MSG_CTRUNC)
_LONGEST_LINGER = 0.02  # seconds

# Constants that Python does not know yet.
_SO_PASSPIDFD, _SCM_PIDFD, _SO_PASSRIGHTS = 76, 4, 83
_SO_TIMESTAMP, _SO_PASSSEC, _SO_TIMESTAMPNS = 29, 34, 35
_PIDFD = struct.Struct("@i")
_TIMESPEC = struct.Struct("@ll")
_REMEMBERS_ENDED = (6, 15)  # the Linux from which a pidfd knows the control group of a process that has ended


def unbound() -> socket.socket:
    """A datagram socket that is ready to be bound and given to a Receiver."""
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return receiver


def is_sealed(bound: socket.socket) -> bool:
    """Whether a Receiver has sealed the socket, in this process or another."""
    poll = select.poll()
    poll.register(bound, select.POLLRDHUP)
    return bool(poll.poll(0))


class Receiver:
    """The queue of a bound socket.

    `name` is its full path, or `@name`. `has_pidfds` says whether the kernel knows SO_PASSPIDFD (Linux 6.5).
    `has_times` says whether datagrams are stamped.
    """

    def __init__(self, bound: socket.socket) -> None:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        bound.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMP, 0)  # Timestamping= would take the room of the credentials,
        bound.setsockopt(socket.SOL_SOCKET, _SO_PASSSEC, 0)  # and PassSecurity= would, too
        bound.setblocking(False)
        name = address.decode(bound.getsockname())
        self.name = name if name.startswith("@") else os.path.abspath(name)
        self.has_pidfds = _try_option(bound, _SO_PASSPIDFD, 0)
        self.has_times = not self.has_pidfds or _kernel() < _REMEMBERS_ENDED
        self._room = _CONTROL  # for control messages
        self._control: list[tuple[int, int, bytes]] = []  # of the datagram last looked at
        _try_option(bound, _SO_PASSRIGHTS, 0)
        self._socket = bound
        self._file = self._found()
        self._view = memoryview(bytearray(_ROOM))
        self._buffers = (self._view,)
        if self.has_times:
            self._stamp()

    def fileno(self) -> int:
        """The descriptor, for poll(2)."""
        return self._socket.fileno()

    def peek(self) -> tuple[bytes, bytes, int] | None:
        """The first datagram of the queue, which stays there; None if the queue is empty.

        Returns its payload, the `struct ucred` of its sender, and a number that is not 0 if it carries descriptors.
        """
        try:
            length, control, flags, _ = self._socket.recvmsg_into(self._buffers, self._room, _PEEK)
            view = self._view
            if length > _ROOM:
                view = memoryview(bytearray(length))
                length, control, flags, _ = self._socket.recvmsg_into([view], self._room, _PEEK)
        except BlockingIOError:
            return None
        self._control = control
        # The control buffer has room for a time stamp, if there is one, then SCM_CREDENTIALS, and nothing else.
        return view[:length].tobytes(), control[-1][2], flags & _CTRUNC

    def sent_at(self) -> int:
        """The time at which the datagram last looked at was sent, in nanoseconds since the epoch. Needs `has_times`."""
        seconds, nanoseconds = _TIMESPEC.unpack(self._control[0][2])
        return int(seconds) * 1_000_000_000 + int(nanoseconds)

    def stamp_from_now(self) -> int:
        """Have the kernel stamp datagrams, if it does not yet. Returns the time in nanoseconds, for `is_past`."""
        if not self.has_times:
            self.has_times = True
            self._stamp()
        return time.time_ns()

    def is_past(self, stamped_from: int) -> bool:
        """Whether the first datagram was sent after `stamp_from_now`, or there is none.

        This must be the first look at the datagram: one without a stamp gets one when it is looked at.
        """
        now = time.time_ns()
        return self.peek() is None or stamped_from <= self.sent_at() < now

    def _stamp(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._room += socket.CMSG_SPACE(_TIMESPEC.size)

    def peek_pidfd(self) -> int | None:
        """A new pidfd of the sender of the first datagram, which the caller closes; None if the kernel has none.

        Only for a datagram that carries no descriptors, as `peek` says.
        """
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_PASSPIDFD, 1)
        try:
            _, control, _, _ = self._socket.recvmsg(1, self._room + socket.CMSG_SPACE(_PIDFD.size), _PEEK)
        finally:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_PASSPIDFD, 0)
        for level, kind, data in control:
            if (level, kind) == (socket.SOL_SOCKET, _SCM_PIDFD):
                (pidfd,) = _PIDFD.unpack(data)
                return int(pidfd) if pidfd >= 0 else None
        return None

    def consume(self, attached: int = 0, into: memoryview | None = None) -> None:
        """Take the first datagram off the queue. `attached` is the third value of its `peek`.

        The first byte, if there is one, is received `into` a buffer of one byte.
        """
        if attached:
            self._consume_with_descriptors(into or bytearray(1))
        elif into is None:
            self._socket.recv(1)
        else:
            self._socket.recv_into(into)

    def _consume_with_descriptors(self, into: memoryview | bytearray) -> None:
        before = signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, _LONGEST_LINGER, _LONGEST_LINGER)
        try:
            self._socket.recv_into(into)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def has_lost_its_file(self) -> bool:
        """Whether the file of the socket is gone from its path: then its maker has closed the socket.

        False if no file was seen at the start: the name is abstract, or the file is hidden from this process.
        """
        return self._file is not None and self._found() != self._file

    def _found(self) -> tuple[int, int] | None:
        """The file that is at its path now."""
        try:
            status = os.stat(self.name)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def close(self) -> None:
        """Close the socket: a sender gets ECONNREFUSED from now on, and connects to another one."""
        self._socket.close()

    def seal(self) -> None:
        """Refuse every later datagram, and keep those that are queued: a sender gets EPIPE from now on.

        For a socket that no other process receives from, now or later. The queue can then be emptied in bounded time,
        and no datagram can arrive after the last look and be lost with the socket.
        """
        self._socket.shutdown(socket.SHUT_RD)


def _kernel() -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


def _try_option(bound: socket.socket, option: int, value: int) -> bool:
    """Set an option of SOL_SOCKET if this kernel has it. False if it does not."""
    try:
        bound.setsockopt(socket.SOL_SOCKET, option, value)
    except OSError:
        return False
    return True
