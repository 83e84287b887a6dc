"""Shutdown: remove the files of our sockets, deliver what is queued, print what cannot be delivered.

Our own sockets: first seal them (refuse further datagrams), then remove the files, then deliver everything queued.

systemd's sockets: deliver what is queued, for at most 10 s; the rest stays for the next start. If the socket unit has
been stopped, systemd has closed the socket and removed its file, and only udsd still holds it. Such a socket is sealed
and emptied like our own. No other is, since sealing cannot be undone: systemd could not use the socket any more. The
missing file shows which case it is. If somebody else removed the file, nobody can connect, and the next start asks for
a restart of the socket unit.
"""

import math
import os
import time
from collections.abc import Mapping, Sequence

from udsd.daemon.loop import Loop
from udsd.daemon.relay import Source
from udsd.journal import console
from udsd.journal.entry import Entry
from udsd.journal.log import FILE_LEFT, STOPPED, UNDELIVERED, write_stderr
from udsd.metrics.counters import total
from udsd.receive import activation
from udsd.receive.bound_socket import BoundSocket
from udsd.receive.kept_socket import Kept
from udsd.service import systemd

_PASSED = 10.0  # seconds for what is queued in systemd's sockets when the stop begins: a full queue takes one to three
_BLOCKED = 1.0  # seconds of these for which the sink may be blocked
_SINCE = 0.1  # seconds after those for later datagrams, since senders may go on for ever
_PATIENCE = 10.0  # seconds that the sink may be blocked at the end; then the datagrams that are left are printed
_LAST_WORDS = 5.0  # seconds that udsd's own last messages may wait after that


class _StandardError:
    """The destination of entries that the sink does not take."""

    def deliver(self, entry: Entry, _now: float, _origin: object = None) -> bool:
        """Print the entry. It always counts as taken, since there is no other place to keep it."""
        write_stderr(console.format_line(entry, time.time(), os.uname().nodename))
        return True


def shut_down(loop: Loop, bound: Sequence[BoundSocket], rest: Mapping[Source, Kept]) -> int:
    """End the daemon. Returns its exit status. `bound` are our own sockets; if it is empty, all are systemd's.

    `rest` are sealed sockets of a run that was killed.
    """
    systemd.notify("STOPPING=1", f"STATUS=stopping, {loop.stopped_by}; {loop.status()}")
    log, printer = loop.delivery.log, _StandardError()
    sealed = list(rest)
    if bound:
        # Before sealing: the next run cannot use a sealed socket, nor bind its name while the manager keeps it.
        for made in bound:
            if made.is_abstract:
                made.forget()
        for source in loop.sources:
            source.receiver.seal()
        _release_files(loop, bound)
        sealed += loop.sources
    else:
        sealed += _seal_given_up(loop.sources)
        passed = [source for source in loop.sources if source not in sealed]
        _empty_passed(loop, passed)
        sealed += _seal_given_up(passed)  # the socket unit may have been stopped meanwhile
    if sealed:
        for source in _drain(loop, sealed, time.monotonic() + _PATIENCE):
            while loop.relay.take(source, time.monotonic(), printer):
                pass
    _print_lost(loop, printer)
    _log_last_words(loop)
    _drain(loop, (), time.monotonic() + _LAST_WORDS)
    _print_lost(loop, printer)
    if not log.to_stderr:
        for entry, _ in log.waiting:
            printer.deliver(entry, 0.0)
    for made in bound:
        made.forget()
    for kept in rest.values():
        kept.forget()
    activation.clear_mark()
    return os.EX_UNAVAILABLE if total(source.counters for source in loop.sources).undelivered else os.EX_OK


def _seal_given_up(sources: Sequence[Source]) -> list[Source]:
    """Seal the sockets that systemd has closed. Returns them."""
    given_up = [source for source in sources if source.receiver.has_lost_its_file()]
    for source in given_up:
        source.receiver.seal()
    return given_up


def _release_files(loop: Loop, bound: Sequence[BoundSocket]) -> None:
    for made in bound:
        left = made.release()
        if left:
            loop.delivery.log.say(FILE_LEFT, f"{made.path} was not removed: {left}")


def _empty_passed(loop: Loop, rest: Sequence[Source]) -> None:
    """Deliver what is queued in systemd's sockets, until each queue has been empty once or the deadline is over.

    It is over after 10 s, 0.1 s after what was queued at the beginning has been delivered, or when the sink has been
    blocked for 1 s.
    """
    began = time.monotonic()
    deadline = began + _PASSED
    older = {source: source.receiver.stamp_from_now() for source in rest}
    while rest and time.monotonic() < deadline:
        if loop.delivery.ready(time.monotonic(), look=True):
            rest = [source for source in rest if loop.take(source)]
            if loop.delivery.blocked_since is None:  # else a datagram has been looked at, and is still queued
                older = {source: since for source, since in older.items() if not source.receiver.is_past(since)}
                if not older:
                    deadline = min(deadline, time.monotonic() + _SINCE)
        else:
            assert loop.delivery.blocked_since is not None
            end = min(deadline, max(began, loop.delivery.blocked_since) + _BLOCKED)
            if time.monotonic() >= end:
                return
            loop.wait(end)
        loop.attend()


def _drain(loop: Loop, sources: Sequence[Source], deadline: float) -> Sequence[Source]:
    """Deliver everything that is queued in sealed sockets, and our own messages.

    Gives up after the deadline, once the sink has been blocked without a break for as long as this had from the start.
    Returns the sources that are not empty then.
    """
    patience = deadline - time.monotonic()
    rest = sources
    while True:
        now = time.monotonic()
        if loop.delivery.ready(now, look=True):
            if not rest:
                return ()
            rest = [source for source in rest if loop.take(source)]
            loop.attend()
            continue
        assert loop.delivery.blocked_since is not None
        end = max(deadline, loop.delivery.blocked_since + patience)
        if now >= end:
            return rest
        loop.wait(end)
        loop.attend()


def _print_lost(loop: Loop, printer: _StandardError) -> None:
    """Print the entries that the sink took and lost."""
    for entry, origin in loop.delivery.take_lost():
        if isinstance(origin, Source):  # a datagram, not a message of our own
            origin.counters.stored -= 1
            origin.counters.undelivered += 1
        printer.deliver(entry, 0.0)


def _log_last_words(loop: Loop) -> None:
    loop.relay.drops.report(math.inf)
    log, now = loop.delivery.log, time.monotonic()
    whole = total(source.counters for source in loop.sources)
    if len(loop.sources) > 1:
        loop.reports.log_counters(now)
    loop.reports.write_metrics(now)
    log.say(STOPPED, f"stopped by {loop.stopped_by}: {whole.words()}", *loop.reports.fields(whole, now))
    if whole.undelivered:
        log.say(UNDELIVERED, f"could not be delivered, and printed to standard error: {whole.undelivered}")
