"""One target under atheris: python -m tests.fuzz.engine TARGET [OPTIONS AND FOLDERS OF LIBFUZZER...].

New inputs are written to the first of the folders. The exit status is not 0 where a promise is broken; the input that
breaks it is written to where `-artifact_prefix=` says.
"""

import os
import sys

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]  # missing where it has no wheels

with atheris.instrument_imports(include=["udsd", "tests.fuzz"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until an option says that it is enough."""
    target = TARGETS[sys.argv[1]]
    dictionary = os.memfd_create("dictionary")  # a file would be left: the process ends within Fuzz()
    for token in target.tokens:
        escaped = "".join(f"\\x{byte:02x}" for byte in token)
        os.write(dictionary, f'"{escaped}"\n'.encode())
    atheris.Setup([sys.argv[0], f"-dict=/proc/self/fd/{dictionary}", *sys.argv[2:]], target.check)
    atheris.Fuzz()


main()
