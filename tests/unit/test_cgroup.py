"""Units from the paths of control groups."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udsd import cgroup
from udsd.process import CgroupPaths, cgroup_path

USER = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/system.slice/app.service", {"UNIT": "app.service", "SLICE": "system.slice"}),
        ("/system.slice/app.service/child/deeper", {"UNIT": "app.service", "SLICE": "system.slice"}),
        ("/system.slice/app.service/system.slice/other.service", {"UNIT": "app.service", "SLICE": "system.slice"}),
        ("/a.slice/a-b.slice/app@x.service", {"UNIT": "app@x.service", "SLICE": "a-b.slice"}),
        (
            "/system.slice/system-getty.slice/getty@tty1.service",
            {"UNIT": "getty@tty1.service", "SLICE": "system-getty.slice"},
        ),
        ("/init.scope", {"UNIT": "init.scope", "SLICE": "-.slice"}),
        ("/system.slice/_cgroup.service", {"UNIT": "cgroup.service", "SLICE": "system.slice"}),
        ("/system.slice/dev-hugepages.mount", {"UNIT": "dev-hugepages.mount", "SLICE": "system.slice"}),
        ("/system.slice/a\\x2db.service", {"UNIT": "a\\x2db.service", "SLICE": "system.slice"}),
        (
            "/user.slice/user-1000.slice/session-3.scope",
            {"UNIT": "session-3.scope", "SLICE": "user-1000.slice", "OWNER_UID": "1000", "SESSION": "3"},
        ),
        (
            f"{USER}/app.slice/app.service",
            {"UNIT": "user@1000.service", "SLICE": "user-1000.slice", "OWNER_UID": "1000", "USER_UNIT": "app.service"},
        ),
        (
            f"{USER}/init.scope",
            {"UNIT": "user@1000.service", "SLICE": "user-1000.slice", "OWNER_UID": "1000", "USER_UNIT": "init.scope"},
        ),
        (
            f"{USER}/system.slice/sshd.service",
            {"UNIT": "user@1000.service", "SLICE": "user-1000.slice", "OWNER_UID": "1000", "USER_UNIT": "sshd.service"},
        ),
        (f"{USER}", {"UNIT": "user@1000.service", "SLICE": "user-1000.slice", "OWNER_UID": "1000"}),
        (
            "/machine.slice/systemd-nspawn@c.service/payload/system.slice/app.service",
            {"UNIT": "systemd-nspawn@c.service", "SLICE": "machine.slice"},
        ),
        ("/system.slice", {"SLICE": "system.slice"}),
        ("/docker/0123456789abcdef", {}),
        ("/system.slice/not a unit.service", {"SLICE": "system.slice"}),
        ("/", {}),
    ],
)
def test_the_outermost_unit_counts(path: str, told: dict[str, str]) -> None:
    expected = {f"OBJECT_SYSTEMD_{name}": value.encode() for name, value in told.items()}
    assert dict(cgroup.fields_of(path)) == {"OBJECT_SYSTEMD_CGROUP": path.encode(), **expected}


def test_what_looks_like_the_kernels_mark_of_a_group_that_is_gone_makes_no_other_groups_path() -> None:
    fields = dict(cgroup.fields_of("/system.slice/a.service (deleted)"))
    assert fields["OBJECT_SYSTEMD_CGROUP"] == b"/system.slice/a.service (deleted)"
    assert "OBJECT_SYSTEMD_UNIT" not in fields
    below = dict(cgroup.fields_of("/system.slice/a.service/.. (deleted)"))
    assert below["OBJECT_SYSTEMD_UNIT"] == b"a.service"


@pytest.mark.parametrize("path", ["", "/../app.service", "/../../system.slice/app.service", "system.slice/app.service"])
def test_a_path_out_of_our_view_says_nothing(path: str) -> None:
    assert cgroup.fields_of(path) == ()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_path_is_read_without_an_error(path: str) -> None:
    assert all(value for _, value in cgroup.fields_of("/" + path))


@pytest.mark.parametrize(
    ("table", "path"),
    [
        (b"0::/system.slice/app.service\n", "/system.slice/app.service"),
        (b"12:pids:/x\n1:name=systemd:/system.slice/app.service\n0::/\n", "/system.slice/app.service"),
        (b"9:name=systemd:/\n8:pids:/\n0::/system.slice/app.service\n", "/system.slice/app.service"),
        (b"1:name=systemd:/a.service\n0::/a.service\n", "/a.service"),
        (b"1:name=systemd:/a.service\n", "/a.service"),
        (b"0::/with:colon\n", "/with:colon"),
        (b"0::/\n", "/"),
        (b"", None),
        ("0::/a.service/x\x0by\x1c\x85\u2028z\n".encode(), "/a.service/x\x0by\x1c\x85\u2028z"),
        (b"no colon at all\n0:one\n0::/a.service\n", "/a.service"),
    ],
)
def test_the_group_in_which_systemd_keeps_a_process(table: bytes, path: str | None) -> None:
    assert cgroup_path(table) == path


def test_a_tree_deeper_than_any_recursion_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroup.procs").touch()
    deepest = tmp_path
    for _ in range(1200):
        deepest /= "d"
        os.mkdir(deepest)
    monkeypatch.setattr("udsd.process._CGROUP_ROOTS", (str(tmp_path),))
    paths = CgroupPaths()
    assert paths.path(deepest.stat().st_ino) == "/d" * 1200
    assert paths.path(1 << 62) is None
    while deepest != tmp_path:  # what clears the folder away later does it by recursion
        deepest.rmdir()
        deepest = deepest.parent
