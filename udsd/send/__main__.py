"""`python3 -m udsd.send` is the client."""

import sys

from udsd.send.cli import main

sys.exit(main())
