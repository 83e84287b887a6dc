"""The picture of a terminal in the README, from a real run: python3 -m tests.container.picture

It boots a machine with nothing but systemd, sets udsd up there from a copy of this checkout, logs, and writes
packaging/terminal.svg. test_readme.py runs the same commands and compares.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.container.images import BARE
from tests.container.machines import Machine, booted
from tests.source import TOP

PICTURE = TOP / "packaging/terminal.svg"
SET_UP = "packaging/quickstart"
COMMANDS = (
    "systemd-run -q --unit=backup udsd-send -t backup -p warning -F VOLUME=/srv 'no space left'",
    "journalctl OBJECT_SYSTEMD_UNIT=backup.service",
    "journalctl OBJECT_SYSTEMD_UNIT=backup.service -o verbose | grep '^    [A-Z]'",
)

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_COLUMNS = 92
_LINE = 18  # px
_CHARACTER = 7.8  # px, the width of most fonts at this size
_PAD = 14
_TITLE = "A terminal: the set-up, a message of a unit, its entry, and the fields of the entry"
_STYLE = """
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: #1f2328; white-space: pre }
.typed { font-weight: 600 } .prompt { fill: #1a7f37 } .warning { fill: #9a6700 }
rect { fill: #f6f8fa; stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .prompt { fill: #3fb950 } .warning { fill: #d29922 }
  rect { fill: #0d1117; stroke: #3d444d }
}
"""


@contextmanager
def with_checkout(suite: str) -> Iterator[Machine]:
    """A machine with nothing but systemd, which sees a copy of this checkout as /host/udsd."""
    with booted(suite, BARE, binds=["systemd.hostname=debian"]) as machine:
        left = shutil.ignore_patterns(".git", ".*_cache", "__pycache__", "dist", "build")
        shutil.copytree(TOP, machine.shared / "udsd", ignore=left)
        # Where the host reaches PyPI through a proxy with a certificate of its own, the machine does too.
        if _CERTIFICATES.exists():
            shutil.copy(_CERTIFICATES, machine.shared)
            machine.run("tee", "/etc/pip.conf", stdin=f"[global]\ncert = /host/{_CERTIFICATES.name}\n".encode())
        yield machine


def on_terminal(machine: Machine, command: str) -> list[str]:
    """The lines that a command shows on a terminal, colours included, wrapped like there."""
    inside = f"stty cols {_COLUMNS} && cd /host/udsd && export TERM=xterm SYSTEMD_PAGER=cat && {command}"
    shown = machine.text("script", "--quiet", "--return", "--command", inside, "/dev/null")
    return [part for line in shown.splitlines() for part in _wrapped(line)]


def _wrapped(line: str) -> list[str]:
    if "\x1b" in line:
        return [line]
    return [line[at : at + _COLUMNS] for at in range(0, max(len(line), 1), _COLUMNS)]


def session(machine: Machine, set_up: Sequence[str]) -> list[str]:
    """All lines of the session, the prompts included; `set_up` are those of the first command."""
    lines = [f"# {SET_UP} | grep ==", *(part for line in set_up for part in _wrapped(line))]
    for command in COMMANDS:
        lines += [f"# {command}", *on_terminal(machine, command)]
        if "systemd-run" in command:
            machine.wait_for("OBJECT_SYSTEMD_UNIT=backup.service")
    return lines


def plain(line: str) -> str:
    """A line without its colours."""
    return re.sub(r"\x1b(\[[0-9;:]*[A-Za-z]|\]8;;[^\x07\x1b]*(\x07|\x1b\\))", "", line).rstrip("\r")


def same(lines: Sequence[str]) -> list[str]:
    """The lines without what differs from run to run: numbers, months, and the name of a process that ends at once."""
    certain = [plain(line) for line in lines if "OBJECT_COMM=" not in line]
    return [re.sub(r"[0-9]+", "0", re.sub(r"^[A-Z][a-z]{2} +", "", line)) for line in certain]


def svg(lines: Sequence[str]) -> str:
    """The picture of these lines."""
    width, height = round(_COLUMNS * _CHARACTER) + 2 * _PAD, len(lines) * _LINE + 2 * _PAD
    body = [f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="6"/>']
    for number, line in enumerate(lines):
        text, where = escape(plain(line)), f'x="{_PAD}" y="{_PAD + 13 + number * _LINE}"'
        if line.startswith("# "):
            body.append(f'<text {where} class="typed"><tspan class="prompt"># </tspan>{text[2:]}</text>')
        else:
            kind = ' class="warning"' if "\x1b[" in line else ""
            body.append(f"<text {where}{kind}>{text}</text>")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        ' xml:space="preserve" role="img">\n'
        f"<title>{_TITLE}</title>\n<style>{_STYLE}</style>\n" + "\n".join(body) + "\n</svg>\n"
    )


def shown_in_picture() -> list[str]:
    """The lines of the picture that is in the README."""
    texts = ElementTree.parse(PICTURE).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(text.itertext()) for text in texts]


if __name__ == "__main__":
    with with_checkout("trixie") as machine:
        PICTURE.write_text(svg(session(machine, on_terminal(machine, f"{SET_UP} | grep =="))))
