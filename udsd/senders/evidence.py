"""What udsd looks up about a sender, and what of it becomes fields of its entries.

1. What /proc shows is used if a pidfd proves which process it was (`process`). If pidfds give user and control group
   themselves (Linux 6.15), only the name is read from /proc, and the path once for each group.
2. A datagram may have no pidfd: before Linux 6.5; before 6.15 from a process that has been reaped; from a sender that
   attached descriptors. Then /proc is used if the process there has the uid of the sender, and started before the
   datagram was sent. If it may have started just afterwards, as a successor with the same pid, or if the time of
   sending is not known, the entry has UDSD_SENDER_UNPROVEN=1.
"""

from collections.abc import Callable
from typing import NamedTuple

from udsd.journal.entry import Field
from udsd.senders import cgroup, process
from udsd.senders.credentials import Credentials
from udsd.senders.identity import fields_of_process
from udsd.senders.process import Look

UNPROVEN: Field = ("UDSD_SENDER_UNPROVEN", b"1")


class Evidence(NamedTuple):
    """What the kernel can say about the sender of the first datagram of a queue, besides its credentials.

    `pidfd` returns a new pidfd of the sender, which the caller closes, or None. It is itself None if the kernel has no
    pidfds of senders. `sent_at` returns when the datagram was sent, in nanoseconds since the epoch. It is itself None
    if pidfds prove enough.
    """

    pidfd: Callable[[], int | None] | None
    sent_at: Callable[[], int] | None = None


class Looks:
    """Looks at the senders of one socket, by the evidence of its queue. `cmdline`: reads command lines, too.

    `pidfds_tell`: whether a pidfd gives the user and the control group, so that a look needs neither.
    """

    def __init__(self, evidence: Evidence, paths: cgroup.CgroupPaths, *, cmdline: bool) -> None:
        self._sent_at = evidence.sent_at
        self._paths = paths
        self._cmdline = cmdline
        self.pidfds_tell = evidence.pidfd is not None and evidence.sent_at is None and process.pidfds_tell_users()

    def with_pidfd(self, sender: Credentials) -> Look:
        """Look at the process with the pid of a sender. The datagram's pidfd proves the look afterwards."""
        if self.pidfds_tell:
            return process.glance_at(sender.pid, cmdline=self._cmdline)
        return self.without_pidfd(sender)

    def without_pidfd(self, sender: Credentials) -> Look:
        """Look at the process with the pid of a sender whose datagram has no pidfd."""
        return process.look_at(sender.pid, sender.uid, cmdline=self._cmdline, start=self._sent_at is not None)

    def proven_fields(
        self, sender: Credentials, look: Look | None, pidfd: int, cgroup_id: int | None
    ) -> tuple[Field, ...]:
        """The fields of a process, from a proven look and from the control group that its pidfd gives."""
        path = None if cgroup_id is None else self._paths.known(cgroup_id)
        if path is None and look:
            text = _group(sender, pidfd) if self.pidfds_tell else look.cgroup
            path = cgroup.path_in(text) if text else None
            if path and cgroup_id is not None:
                self._paths.learn_if_true(cgroup_id, path)
        if path is None and cgroup_id is not None:
            path = self._paths.path(cgroup_id)
        return fields_of_process(look.comm if look else None, look.cmdline if look else None, path)

    def had_another_user(self, sender: Credentials, look: Look) -> bool:
        """Whether the pid of a sender was another user's process when the datagram was sent, so that it is made up.

        A process that started afterwards has the pid of a sender that has ended.
        """
        has_uid = look.has_uid
        if has_uid is None and self.pidfds_tell:  # the look left that to the pidfd, and there is none
            with self.without_pidfd(sender) as now:
                has_uid = now.has_uid
        if has_uid is not False:
            return False
        return self._sent_at is None or look.started_at is None or look.started_at <= self._sent_at()

    def likely_fields(self, look: Look) -> tuple[Field, ...]:
        """The fields of a look that no pidfd can prove. Marked if the time of the datagram does not prove it either."""
        if not look.has_uid:
            return ()
        fields = fields_of_process(look.comm, look.cmdline, cgroup.path_in(look.cgroup) if look.cgroup else None)
        if self._sent_at is None:
            return (*fields, UNPROVEN)
        sent_at = self._sent_at()
        if look.started_at is None or look.started_at > sent_at:
            return ()
        by = look.started_at + process.TICK
        return fields if min(by, look.started_by or by) <= sent_at else (*fields, UNPROVEN)


def _group(sender: Credentials, pidfd: int) -> bytes | None:
    """The text of /proc/PID/cgroup; None if the process of `pidfd` does not have the sender's pid any more."""
    text = process.group(sender.pid)
    return text if process.info(pidfd).uids is not None else None
