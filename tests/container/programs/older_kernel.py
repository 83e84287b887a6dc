"""Run a command on a kernel that lacks something: older_kernel.py WHAT... -- COMMAND...

WHAT is a name in LACKS. To ask for it fails as it does on a kernel that does not know it, for the command and all that
it starts. Nothing else changes. This takes filters of system calls (seccomp(2)), and so root or NoNewPrivileges=yes.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
import sys

SETSOCKOPT = {"x86_64": 54, "aarch64": 208}[os.uname().machine]
IOCTL = {"x86_64": 16, "aarch64": 29}[os.uname().machine]

# Each call that fails: its number, the values of its arguments by their places, and the error.
LACKS = {
    "PASSPIDFD": (SETSOCKOPT, {1: socket.SOL_SOCKET, 2: 76}, errno.ENOPROTOOPT),  # before Linux 6.5
    "PIDFD_GET_INFO": (IOCTL, {1: 0xC040FF0B}, errno.ENOTTY),  # 6.13
    "PASSRIGHTS": (SETSOCKOPT, {1: socket.SOL_SOCKET, 2: 83}, errno.ENOPROTOOPT),  # 6.16
}

# A filter is instructions of BPF over the struct seccomp_data: the call's number at 0, its arguments from 16 on.
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2


def instruction(code: int, value: int, if_equal: int = 0, if_not: int = 0) -> bytes:
    """One instruction; a jump passes over so many of the next ones."""
    return struct.pack("=HBBI", code, if_equal, if_not, value)


def program(call: int, arguments: dict[int, int], error: int) -> bytes:
    """The filter: a call that is another one in any respect passes, at the last instruction but one."""
    wanted = [(0, call), *((16 + 8 * place, value) for place, value in arguments.items())]
    made = []
    for number, (offset, value) in enumerate(wanted):
        left = len(wanted) - number - 1
        made += [instruction(LOAD, offset), instruction(JUMP_IF_EQUAL, value, if_equal=not left, if_not=2 * left)]
    return b"".join([*made, instruction(RETURN, ALLOW), instruction(RETURN, FAIL | error)])


def load(instructions: bytes) -> None:
    kept = ctypes.create_string_buffer(instructions, len(instructions))
    # struct sock_fprog: a number and, where a pointer may begin, a pointer.
    described = struct.pack("@HP", len(instructions) // 8, ctypes.addressof(kept))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, described, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no filter")


def ask(call: int, arguments: dict[int, int]) -> None:
    """Make the call, of a kind that a kernel that knows it answers otherwise."""
    if call == IOCTL:
        pidfd = os.pidfd_open(os.getpid())
        fcntl.ioctl(pidfd, arguments[1], bytearray(64))
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        probe.setsockopt(arguments[1], arguments[2], 0)


end = sys.argv.index("--")
for name in sys.argv[1:end]:
    call, arguments, error = LACKS[name]
    load(program(call, arguments, error))
    try:
        ask(call, arguments)
    except OSError as problem:
        if problem.errno == error:
            continue
        raise
    sys.exit(f"the kernel still has {name}")
os.execv(sys.argv[end + 1], sys.argv[end + 1 :])
