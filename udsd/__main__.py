"""`python3 -m udsd` is the daemon."""

import sys

from udsd.daemon.cli import main

sys.exit(main())
