"""`python3 -m udsd` is the daemon."""

import sys

from udsd.service import signals

signals.hold()

from udsd.daemon.cli import main  # noqa: E402  (takes a while)

sys.exit(main())
