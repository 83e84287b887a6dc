"""The commands of udsd(8), section TROUBLESHOOTING, as they stand there, on a machine where all of it has happened."""

import re

from tests.container.machines import Machine
from tests.source import TOP

_PAGE = (TOP / "packaging/man/udsd.8.scd").read_text()
_LIMIT = 10

# What each paragraph's commands must show, all together.
_SHOWN = {
    "Nothing arrives": ["Active: active", "MESSAGE=hello from ", "told by myapp"],
    "The sender is refused": ["active\n", "srw-rw-rw-"],
    "The sender waits": ["StatusText=received ", "systemd-journald", "\nQUEUE_LENGTH\n"],
    "The unit is missing or wrong": ["StatusText=", "    OBJECT_PID=", "    UDSD_SOCKET="],
    "Too much": ["busiest since ", "flood.service 30 (20 dropped)", "UDSD_ACCOUNT=flood.service", "UDSD_DROPPED=20"],
    "Is anything lost?": ["UDSD_RECEIVED=", "UDSD_BUSIEST=30 flood.service"],
}


def paragraphs() -> dict[str, str]:
    """The commands below each heading of the section."""
    section = re.search(r"^# TROUBLESHOOTING$(.*?)^# ", _PAGE, re.MULTILINE | re.DOTALL)
    assert section
    found = re.findall(r"^\*([^*\n]+)\*\n\t.*?^```\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    return dict(found)


def test_the_commands_of_troubleshooting_tell_what_the_page_says(machine: Machine) -> None:
    machine.options(f"--rate-limit={_LIMIT}/5")
    for unit, payloads in (("myapp", [b"told by myapp"]), ("flood", [b"flood"] * 30)):
        frames = machine.program("send_frames", "--notify", machine.frames(payloads, unit))
        machine.run("systemd-run", "--quiet", "--service-type=notify", f"--unit={unit}", *frames)
    machine.wait_for("UDSD_DROPPED=20")
    assert paragraphs().keys() == _SHOWN.keys()
    # Backwards: so the last entry is udsd's own when a paragraph wants the last one of a sender.
    for heading, commands in reversed(paragraphs().items()):
        shown = machine.text("bash", "-euc", commands) + "\n"
        for text in _SHOWN[heading]:
            expected = text.replace("QUEUE_LENGTH", str(machine.queue_length))
            assert expected in shown, (heading, expected, shown)
