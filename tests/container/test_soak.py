"""Many datagrams from many senders: each is stored once, and udsd is as small afterwards as it was before.

The long one, for which the promise was made, takes a few minutes a suite and some GiB of memory: tests/run --soak
"""

import pytest

from tests.container.load import check, load, wait_for_number
from tests.container.machines import Machine

_SENDERS = 64
_SIZES = (0, 0, 40, 40, 100, 100, 256, 700)
_LARGE = (*(_SIZES * 25), 4096, 70_000)  # the last is larger than what is received at the first try
_MOST_SECONDS = 3600.0


@pytest.mark.containers_only("its journal takes GiBs of memory")
@pytest.mark.parametrize("count", [100_000, pytest.param(5_000_000, marks=pytest.mark.soak)])
def test_as_small_afterwards_as_before(machine: Machine, count: int) -> None:
    machine.run("mount", "-t", "tmpfs", "-o", "size=16G", "none", "/run/log/journal")
    room = b"[Journal]\nRuntimeMaxUse=15G\nRuntimeKeepFree=1\n"
    machine.run("tee", "/etc/systemd/journald.conf.d/zz-soak.conf", stdin=room)
    machine.run("systemctl", "restart", "systemd-journald.service")
    machine.options("--rate-limit=off")
    with load(machine, *_LARGE, senders=_SENDERS):
        pass
    before = machine.resources()
    machine.mark()
    with load(machine, *_LARGE, senders=_SENDERS) as under_way:
        wait_for_number(machine, "s0", count // _SENDERS, *_LARGE, seconds=_MOST_SECONDS)
    after = machine.resources()
    assert check(machine, under_way)["marked as possible repeats"] == 0
    assert machine.show("udsd.service", "NRestarts") == "0"
    assert after[0] <= before[0] + 1, "descriptors"  # one for the last sender, if it was alive when it was met
    assert after[1] <= before[1] + 1024, f"memory: {before[1]} KiB before, {after[1]} KiB after"
