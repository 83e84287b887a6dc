"""The units in systemd/: each template differs from udsd.service or udsd.socket only in the lines listed here."""

import difflib

import pytest

from tests.source import TOP

_FORMAT_SERVICE = """
-Description=Datagrams to the Journal
+Description=Datagrams to the Journal, Format %i
-Wants=udsd.socket
-After=udsd.socket
+Wants=udsd-format@%i.socket
+After=udsd-format@%i.socket
"""
_FORMAT_SOCKET = """
-Description=Datagrams to the Journal, Socket
+Description=Datagrams to the Journal, Socket for Format %i
-ListenDatagram=/run/udsd/udsd.sock
-FileDescriptorName=auto
+ListenDatagram=/run/udsd/%i.sock
+FileDescriptorName=%i
"""
_NAMESPACE_SERVICE = """
-Description=Datagrams to the Journal
+Description=Datagrams to the Journal, Namespace %i
-Wants=udsd.socket
-After=udsd.socket
+Wants=udsd@%i.socket
+After=udsd@%i.socket
-# Ordinary services stop before basic.target does, and udsd after it. So udsd stores what they send while they stop.
-DefaultDependencies=no
-After=sysinit.target
-Before=basic.target shutdown.target
-Conflicts=shutdown.target
+# The journald of a namespace stops together with ordinary services, so udsd has to stop with them, before it.
+After=systemd-journald@%i.service
+LogNamespace=%i
"""
_NAMESPACE_SOCKET = """
-Description=Datagrams to the Journal, Socket
+Description=Datagrams to the Journal, Socket, Namespace %i
-ListenDatagram=/run/udsd/udsd.sock
+ListenDatagram=/run/udsd.%i/udsd.sock
-RuntimeDirectory=udsd
+RuntimeDirectory=udsd.%i
"""


def lines(unit: str) -> list[str]:
    """All lines of a unit that are not empty, comments included, but for the comment at the top."""
    text = (TOP / "systemd" / unit).read_text()
    return [line for line in text[text.index("[Unit]") :].splitlines() if line]


@pytest.mark.parametrize(
    ("variant", "base", "difference"),
    [
        ("udsd-format@.service", "udsd.service", _FORMAT_SERVICE),
        ("udsd-format@.socket", "udsd.socket", _FORMAT_SOCKET),
        ("udsd@.service", "udsd.service", _NAMESPACE_SERVICE),
        ("udsd@.socket", "udsd.socket", _NAMESPACE_SOCKET),
    ],
)
def test_a_template_differs_in_these_lines_only(variant: str, base: str, difference: str) -> None:
    diff = list(difflib.unified_diff(lines(base), lines(variant), n=0, lineterm=""))[2:]
    assert [line for line in diff if not line.startswith("@@")] == difference.split("\n")[1:-1]
