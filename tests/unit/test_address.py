"""What a path says of the socket at it: who makes it, and whether it is one of udsd's."""

from pathlib import Path

import pytest

from udsd import address


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/run/udsd/udsd.sock", "udsd.socket"),
        ("/run/udsd/json.sock", "udsd-format@json.socket"),
        ("/run/udsd.web/udsd.sock", "udsd@web.socket"),
        ("/run/user/7/udsd/udsd.sock", "--user udsd.socket"),
        ("/run/user/8/udsd/udsd.sock", ""),
        ("/run/myapp/log.sock", ""),
        ("@udsd", ""),
        ("", ""),
    ],
)
def test_the_unit_that_makes_a_socket(path: str, unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert address.unit_of(path) == unit


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/run/udsd/udsd.sock", True),
        ("/host/run/udsd.web/udsd.sock", True),
        ("udsd/json.sock", True),
        ("echo.socket", False),
        ("/run/myapp/udsd.sock", False),
        ("/run/udsdx/udsd.sock", False),
        ("@udsd", False),
    ],
)
def test_sockets_in_directories_of_udsd(path: str, ours: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert address.is_ours(path) == ours


def test_a_socket_that_udsd_has_bound_has_a_lock_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "log.sock"
    assert not address.is_ours(str(path))
    (tmp_path / "log.sock.lock").touch()
    assert address.is_ours(str(path))
