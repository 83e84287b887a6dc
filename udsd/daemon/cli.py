"""The command `udsd`: from the words of the command line to a running daemon, and from errors to statuses."""

import argparse
import grp
import math
import os
import pwd
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from udsd import __version__, formats
from udsd.argparser import Parser
from udsd.daemon import listen
from udsd.daemon.loop import Daemon, Rules
from udsd.daemon.rate_limit import Limit
from udsd.daemon.stop import StopPolicy
from udsd.errors import UdsdError, explain
from udsd.journal.console import Console
from udsd.journal.delivery import Outlet
from udsd.journal.journald import JOURNALD_SOCKET, Journal
from udsd.journal.log import Log
from udsd.metrics.reports import Metrics
from udsd.receive import activation
from udsd.receive.bound_socket import BoundSocket
from udsd.receive.receiver import Inbox
from udsd.service import systemd
from udsd.service.daemonize import Background
from udsd.service.pidfile import PidFile
from udsd.service.signals import Signals, leave_no_zombies

_MODE = 0o666
_LIMIT = Limit(10_000, 30.0)  # journald's own default for a unit


def _mode(text: str) -> int:
    mode = int(text, 8)
    if not 0 <= mode <= 0o777:
        raise ValueError
    return mode


def _limit(text: str) -> Limit:
    if text == "off":
        return Limit(math.inf, _LIMIT.seconds)
    number, _, seconds = text.partition("/")
    limit = Limit(int(number), float(seconds))
    if limit.number < 1 or not 0 < limit.seconds < math.inf:
        raise ValueError
    return limit


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds < math.inf:
        raise ValueError
    return seconds


_seconds.__name__ = "number of seconds, at least 1"
_limit.__name__ = "rate limit"
_mode.__name__ = "mode"  # argparse names the type in its errors by this


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="udsd",
        description="Receive datagrams on UNIX sockets and write each one to the systemd journal.",
        epilog="Sockets that systemd passes are used if there are any. DONE from root or from udsd's own user, "
        "SIGTERM and SIGINT end it.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--listen",
        metavar="[FORMAT:]PATH",
        action="append",
        help="bind this socket, @NAME for an abstract one; may be given several times. "
        f"FORMAT is {', '.join(formats.NAMES)} (default: {formats.DEFAULT}). "
        "Default: /run/udsd/udsd.sock for root, $XDG_RUNTIME_DIR/udsd/udsd.sock for others",
    )
    parser.add_argument("--mode", type=_mode, help="permissions of the sockets, octal (default: 0666)")
    parser.add_argument(
        "--sink",
        choices=("auto", "journal", "console"),
        default="auto",
        help="where entries go; auto: to the journal if it is there or a service manager started udsd, "
        "else to the console",
    )
    parser.add_argument(
        "--stop-from",
        metavar="USER|@GROUP|none",
        action="append",
        help="whose DONE is obeyed; may be given several times (default: root and udsd's own user)",
    )
    parser.add_argument(
        "--rate-limit",
        metavar="N/SECONDS|off",
        type=_limit,
        default=_LIMIT,
        help="what each unit may send, or each user outside of units; more is dropped, counted and reported "
        f"(default: {_LIMIT.number}/{_LIMIT.seconds:g})",
    )
    parser.add_argument(
        "--cmdline", action="store_true", help="store command lines of senders too, which can hold secrets"
    )
    parser.add_argument(
        "--stats-interval",
        metavar="SECONDS",
        type=_seconds,
        help="write the counters to the journal so often, as at SIGUSR1 and at the end",
    )
    parser.add_argument(
        "--metrics", metavar="FILE", help="keep the counters in this file too, for Prometheus' textfile collector"
    )
    parser.add_argument(
        "--detach",
        action="store_true",
        help="go into the background once everything is ready; for start scripts, not for systemd",
    )
    parser.add_argument(
        "--pidfile",
        metavar="FILE",
        help="write the pid of the daemon there, and have one daemon at the most run with this file",
    )
    parser.add_argument("--version", action="version", version=f"udsd {__version__}")
    return parser


def _stop_policy(names: Sequence[str] | None) -> StopPolicy:
    """The users and groups of --stop-from, by number. Raises UdsdError for one that does not exist."""
    if names is None:
        return StopPolicy(frozenset((0, os.geteuid())))
    uids: set[int] = set()
    gids: set[int] = set()
    for name in names:
        try:
            if name.startswith("@"):
                group = grp.getgrnam(name[1:])
                gids.add(group.gr_gid)
                uids.update(entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in group.gr_mem)
            elif name != "none":
                uids.add(pwd.getpwnam(name).pw_uid)
        except KeyError as error:
            raise UdsdError(
                f"--stop-from {name}: {error.args[0]}", hint="name a user, an @group, or none", status=os.EX_NOUSER
            ) from error
    return StopPolicy(frozenset(uids), frozenset(gids))


def _metrics(path: str | None) -> Metrics | None:
    if path is None:
        return None
    from udsd.metrics import prometheus

    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise UdsdError(f"--metrics {path}: there is no folder {folder}", hint="make it first", status=os.EX_CANTCREAT)
    return Metrics(os.path.abspath(path), prometheus.render())


def _run(words: Sequence[str]) -> int:
    options = _parser().parse_args(words)
    rules = Rules(
        _stop_policy(options.stop_from),
        options.rate_limit,
        options.cmdline,
        math.inf if options.stats_interval is None else options.stats_interval,
        _metrics(options.metrics),
    )
    to_journal = options.sink == "journal" or (
        options.sink == "auto" and (os.path.exists(JOURNALD_SOCKET) or systemd.started_us())
    )
    listens = [listen.parse(words) for words in options.listen or ()]
    with ExitStack() as stack:
        background = stack.enter_context(Background())
        if options.detach:
            _check_output(to_journal=to_journal)
            listens = [found.absolute() for found in listens]
        pidfile = None if options.pidfile is None else PidFile(options.pidfile)
        if pidfile:
            stack.callback(pidfile.remove)
        if options.detach:
            background.go([pidfile.descriptor] if pidfile else [])
        leave_no_zombies()
        signals = Signals()
        bound: list[BoundSocket] = []
        inboxes = activation.passed_inboxes()
        if inboxes and (options.listen or options.mode is not None):
            raise UdsdError(
                "--listen and --mode do not go with sockets that the service manager passes",
                hint="set ListenDatagram= and SocketMode= in the socket unit instead",
                status=os.EX_USAGE,
            )
        if not inboxes:
            for path, form in listens or [listen.default()]:
                made = BoundSocket(path, _MODE if options.mode is None else options.mode)
                stack.callback(made.release)
                bound.append(made)
                inboxes.append(Inbox(made.socket, form))
        log = Log(keep=to_journal, stderr=not to_journal or not systemd.started_us())
        outlet = Outlet(Journal() if to_journal else Console(sys.stdout.fileno()), log)
        daemon = Daemon(inboxes, bound, outlet, signals, rules)
        if pidfile:
            pidfile.write()
        if options.detach:
            background.begun(output=not to_journal)
        return daemon.run()


def _check_output(*, to_journal: bool) -> None:
    if not to_journal and os.isatty(sys.stdout.fileno()):
        raise UdsdError(
            "entries go to the terminal, there being no journal, and in the background udsd has none",
            hint="write them to a file: udsd --detach ... >>FILE",
            status=os.EX_USAGE,
        )


def _open_streams() -> None:
    """Open what was closed when we were started, lest a file or socket of ours gets the number of standard error."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115  (for good)


def main() -> int:
    """Run the daemon with the process's own arguments; its exit status, one of sysexits.h."""
    _open_streams()
    try:
        return _run(sys.argv[1:])
    except UdsdError as error:
        sys.stderr.write(explain("udsd", error))
        return error.status
