"""The command `udsd`: it turns the command line into settings (`config`), and errors into exit statuses.

To add an option: a call of `add` here, a member of `config.Config`, and a paragraph in udsd(8), section OPTIONS. A unit
test compares --help and the man page.
"""

import argparse
import math
import os
import sys
from contextlib import suppress

from udsd import __version__, formats
from udsd.argparser import Parser
from udsd.daemon import config as settings
from udsd.daemon.config import DEFAULT_LIMIT, Config
from udsd.errors import UdsdError, explain

# argparse shows these names in its errors.
settings.parse_seconds.__name__ = "number of seconds, at least 1"
settings.parse_limit.__name__ = "N[,SIZE]/SECONDS"
settings.parse_mode.__name__ = "mode"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="udsd",
        description="Receive datagrams on UNIX sockets and write each one to the systemd journal.",
        epilog="Sockets that systemd passes are used if there are any. DONE from root or from udsd's own user, "
        "SIGTERM and SIGINT end it.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--listen",
        metavar="[FORMAT:]PATH",
        action="append",
        help="bind this socket, @NAME for an abstract one; may be given several times. "
        f"FORMAT is {', '.join(formats.NAMES)} (default: {formats.DEFAULT}). "
        "Default: /run/udsd/udsd.sock for root, $XDG_RUNTIME_DIR/udsd/udsd.sock for others",
    )
    add("--mode", type=settings.parse_mode, help="permissions of the sockets, octal (default: 0666)")
    add(
        "--sink",
        choices=("auto", "journal", "console"),
        default="auto",
        help="where entries go; auto: to the journal if it is there or a service manager started udsd, "
        "else to the console",
    )
    add(
        "--output",
        metavar="FILE",
        help="append the lines of the console to this file, which SIGHUP opens again; implies --sink console",
    )
    add(
        "--stop-from",
        metavar="USER|@GROUP|none",
        action="append",
        help="whose DONE is obeyed; may be given several times (default: root and udsd's own user)",
    )
    add(
        "--rate-limit",
        metavar="N[,SIZE]/SECONDS|off",
        type=settings.parse_limit,
        default=DEFAULT_LIMIT,
        help="what each unit may send, or each user outside of units, in datagrams and bytes; the excess is dropped, "
        f"counted and reported (default: {DEFAULT_LIMIT.number},32M/{DEFAULT_LIMIT.seconds:g})",
    )
    add("--cmdline", action="store_true", help="store command lines of senders too, which can hold secrets")
    add(
        "--stats-interval",
        metavar="SECONDS",
        type=settings.parse_seconds,
        default=math.inf,
        help="log the counters every SECONDS, as at SIGUSR1 and at the end",
    )
    add("--metrics", metavar="FILE", help="keep the counters in this file too, for Prometheus' textfile collector")
    add(
        "--detach",
        action="store_true",
        help="go into the background once everything is ready; for start scripts, not for systemd",
    )
    add(
        "--pidfile",
        metavar="FILE",
        help="write the pid of the daemon there, and have at most one daemon run with this file",
    )
    add(
        "--check",
        action="store_true",
        help="say whether udsd could start with these options, sockets and files, and do nothing else",
    )
    add("--version", action="version", version=f"udsd {__version__}")
    return parser


def _config(options: argparse.Namespace) -> Config:
    """The settings of a command line. Raises UdsdError if they make no sense."""
    return Config(
        listens=tuple(settings.parse_listen(words) for words in options.listen or ()),
        mode=options.mode,
        sink=settings.sink_for(options.sink, options.output),
        output=None if options.output is None else os.path.abspath(options.output),
        stop_from=settings.stop_policy(options.stop_from),
        limit=options.rate_limit,
        cmdline=options.cmdline,
        interval=options.stats_interval,
        metrics=options.metrics,
        detach=options.detach,
        pidfile=options.pidfile,
    )


def _open_streams() -> None:
    """Open standard streams that are closed, so that no file or socket of ours gets the number of standard error."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115  (for good)


def main() -> int:
    """Run the daemon with the arguments of this process. Returns its exit status, one of sysexits.h."""
    _open_streams()
    try:
        options = _parser().parse_args(sys.argv[1:])
        config = _config(options)
        from udsd.daemon import startup  # raises UdsdError if systemd-python is missing

        if options.check:
            startup.check(config)
            sys.stdout.write("udsd can start with these options, sockets and files\n")
            return os.EX_OK
        return startup.run(config)
    except UdsdError as error:
        sys.stderr.write(explain("udsd", error))
        with suppress(UdsdError):  # without systemd-python there is no pause
            from udsd.service import failed_start

            failed_start.pause(str(error))
        return error.status
