"""An argument parser whose errors are the package's own: sysexits' EX_USAGE, and where to read more."""

import argparse
import os
from typing import NoReturn

from udsd.errors import UdsdError


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake on the command line raises UdsdError."""

    def error(self, message: str) -> NoReturn:
        """Raise UdsdError for a command line that cannot be read."""
        raise UdsdError(message, hint=f"{self.prog} --help tells what there is", status=os.EX_USAGE)
