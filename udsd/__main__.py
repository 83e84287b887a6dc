"""The entry point of the daemon: `python3 -m udsd`, and the command `udsd`."""

import sys

from udsd.service import signals


def main() -> int:
    """Run the daemon with the arguments of this process. Returns its exit status, one of sysexits.h."""
    signals.hold()  # first, since a signal may come while the other modules are being imported
    from udsd.daemon import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
