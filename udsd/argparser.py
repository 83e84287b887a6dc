"""An argument parser whose errors are the package's own, with status EX_USAGE of sysexits.h."""

import argparse
import os
from typing import NoReturn

from udsd.errors import UdsdError


class Parser(argparse.ArgumentParser):
    """Raises UdsdError instead of printing a usage message and exiting with 2."""

    def error(self, message: str) -> NoReturn:
        """Raise UdsdError for a command line that cannot be parsed."""
        raise UdsdError(message, hint=f"{self.prog} --help lists the options", status=os.EX_USAGE)
