"""The words of --listen, and the names that a socket can have."""

import os

import pytest

from udsd import address
from udsd.daemon import config
from udsd.errors import UdsdError


def set_or_delete(monkeypatch: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("/run/a.sock", "/run/a.sock"),
        ("a.sock", "a.sock"),
        ("./a.sock", "./a.sock"),
        ("@a", "@a"),
        ("/run/a:b", "/run/a:b"),
        ("/raw:a", "/raw:a"),
        ("./raw:a", "./raw:a"),
        ("../raw:a", "../raw:a"),
        (".raw:a", ".raw:a"),
        ("@raw:a", "@raw:a"),
        ("raw", "raw"),
        ("raw:/run/a.sock", "/run/a.sock"),
        ("raw:a", "a"),
        ("raw:@a", "@a"),
        ("raw:./a", "./a"),
        ("raw:raw:a", "raw:a"),
        ("raw::a", ":a"),
    ],
)
def test_words_name_a_path_and_how_it_is_read(words: str, path: str) -> None:
    found = config.parse_listen(words)
    assert found == (path, "raw" if words.startswith("raw:") else "auto")


@pytest.mark.parametrize("words", ["cooked:/run/a", "RAW:/run/a", " raw:/run/a", ":/run/a", ":", "a/b:c"])
def test_a_format_that_does_not_exist_is_an_error_with_a_way_out(words: str) -> None:
    with pytest.raises(UdsdError, match=r"there is no format .*; known: auto, raw, syslog, json, native") as error:
        config.parse_listen(words)
    assert error.value.status == os.EX_USAGE
    assert error.value.hint == f"if it is a part of the path, write ./{words}"


@pytest.mark.parametrize("words", ["", "@", "raw:", "raw:@", "a\0b", "raw:/a\0"])
def test_a_path_that_cannot_name_a_socket_is_an_error(words: str) -> None:
    with pytest.raises(UdsdError, match="cannot name a socket") as error:
        config.parse_listen(words)
    assert error.value.status == os.EX_USAGE


@pytest.mark.parametrize(
    ("uid", "folder", "path"),
    [
        (0, None, "/run/udsd/udsd.sock"),
        (0, "/run/user/0", "/run/udsd/udsd.sock"),
        (1000, "/run/user/1000", "/run/user/1000/udsd/udsd.sock"),
    ],
)
def test_the_default_depends_on_the_user(
    monkeypatch: pytest.MonkeyPatch, uid: int, folder: str | None, path: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    set_or_delete(monkeypatch, "XDG_RUNTIME_DIR", folder)
    assert config.default_listen().path == path


@pytest.mark.parametrize("folder", [None, ""])
def test_a_user_without_a_runtime_folder_has_no_default(monkeypatch: pytest.MonkeyPatch, folder: str | None) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    set_or_delete(monkeypatch, "XDG_RUNTIME_DIR", folder)
    with pytest.raises(UdsdError, match="systemd passed no socket, and XDG_RUNTIME_DIR is not set") as error:
        config.default_listen()
    assert error.value.status == os.EX_USAGE
    assert error.value.hint == "start the socket unit, or name a socket with --listen PATH"


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        ("/run/a.sock", b"/run/a.sock"),
        ("a", b"a"),
        ("@a", b"\0a"),
        ("@@", b"\0@"),
        ("/a@b", b"/a@b"),
        ("/ü", b"/\xc3\xbc"),
        ("/\udcff", b"/\xff"),
        ("a" * 107, b"a" * 107),
        ("@" + "a" * 106, b"\0" + b"a" * 106),
    ],
)
def test_a_name_and_its_address(path: str, encoded: bytes) -> None:
    assert address.encode(path) == encoded
    assert address.decode(encoded) == path


@pytest.mark.parametrize(
    ("given", "name"), [("/run/a", "/run/a"), ("/\udcff", "/\udcff"), ("", ""), (b"", ""), (b"\0a\0b", "@a\0b")]
)
def test_what_getsockname_gives_becomes_a_name(given: str | bytes, name: str) -> None:
    assert address.decode(given) == name


@pytest.mark.parametrize(
    ("path", "size"), [("a" * 108, 108), ("@" + "a" * 107, 108), ("/" + "ü" * 54, 109), ("a" * 5000, 5000)]
)
def test_a_name_that_is_too_long_is_an_error_that_states_the_limit(path: str, size: int) -> None:
    with pytest.raises(UdsdError, match=f"{size} bytes, the limit is 107; ") as error:
        address.encode(path)
    assert error.value.status == os.EX_USAGE
    assert error.value.hint


@pytest.mark.parametrize("path", ["", "@", "\0", "\0a", "/a\0", "@a\0"])
def test_a_name_that_no_address_can_hold_is_an_error(path: str) -> None:
    with pytest.raises(UdsdError, match="cannot name a socket") as error:
        address.encode(path)
    assert error.value.status == os.EX_USAGE
    assert error.value.hint == "give a path, or @name"
