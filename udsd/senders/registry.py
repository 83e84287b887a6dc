"""The processes that send on a socket, and what is certain about each.

1. A known process is one whose pidfd we hold. While it lives, no other process has its pid. A queue keeps its order, so
   a later datagram from that pid on the same socket is from that process. So a steady sender costs one epoll_wait(2),
   which asks whether any known process has ended; the cost does not depend on their number.
2. What is known about a process (`evidence`) is kept encoded, as the end of each entry. No datagram gets data older
   than 1 s, so that an exec or a move to another unit shows. For a busy sender it is read again after 0.5 s, when the
   queue is empty, so that no datagram waits for it.
3. A sender may end before all its datagrams have been read. What was known about it is kept (rule 6), and used for a
   datagram whose own pidfd is of the same process.
4. If a sender had ended before it was looked at, its pidfd still gives the control group (Linux 6.15). All other fields
   of the process are left out.
5. The pid of a datagram can be false: in its own user namespace a sender may claim the pid of any process that it sees
   there. The uid is always true. So the process must have this uid; otherwise only uid and gid are recorded. The
   kernel forgets the uid of a process that has been reaped. Its control group is then certain if the user of the
   datagram has a process in it, which that user could make send anything. Otherwise the entry is marked.
6. The tables are bounded, however many senders there are: 1,024 known processes and as many ended ones for each socket.
   The process that was looked at longest ago makes room, and is looked at again if it sends again. An entry only ever
   gets the fields of the process that sent it, or none. All other tables over senders are bounded, too: 1,024 paths of
   groups (`cgroup`), and 1,024 accounts each under the limit (`daemon.rate_limit`), with new field names
   (`daemon.name_budget`), with drops (`daemon.drop_ledger`: 1,100) and in the metrics (`metrics.accounts`).
7. To an entry with OBJECT_PID that comes from uid 0, journald adds what it finds in /proc itself, when it reads the
   entry. By then another process may have the pid. So a daemon that runs as root records it as UDSD_SENDER_PID.
"""

import os
import resource
import select
from collections import OrderedDict
from typing import NamedTuple

from udsd.journal.entry import Field
from udsd.senders import process
from udsd.senders.cgroup import CgroupPaths
from udsd.senders.credentials import Credentials, decode_ucred, fields_of
from udsd.senders.evidence import UNPROVEN, Evidence, Looks
from udsd.senders.identity import Identity, identity_of
from udsd.senders.process import Look

_FRESH = 0.5  # seconds for which the fields of a process are used before it is looked at again, when nothing waits
_OLDEST = 1.0  # seconds after which it is looked at before its next datagram
_MOST = 1024  # known processes of one socket; each holds a descriptor
_MOST_ENDED = 1024  # processes that have ended, of one socket
_OTHER_DESCRIPTORS = 24  # for everything else in the daemon
_FOR_EACH_SOCKET = 3  # the socket, the lock beside its file, and the epoll(7) instance of its senders


class _Known:
    """A process that is alive, as far as we know."""

    __slots__ = ("identity", "inode", "pidfd", "sender", "stale_at")

    def __init__(self, sender: Credentials, pidfd: int, inode: int | None) -> None:
        self.sender = sender
        self.pidfd = pidfd
        self.inode = inode
        self.stale_at = 0.0
        self.identity: Identity


class _Ended(NamedTuple):
    """A process that has ended, and what was known about it."""

    inode: int
    identity: Identity


def room_for_each(sockets: int) -> int:
    """How many processes each of this number of sockets may know, so that descriptors are left for everything else."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(_MOST, (limit - _OTHER_DESCRIPTORS) // sockets - _FOR_EACH_SOCKET))


class Registry:
    """The senders of one socket, by the evidence of its queue.

    `field` names the socket in each entry. `most` is the largest number of known processes.
    `cmdline`: record command lines too, which can hold secrets.
    """

    def __init__(
        self,
        evidence: Evidence,
        field: Field,
        paths: CgroupPaths,
        *,
        most: int = _MOST,
        cmdline: bool = False,
    ) -> None:
        self._peek_pidfd = evidence.pidfd
        self._looks = Looks(evidence, paths, cmdline=cmdline)
        self._field = field
        self._paths = paths
        self._most = most
        self._root = os.geteuid() == 0
        self._known: OrderedDict[bytes, _Known] = OrderedDict()  # by `struct ucred`, in the order of the last look
        self._ended: OrderedDict[bytes, _Ended] = OrderedDict()
        self._ends = select.epoll()  # readable when a known process has ended
        self._shared = os.fstat(self._ends.fileno())
        self._by_pidfd: dict[int, bytes] = {}
        self._stale: set[bytes] = set()  # those to be looked at again when the queue is empty

    def identify(self, ucred: bytes, now: float, attached: int = 0) -> Identity:
        """What is certain about the sender of the first datagram of the queue.

        `ucred` is its `struct ucred`, `now` is in monotonic seconds, `attached` is not 0 if it carries descriptors.
        """
        known = self._known.get(ucred)
        if known is None or (self._ends.poll(0, 1) and self._has_ended(ucred)):
            return self._meet(ucred, now, attached)
        if now >= known.stale_at:
            if now < known.stale_at + _OLDEST - _FRESH:
                self._stale.add(ucred)
            else:
                self._look_again(ucred, known, now)
        return known.identity

    def catch_up(self, now: float) -> None:
        """Look again at the senders that `identify` has put off. `now` is in monotonic seconds."""
        while self._stale:
            ucred = self._stale.pop()
            if known := self._known.get(ucred):
                self._look_again(ucred, known, now)

    def _meet(self, ucred: bytes, now: float, attached: int) -> Identity:
        """Identify a process that is not known, or has ended."""
        ended = self._ended.get(ucred)
        if ended and not attached:
            return self._recognise(ucred, ended, now)
        sender = decode_ucred(ucred)
        if sender is None or not sender.pid:
            return self._identity(sender)
        if attached or self._peek_pidfd is None:
            with self._looks.without_pidfd(sender) as look:
                return self._believe(ucred, sender, look, now)
        with self._looks.with_pidfd(sender) as look:
            self._forget_ended()  # so that there is a descriptor for this one
            pidfd = self._peek_pidfd()
            if pidfd is None:  # the kernel has forgotten it
                return self._likely(sender, look, self._looks.likely_fields(look))
            return self._prove(ucred, sender, look, pidfd, now)

    def _believe(self, ucred: bytes, sender: Credentials, look: Look, now: float) -> Identity:
        """Identify the sender of a datagram without a pidfd."""
        fields = self._looks.likely_fields(look)
        if look.pidfd is None or not fields or UNPROVEN in fields or process.has_ended(look.pidfd):
            return self._likely(sender, look, fields)
        return self._keep(ucred, _Known(sender, os.dup(look.pidfd), None), fields, now)

    def _likely(self, sender: Credentials, look: Look, fields: tuple[Field, ...]) -> Identity:
        """The identity of a sender that may have ended, by a look that nothing proves."""
        if self._looks.had_another_user(sender, look):
            return self._stranger(sender)
        return self._identity(sender, fields)

    def _stranger(self, sender: Credentials) -> Identity:
        """The identity of a sender whose pid belongs to a process of another user."""
        return self._identity(sender._replace(pid=0))

    def _recognise(self, ucred: bytes, ended: _Ended, now: float) -> Identity:
        """Identify a sender with the credentials of a process that has ended: that process, or a successor."""
        assert self._peek_pidfd is not None
        pidfd = self._peek_pidfd()
        if pidfd is not None and process.unique_inode(pidfd, self._shared) == ended.inode:
            os.close(pidfd)
            return ended.identity
        sender = decode_ucred(ucred)
        assert sender is not None
        if pidfd is None:
            return self._identity(sender)
        with self._looks.with_pidfd(sender) as look:
            return self._prove(ucred, sender, look, pidfd, now)

    def _prove(self, ucred: bytes, sender: Credentials, look: Look, pidfd: int, now: float) -> Identity:
        """Identify the process of a datagram's own `pidfd`. `look` saw this process if it still had its pid then."""
        inode = process.unique_inode(pidfd, self._shared)
        info = process.info(pidfd)
        has_pid = info.uids is not None
        ended = (self._looks.pidfds_tell and not has_pid) or process.has_ended(pidfd)
        proven = has_pid or not ended
        if not proven and inode is not None and look.pidfd is not None:
            proven = process.unique_inode(look.pidfd, self._shared) == inode
        agrees = look.has_uid if proven else None
        if info.uids is not None:
            agrees = sender.uid in info.uids
        if agrees is False:
            os.close(pidfd)
            return self._stranger(sender)
        fields = self._looks.proven_fields(sender, look if proven else None, pidfd, info.cgroup_id)
        if info.cgroup_id is not None:
            if agrees:
                self._paths.learn_user(info.cgroup_id, sender.uid)
            elif not self._paths.has_user(info.cgroup_id, sender.uid):
                fields = (*fields, UNPROVEN)
        if proven and not ended:
            return self._keep(ucred, _Known(sender, pidfd, inode), fields, now)
        os.close(pidfd)
        identity = self._identity(sender, fields)
        self._keep_ended(ucred, inode, identity)
        return identity

    def _keep(self, ucred: bytes, known: _Known, fields: tuple[Field, ...], now: float) -> Identity:
        known.identity = self._identity(known.sender, fields)
        known.stale_at = now + _FRESH
        if len(self._known) >= self._most:
            self._forget(next(iter(self._known)))
        self._known[ucred] = known
        self._by_pidfd[known.pidfd] = ucred
        self._ends.register(known.pidfd, select.EPOLLIN)
        return known.identity

    def _keep_ended(self, ucred: bytes, inode: int | None, identity: Identity) -> None:
        if inode is None:  # no later datagram could be proven to be from it
            return
        self._ended[ucred] = _Ended(inode, identity)
        self._ended.move_to_end(ucred)
        if len(self._ended) > _MOST_ENDED:
            self._ended.popitem(last=False)

    def _has_ended(self, ucred: bytes) -> bool:
        """Forget the processes that have ended. True if the one with these credentials was among them."""
        self._forget_ended()
        return ucred not in self._known

    def _forget_ended(self) -> None:
        for pidfd, _ in self._ends.poll(0, self._most):  # all of them: Python's default is one less than _MOST
            ucred = self._by_pidfd[pidfd]
            known = self._known[ucred]
            self._keep_ended(ucred, known.inode, known.identity)
            self._forget(ucred)

    def _forget(self, ucred: bytes) -> None:
        pidfd = self._known.pop(ucred).pidfd
        del self._by_pidfd[pidfd]
        os.close(pidfd)  # nobody else holds this pidfd, so this also removes it from the epoll(7) instance

    def _look_again(self, ucred: bytes, known: _Known, now: float) -> None:
        self._known.move_to_end(ucred)
        known.stale_at = now + _FRESH
        with self._looks.with_pidfd(known.sender) as look:
            info = process.info(known.pidfd)
            if not process.has_ended(known.pidfd):
                fields = self._looks.proven_fields(known.sender, look, known.pidfd, info.cgroup_id)
                known.identity = self._identity(known.sender, fields)

    def _identity(self, sender: Credentials | None, fields: tuple[Field, ...] = ()) -> Identity:
        """The identity of a sender with these fields in addition to its credentials (rule 7)."""
        ids = fields_of(sender)
        if self._root:
            ids = tuple(("UDSD_SENDER_PID" if name == "OBJECT_PID" else name, value) for name, value in ids)
        return identity_of(sender, ids + fields, self._field)
