"""Units from the paths of control groups."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udsd.senders import cgroup
from udsd.senders.cgroup import CgroupPaths, path_in

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
        (b"0::/../app.service\n", None),
        (b"9:name=systemd:/\n0::/../../machine.slice/a.scope\n", None),
        (b"0::/a.service/.. (deleted)\n", "/a.service/.. (deleted)"),
        ("0::/a.service/x\x0by\x1c\x85\u2028z\n".encode(), "/a.service/x\x0by\x1c\x85\u2028z"),
        (b"no colon at all\n0:one\n0::/a.service\n", "/a.service"),
    ],
)
def test_the_group_in_which_systemd_keeps_a_process(table: bytes, path: str | None) -> None:
    assert path_in(table) == path


def test_a_tree_deeper_than_any_recursion_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cgroup.procs").touch()
    deepest = tmp_path
    for _ in range(1200):
        deepest /= "d"
        os.mkdir(deepest)
    monkeypatch.setattr("udsd.senders.cgroup.ROOTS", (str(tmp_path),))
    paths = CgroupPaths()
    assert paths.path(deepest.stat().st_ino) == "/d" * 1200
    assert paths.path(1 << 62) is None
    while deepest != tmp_path:  # what clears the folder away later does it by recursion
        deepest.rmdir()
        deepest = deepest.parent


class Tree:
    """A tree of control groups by a clock of its own, on which reading a folder takes `cost` seconds, all else none."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 1000.0
        self.cost = 0.0
        self.read = 0  # folders
        self._scandir = os.scandir
        (root / "cgroup.procs").touch()

    def group(self, name: str) -> int:
        """Make a group; its id."""
        (self.root / name).mkdir()
        return (self.root / name).stat().st_ino

    def monotonic(self) -> float:
        return self.now

    def scandir(self, path: str) -> object:
        self.read += 1
        self.now += self.cost
        return self._scandir(path)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """One without a group, which is taken for the system's."""
    tree = Tree(tmp_path)
    monkeypatch.setattr("udsd.senders.cgroup.ROOTS", (str(tmp_path),))
    monkeypatch.setattr("udsd.senders.cgroup.time", tree)
    monkeypatch.setattr("udsd.senders.cgroup.os.scandir", tree.scandir)
    return tree


def test_a_group_that_is_gone_is_looked_for_once(tree: Tree) -> None:
    paths = CgroupPaths()
    assert [paths.path(1 << 62) for _ in range(10)] == [None] * 10
    assert tree.read == 1
    paths.learn(1 << 62, "/a.service")
    assert paths.path(1 << 62) == "/a.service"


def test_a_path_is_learned_only_if_the_group_is_there(tree: Tree, tmp_path: Path) -> None:
    paths, group, root = CgroupPaths(), tree.group("a.service"), tmp_path.stat().st_ino
    tree.group("b.service")
    for path in ("/b.service", "/gone.service"):
        paths.learn_if_true(group, path)
        assert paths.known(group) is None
    paths.learn_if_true(root, "/")  # where systemd uses a cgroup1 hierarchy, processes of any unit are here
    assert paths.known(root) is None
    paths.learn_if_true(group, "/a.service")
    assert paths.known(group) == "/a.service"


def test_of_groups_that_are_gone_no_more_are_kept_than_of_others(tree: Tree) -> None:
    paths, group = CgroupPaths(), tree.group("a.service")
    assert paths.path(group) == "/a.service"
    for other in range(2000):
        assert paths.path((1 << 62) + other) is None
    read = tree.read
    assert paths.path(group) == "/a.service"
    assert tree.read == read + 1


def test_many_groups_of_which_the_daemon_hears_at_once_are_found(tree: Tree) -> None:
    tree.cost = 0.005
    groups = {tree.group(f"{number}.service"): f"/{number}.service" for number in range(150)}
    paths = CgroupPaths()
    assert {group: paths.path(group) for group in groups} == groups


@pytest.mark.parametrize("cost", [0.001, 0.25, 3.0])
def test_looking_for_groups_takes_a_small_share_of_the_time(tree: Tree, cost: float) -> None:
    tree.cost = cost
    paths, unknown = CgroupPaths(), 1 << 62
    for until in (1500.0, 2000.0):
        began, tree.read = tree.now, 0
        while tree.now < until:
            unknown += 1
            assert paths.path(unknown) is None
            tree.now += 0.01
        spent, share = tree.read * cost, (tree.now - began) / 20
        assert share - 1.0 - cost < spent < share + 1.0 + cost


def test_a_group_that_there_was_no_time_to_look_for_is_looked_for_again(tree: Tree) -> None:
    tree.cost = 1.0
    paths, group = CgroupPaths(), tree.group("a.service")
    assert paths.path(1 << 62) is None
    read = tree.read
    assert paths.path(group) is None
    assert tree.read == read
    tree.now += read * 20
    assert paths.path(group) == "/a.service"
