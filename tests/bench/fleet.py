"""What one collector of journals takes in, and what entries cost on its disk: python3 -m tests.bench.fleet, as root.

1. Nodes and collector are machines of tests/container/fleet.py, set up by the commands of fleet.md, on the same cores:
   a collector that has the machine for itself takes in more. Their disks are in memory.
2. An upload is timed from the start of an uploader that has a backlog until the collector has the last entry of it.
3. CPU time is what the kernel has counted for the control groups of the units.
4. For the disk, systemd-journal-remote writes entries from a pipe. A file counts with what it has used, since its size
   is a multiple of 8 MiB.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.tables import table
from tests.container.fleet import Fleet, Host, received, set_up
from tests.container.machines import Machine, build_package
from tests.source import TOP

_SECONDS = 600
_UPLOADER = "systemd-journal-upload.service"

# Messages are text that compresses as text does.
_WRITER = """
import random, sys
count, fields, fresh, size = map(int, sys.argv[1:])
source = random.Random(1)
words = ["".join(source.choices("etaoinshrdlu", k=source.randint(2, 9))) for _ in range(2000)]
text = " ".join(source.choices(words, k=200_000))
out = sys.stdout.buffer
for number in range(count):
    at = number * 997 % (len(text) - size)
    message = f"MESSAGE={number} {text[at:at + size]}"[:size + len("MESSAGE=")]
    lines = [f"__REALTIME_TIMESTAMP={1_700_000_000_000_000 + number}", f"__MONOTONIC_TIMESTAMP={number + 1}",
             "_BOOT_ID=00000000000000000000000000000001", message]
    lines += [f"FRESH_{field}=value {field} of {number}" for field in range(fresh)]
    lines += [f"FIELD_{field}=value {number * 7 // (field + 1) % 50} of few" for field in range(fields - fresh - 2)]
    out.write("\\n".join(lines).encode() + b"\\n\\n")
"""


def main() -> int:
    """Measure and print tables; the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.bench.fleet", description=__doc__.partition(":")[0])
    parser.add_argument("--entries", type=int, default=200_000, help="entries of each node (default: %(default)s)")
    entries: int = parser.parse_args().entries
    with (
        tempfile.TemporaryDirectory(prefix="udsd-bench-") as folder,
        set_up(build_package(TOP, Path(folder))) as fleet,
    ):
        columns = ("nodes", "entries/s", "uploader", "nginx", "journal-remote", "bytes on the wire", "bytes on disk")
        rows = [_upload(fleet, fleet.nodes[:1], entries, "one"), _upload(fleet, fleet.nodes, entries, "two")]
        _say("What udsd's entries cost, CPU time in us an entry\n\n" + table(columns, rows))
        cases = ("fields", "new in each entry", "bytes of message", "compressed", "MB a million entries")
        _say("Disk\n\n" + table(cases, list(_disk(fleet.collector.machine, entries))))
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()


def _upload(fleet: Fleet, nodes: list[Host], entries: int, name: str) -> list[str]:
    collector = fleet.collector.machine
    for node in nodes:
        node.machine.run("systemctl", "stop", _UPLOADER)
        node.machine.run(*node.machine.program("send_numbered", f"--count={entries}", name))
        node.machine.wait_for(f"MESSAGE={name} {entries - 1}")
    receivers = [f"system-fleet.slice/fleet@{node.name}.service" for node in nodes]
    used = sum(_used(collector, _folder(node)) for node in nodes)
    before = [_cpu(collector, unit) for unit in ("nginx.service", *receivers)]
    wire = sum(fleet.network.carried(node.name) for node in nodes)
    began = time.monotonic()
    for node in nodes:
        node.machine.run("systemctl", "start", _UPLOADER)
    for node in nodes:
        collector.wait_for(received(node.name), f"MESSAGE={name} {entries - 1}", seconds=_SECONDS)
    seconds = time.monotonic() - began
    for node in nodes:
        lines = collector.text("journalctl", received(node.name), "--output=cat").splitlines()
        assert sum(line.startswith(f"{name} ") for line in lines) == entries, node.name
    sent = entries * len(nodes)
    nginx, *remote = (
        _cpu(collector, unit) - then for unit, then in zip(("nginx.service", *receivers), before, strict=True)
    )
    uploaders = sum(_cpu(node.machine, _UPLOADER) for node in nodes)
    wire = sum(fleet.network.carried(node.name) for node in nodes) - wire
    used = sum(_used(collector, _folder(node)) for node in nodes) - used
    figures = (uploaders / sent, nginx / sent, sum(remote) / sent)
    cpu = (f"{figure:.1f}" for figure in figures)
    return [str(len(nodes)), f"{sent / seconds:,.0f}", *cpu, f"{wire / sent:,.0f}", f"{used / sent:,.0f}"]


def _folder(node: Host) -> str:
    return received(node.name).partition("=")[2]


def _cpu(machine: Machine, unit: str) -> int:
    folder = Path(f"/proc/{machine.leader}/root/sys/fs/cgroup/system.slice")
    stat = (folder / unit / "cpu.stat").read_text().split()
    return int(stat[stat.index("usage_usec") + 1])


def _used(machine: Machine, folder: str) -> int:
    """What the entries in the journal files of a folder take."""
    return sum(_extent(machine, file) for file in machine.text("sh", "-c", f"ls {folder}/*").split())


def _extent(machine: Machine, file: str) -> int:
    """Where the last object of a journal file begins."""
    tail = machine.run("od", "--address-radix=n", "--format=u8", "--skip-bytes=136", "--read-bytes=8", file)
    return int(tail.stdout)


def _disk(machine: Machine, entries: int) -> Iterator[list[str]]:
    measured = "/var/tmp/measured"
    Path(machine.shared, "writer.py").write_text(_WRITER)
    cases = [(5, 0, 60), (15, 0, 60), (30, 0, 60), (15, 5, 60), (30, 15, 60), (15, 0, 2000)]
    for fields, fresh, size in cases:
        for compressed in ("yes", "no") if size > 512 else ("yes",):
            writer = f"python3 /host/writer.py {entries} {fields} {fresh} {size}"
            engine = f"/usr/lib/systemd/systemd-journal-remote --compress={compressed} --output={measured}/a.journal -"
            machine.run("sh", "-c", f"rm -rf {measured}; mkdir {measured}; {writer} | {engine}")
            stored = machine.text("sh", "-c", f"journalctl --directory={measured} --output=cat | wc --lines")
            assert int(stored) == entries, stored
            megabytes = _used(machine, measured) / entries
            yield [str(fields), str(fresh + 1), str(size), compressed, f"{megabytes:,.0f}"]


if __name__ == "__main__":
    sys.exit(main())
