"""The limits of formats, against a real journald: what udsd lets through it stores, whole."""

import json

from tests.container.machines import Machine
from udsd.formats.text import MOST_FIELDS

_JSON, _NATIVE = "/run/udsd/json.sock", "/run/udsd/native.sock"
_MEBIBYTE = 1 << 20


def own(entry: dict[str, bytes]) -> dict[str, bytes]:
    """The fields that neither journald nor udsd has added."""
    return {name: value for name, value in entry.items() if not name.startswith(("_", "OBJECT_", "UDSD_"))}


def frames(machine: Machine, socket: str, payloads: list[bytes]) -> None:
    machine.run(*machine.program("send_frames", machine.frames(payloads), socket))


def test_as_many_fields_as_are_let_through_are_stored(machine: Machine) -> None:
    machine.run("systemctl", "start", "udsd-format@json.socket", "udsd-format@native.socket")
    name = "N" * 60
    most = {f"{name}{number:04}": b"%d" % number for number in range(MOST_FIELDS - 2)}
    given = {"MESSAGE": b"most", "PRIORITY": b"3", **most}
    one_more = {**given, "MESSAGE": b"one more", "ONE_MORE": b"1"}
    for socket, encode in ((_NATIVE, native), (_JSON, as_json)):
        frames(machine, socket, [encode(given), encode(one_more)])
        machine.wait_for(f"UDSD_SOCKET={socket}", "UDSD_MALFORMED=too many fields: more than 128")
        whole, refused = machine.datagrams(f"UDSD_SOCKET={socket}")
        stored = own(whole)
        del stored["SYSLOG_IDENTIFIER"], stored["SYSLOG_PID"]  # of the process
        assert stored == given
        assert refused["MESSAGE"] == encode(one_more).removesuffix(b"\n")
        assert name + "0000" not in refused


def native(fields: dict[str, bytes]) -> bytes:
    return b"".join(name.encode() + b"=" + value + b"\n" for name, value in fields.items())


def as_json(fields: dict[str, bytes]) -> bytes:
    return json.dumps({name: value.decode() for name, value in fields.items()}).encode()
