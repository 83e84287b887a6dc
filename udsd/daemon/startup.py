"""From settings to a running daemon: pid file, background, sockets, sink. A start that fails leaves nothing behind."""

import errno
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from udsd import formats
from udsd.daemon.config import Config, default_listen
from udsd.daemon.drop_ledger import DropLedger
from udsd.daemon.drops import Drops
from udsd.daemon.journald_watch import JournaldWatch
from udsd.daemon.loop import Loop
from udsd.daemon.name_budget import MOST, NameBudget
from udsd.daemon.relay import Relay, Source
from udsd.daemon.shutdown import shut_down
from udsd.errors import UdsdError
from udsd.journal.console import Console, open_file
from udsd.journal.delivery import Delivery
from udsd.journal.journald import JOURNALD_SOCKET, Journal
from udsd.journal.log import FILE_LEFT, STARTED, Log
from udsd.metrics.reports import Metrics, Reports
from udsd.receive import activation, bound_socket, kept_socket
from udsd.receive.bound_socket import BoundSocket
from udsd.receive.kept_socket import Kept
from udsd.receive.receiver import Receiver
from udsd.senders.cgroup import CgroupPaths
from udsd.senders.evidence import Evidence
from udsd.senders.registry import Registry, room_for_each
from udsd.service import failed_start, files, pidfile, systemd
from udsd.service.daemonize import Background
from udsd.service.pidfile import PidFile
from udsd.service.signals import Signals, leave_no_zombies
from udsd.service.watchdog import Watchdog

_MODE = 0o666


def run(config: Config) -> int:
    """Run the daemon to its end. Returns its exit status. Raises UdsdError if it cannot start."""
    metrics = _metrics(config.metrics)
    to_journal = config.sink == "journal" or (
        config.sink == "auto" and (os.path.exists(JOURNALD_SOCKET) or systemd.started_us())
    )
    with ExitStack() as stack:
        background = stack.enter_context(Background())
        if config.detach:
            _check_output(to_journal=to_journal or config.output is not None)
            config = config._replace(listens=tuple(listen.absolute() for listen in config.listens))
        lock = None if config.pidfile is None else PidFile(config.pidfile)
        if lock:
            stack.callback(lock.remove)
        if config.detach:
            background.go([lock.descriptor] if lock else [])
        leave_no_zombies()
        signals = Signals(reopens=config.output is not None)
        passed, mark, kept = activation.passed()
        if passed:
            _check_passed(config)
        start = stack.enter_context(ExitStack())
        bound = [] if passed else _bind(config, kept, start)
        sockets = passed or [(Receiver(made.socket), form) for made, form in bound]
        journal = Journal() if to_journal else None
        delivery = _delivery(config, journal)
        sources = _sources(sockets, config)
        left = _give_up(_without(kept, bound), sources, config, delivery.log)
        ledger = activation.new_mark() if mark is None else mark
        drops = Drops(config.limit, DropLedger(ledger), delivery.log)
        unlimited = config.limit.number == math.inf  # --rate-limit off
        names = NameBudget(math.inf if unlimited else MOST)
        relay = Relay(delivery, config.stop_from, drops, names)
        counters = {source.receiver.name: source.counters for source in sources}
        reports = Reports(counters, drops.accounts, delivery, config.interval, metrics)
        loop = _loop(sources, relay, signals, reports, journal)
        if lock:
            lock.write()
        if config.detach:
            background.begun(output=not to_journal and config.output is None)
        delivery.log.say(STARTED, f"receiving on {', '.join(source.receiver.name for source in sources)}")
        delivery.ready(time.monotonic())
        reports.start(time.monotonic())
        drops.report_earlier()
        if mark is None:  # else it is still kept
            activation.keep_mark(ledger)
        _mark_first([] if mark is None else [*_old(sources, bound), *left])
        failed_start.succeeded()
        systemd.notify("READY=1")
        _started(start, stack, bound)
        rest = _deliver(loop, left)
        loop.run()
        return shut_down(loop, [made for made, _ in bound], rest)


def check(config: Config) -> None:
    """Raise the UdsdError that `run` would raise, as far as is known without making, writing or removing a file.

    A daemon that runs with these settings is no error.
    """
    _metrics(config.metrics)
    if config.pidfile is not None:
        pidfile.check(config.pidfile)
    if config.output is not None:
        if not os.path.exists(config.output):
            files.check_directory(os.path.dirname(config.output), f"--output {config.output}")
        elif not os.access(config.output, os.W_OK, effective_ids=True):
            raise files.cannot_be_made(f"--output {config.output}", os.strerror(errno.EACCES))
    if activation.passed().sockets:
        _check_passed(config)
    else:
        for path, _ in config.listens or [default_listen()]:
            bound_socket.check(path)


def _delivery(config: Config, journal: Journal | None) -> Delivery:
    """The way to the sink, with the log of udsd's own messages. Raises UdsdError if --output cannot be opened."""
    if journal:
        return Delivery(journal, Log(keep=True, stderr=not systemd.started_us()))
    # Nobody reads standard error in the background. So udsd's own messages go where the entries go.
    unseen = config.detach or config.output is not None
    log = Log(keep=unseen, stderr=not unseen)
    if config.output is None:
        return Delivery(Console(sys.stdout.fileno()), log)
    try:
        return Delivery(Console(open_file(config.output), path=config.output), log)
    except OSError as error:
        raise files.cannot_be_made(f"--output {config.output}", error.strerror) from error


def _loop(sources: list[Source], relay: Relay, signals: Signals, reports: Reports, journal: Journal | None) -> Loop:
    watchdog = Watchdog(systemd.watchdog_interval(), systemd.notify, time.monotonic())
    loop = Loop(sources, relay, signals, reports, watchdog)
    if journal:
        loop.watch_journald(JournaldWatch(journal))
    return loop


def _check_passed(config: Config) -> None:
    """Raise UdsdError for settings that do not go with sockets of the service manager."""
    if config.listens or config.mode is not None:
        raise UdsdError(
            "--listen and --mode do not go with sockets that the service manager passes",
            hint="set ListenDatagram= and SocketMode= in the socket unit instead",
            status=os.EX_USAGE,
        )


def _bind(config: Config, kept: Sequence[Kept], stack: ExitStack) -> list[tuple[BoundSocket, str]]:
    """Bind our own sockets, or go on with kept ones. Returns each with the name of its format. `stack` undoes this."""
    bound = []
    for path, form in config.listens or [default_listen()]:
        made = BoundSocket(path, _MODE if config.mode is None else config.mode, form, kept)
        stack.callback(made.undo)
        bound.append((made, form))
    return bound


def _started(start: ExitStack, stack: ExitStack, bound: Sequence[tuple[BoundSocket, str]]) -> None:
    """From now on an exception is like a kill: the next run gets the sockets that the manager keeps, with their files.

    If the manager is not known to keep descriptors, the files are removed.
    """
    start.pop_all()
    if not systemd.keeps_descriptors():
        for made, _ in bound:
            stack.callback(made.release)


def _without(kept: Sequence[Kept], bound: Sequence[tuple[BoundSocket, str]]) -> list[Kept]:
    """The kept sockets that this run does not go on with."""
    went_on = {made.socket for made, _ in bound}
    return [one for one in kept if one.socket not in went_on]


def _old(sources: Sequence[Source], bound: Sequence[tuple[BoundSocket, str]]) -> list[Source]:
    """The sources whose sockets existed before this run."""
    new = {made.socket.fileno() for made, _ in bound if not made.went_on}
    return [source for source in sources if source.receiver.fileno() not in new]


def _mark_first(sources: Sequence[Source]) -> None:
    """Mark the first datagram in each queue of a killed run as a possible repeat."""
    for source in sources:
        source.first_may_repeat = source.receiver.peek() is not None


def _give_up(kept: Sequence[Kept], sources: Sequence[Source], config: Config, log: Log) -> dict[Source, Kept]:
    """Seal sockets of a killed run at which udsd no longer listens. Returns them as sources to empty.

    Their datagrams are counted with those of the first socket.
    """
    old = []
    for one in kept:
        left = kept_socket.give_up(one)
        if left:
            log.say(FILE_LEFT, f"{one.path} was not removed: {left}")
        receiver = Receiver(one.socket)
        receiver.seal()
        old.append((receiver, one.form))
    found = dict(zip(_sources(old, config), kept, strict=True))
    for source in found:
        source.counters = sources[0].counters
    return found


def _deliver(loop: Loop, left: Mapping[Source, Kept]) -> Mapping[Source, Kept]:
    """Deliver what is queued in sealed sockets, and give them up. Returns those that are left if a stop comes first."""
    rest = dict(left)
    while rest and not loop.stopped_by:
        if loop.delivery.ready(time.monotonic(), look=True):
            for source in [source for source in rest if not loop.take(source)]:
                rest.pop(source).forget()
                source.receiver.close()
        else:
            loop.wait()
        loop.attend()
    return rest


def _sources(sockets: Sequence[tuple[Receiver, str]], config: Config) -> list[Source]:
    paths, most = CgroupPaths(), room_for_each(max(1, len(sockets)))
    sources = []
    for receiver, form in sockets:
        evidence = Evidence(
            receiver.peek_pidfd if receiver.has_pidfds else None, receiver.sent_at if receiver.has_times else None
        )
        field = ("UDSD_SOCKET", os.fsencode(receiver.name))
        registry = Registry(evidence, field, paths, most=most, cmdline=config.cmdline)
        sources.append(Source(receiver, formats.parser(form), registry))
    return sources


def _metrics(path: str | None) -> Metrics | None:
    if path is None:
        return None
    from udsd.metrics import prometheus

    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
        raise UdsdError(
            f"--metrics {path}: there is no directory {directory}", hint="make it first", status=os.EX_CANTCREAT
        )
    return Metrics(os.path.abspath(path), prometheus.render())


def _check_output(*, to_journal: bool) -> None:
    if not to_journal and os.isatty(sys.stdout.fileno()):
        raise UdsdError(
            "entries would go to the terminal, which udsd does not have in the background",
            hint="write them to a file: udsd --detach ... >>FILE",
            status=os.EX_USAGE,
        )
