"""The start of the daemon: `python3 -m udsd`, and the command `udsd`."""

import sys

from udsd.service import signals


def main() -> int:
    """Run the daemon with the arguments of this process. Returns its exit status, one of sysexits.h."""
    signals.hold()  # before the other modules are loaded, which takes a while
    from udsd.daemon import cli

    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
