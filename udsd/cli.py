"""The command `udsd`: from the words of the command line to a running daemon, and from errors to statuses."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from udsd import __version__, activation, listen, manager
from udsd.bound import BoundSocket
from udsd.console import Console
from udsd.daemon import Daemon
from udsd.errors import UdsdError, explain
from udsd.inbox import Inbox
from udsd.journal import JOURNALD_SOCKET, Journal
from udsd.log import Log
from udsd.options import Parser
from udsd.outlet import Outlet
from udsd.signals import StopSignals

_MODE = 0o666


def _mode(text: str) -> int:
    mode = int(text, 8)
    if not 0 <= mode <= 0o777:
        raise ValueError
    return mode


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
        help="bind this socket, @NAME for an abstract one; may be given several times. FORMAT is raw. "
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
    parser.add_argument("--version", action="version", version=f"udsd {__version__}")
    return parser


def _run(words: Sequence[str]) -> int:
    options = _parser().parse_args(words)
    signals = StopSignals()
    with ExitStack() as stack:
        bound: list[BoundSocket] = []
        inboxes = activation.passed_inboxes()
        if inboxes and (options.listen or options.mode is not None):
            raise UdsdError(
                "--listen and --mode do not go with sockets that the service manager passes",
                hint="set ListenDatagram= and SocketMode= in the socket unit instead",
                status=os.EX_USAGE,
            )
        if not inboxes:
            for path, read in [listen.parse(words) for words in options.listen or ()] or [listen.default()]:
                made = BoundSocket(path, _MODE if options.mode is None else options.mode)
                stack.callback(made.release)
                bound.append(made)
                inboxes.append(Inbox(made.socket, read))
        to_journal = options.sink == "journal" or (
            options.sink == "auto" and (os.path.exists(JOURNALD_SOCKET) or manager.started_us())
        )
        log = Log(keep=to_journal, stderr=not to_journal or not manager.started_us())
        outlet = Outlet(Journal() if to_journal else Console(sys.stdout.fileno()), log)
        return Daemon(inboxes, bound, outlet, log, signals).run()


def main() -> int:
    """Run the daemon with the process's own arguments; its exit status, one of sysexits.h."""
    try:
        return _run(sys.argv[1:])
    except UdsdError as error:
        sys.stderr.write(explain("udsd", error))
        return error.status
