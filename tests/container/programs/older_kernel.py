"""Run a command on a kernel that lacks some options of sockets: older_kernel.py OPTION... -- COMMAND...

An option is a number of socket(7) at the level SOL_SOCKET. To set it fails as it does on a kernel that does not know
it, for the command and all that it starts. Nothing else changes. This takes a filter of system calls (seccomp(2)), and
so root or NoNewPrivileges=yes.
"""

import ctypes
import errno
import os
import socket
import struct
import sys

SETSOCKOPT = {"x86_64": 54, "aarch64": 208}[os.uname().machine]

# A filter is instructions of BPF over the struct seccomp_data: the call's number at 0, its arguments from 16 on.
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, LEVEL, OPTION = 0, 16 + 8, 16 + 16
ALLOW, FAIL = 0x7FFF0000, 0x00050000
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2


def instruction(code: int, value: int, if_equal: int = 0, if_not: int = 0) -> bytes:
    """One instruction; a jump passes over so many of the next ones."""
    return struct.pack("=HBBI", code, if_equal, if_not, value)


def program(options: list[int]) -> bytes:
    """The filter: the last instruction but one lets pass, the last refuses."""
    count = len(options)
    tests = [instruction(JUMP_IF_EQUAL, option, if_equal=count - number) for number, option in enumerate(options)]
    return b"".join(
        [
            instruction(LOAD, NUMBER),
            instruction(JUMP_IF_EQUAL, SETSOCKOPT, if_not=count + 3),
            instruction(LOAD, LEVEL),
            instruction(JUMP_IF_EQUAL, socket.SOL_SOCKET, if_not=count + 1),
            instruction(LOAD, OPTION),
            *tests,
            instruction(RETURN, ALLOW),
            instruction(RETURN, FAIL | errno.ENOPROTOOPT),
        ]
    )


def load(instructions: bytes) -> None:
    kept = ctypes.create_string_buffer(instructions, len(instructions))
    # struct sock_fprog: a number and, where a pointer may begin, a pointer.
    described = struct.pack("@HP", len(instructions) // 8, ctypes.addressof(kept))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, described, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no filter")


end = sys.argv.index("--")
options = [int(word) for word in sys.argv[1:end]]
load(program(options))
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    for option in options:
        try:
            probe.setsockopt(socket.SOL_SOCKET, option, 0)
        except OSError as error:
            if error.errno == errno.ENOPROTOOPT:
                continue
            raise
        sys.exit(f"the kernel still has option {option}")
os.execv(sys.argv[end + 1], sys.argv[end + 1 :])
