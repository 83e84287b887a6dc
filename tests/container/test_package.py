"""The Debian package, built and looked at by the tools of each suite, and used there from install to purge."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.images import READY, USERS, copied, image
from tests.container.load import caged, check, load
from tests.container.machines import Machine, booted, build_needs, build_package, install, run_in_root
from tests.container.needs import make_image
from tests.source import TOP
from udsd import __version__

pytestmark = pytest.mark.one_machine

_DEBIAN = TOP / "packaging/debian"

_LINTIAN = ("lintian",)
_WITHOUT_SYSTEMD = ("python3-systemd", "python3-daemon", "systemd-standalone-sysusers")
_RPM = ("rpm", "python3-setuptools", "python3-wheel", "scdoc")
_OLDER = "0.1.0"
_AFTER_INSTALL = (  # as the README has it
    "systemd-sysusers; journalctl --update-catalog; systemctl daemon-reload; systemctl enable --now udsd.socket"
)

_DOC = "/usr/share/doc/udsd"
_MODULES = "/usr/lib/python3/dist-packages/udsd"
_CATALOG = TOP / "systemd/udsd.catalog"
_FILES = {
    "/usr/bin/udsd",
    "/usr/bin/udsd-send",
    "/usr/lib/sysctl.d/60-udsd.conf",
    "/usr/lib/systemd/catalog/udsd.catalog",
    "/usr/lib/systemd/user/udsd.service",
    "/usr/lib/systemd/user/udsd.socket",
    "/usr/lib/sysusers.d/udsd.conf",
    "/usr/share/bash-completion/completions/udsd",
    "/usr/share/bash-completion/completions/udsd-send",
    "/usr/share/fish/vendor_completions.d/udsd.fish",
    "/usr/share/fish/vendor_completions.d/udsd-send.fish",
    "/usr/share/zsh/vendor-completions/_udsd",
    "/usr/share/zsh/vendor-completions/_udsd-send",
    *(f"/usr/share/man/man{page.stem[-1]}/{page.stem}.gz" for page in (TOP / "packaging/man").glob("*.scd")),
}
_EXAMPLES = {f"{_DOC}/examples/{example.name}" for example in (TOP / "systemd/examples").iterdir()}
_UNITS = {f"udsd{kind}.{suffix}" for kind in ("", "@", "-format@") for suffix in ("service", "socket")}
_UNITS_FOLDER = {
    "bookworm": "/lib/systemd/system",
    "trixie": "/usr/lib/systemd/system",
    "sid": "/usr/lib/systemd/system",
}

# What dpkg, apt and useradd keep of their own, whatever is installed and purged.
_NOT_OURS = "/var/(lib/apt|lib/dpkg|cache/apt|cache/debconf|log)/|/etc/(passwd|group|shadow|gshadow)-? "

# What the spec file uses of Fedora's macros. Scripts are left out: debhelper's are tested, and Fedora's need Fedora.
_MACROS = """
%python3 /usr/bin/python3
%python3_sitelib /usr/lib/python3/dist-packages
%_docdir /usr/share/doc
%_unitdir /usr/lib/systemd/system
%_userunitdir /usr/lib/systemd/user
%_sysusersdir /usr/lib/sysusers.d
%_sysctldir /usr/lib/sysctl.d
%_journalcatalogdir /usr/lib/systemd/catalog
%bash_completions_dir /usr/share/bash-completion/completions
%fish_completions_dir /usr/share/fish/vendor_completions.d
%zsh_completions_dir /usr/share/zsh/site-functions
%systemd_post() %{nil}
%systemd_user_post() %{nil}
%systemd_preun() %{nil}
%systemd_user_preun() %{nil}
%systemd_postun_with_restart() %{nil}
"""


@pytest.fixture(scope="module")
def native(suite: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb of this checkout built on the suite itself; beside it is what else was built."""
    for packages in (USERS, _LINTIAN, _WITHOUT_SYSTEMD, _RPM, build_needs(TOP)):
        make_image(suite, packages)
    return build_package(TOP, tmp_path_factory.mktemp(suite), suite)


@pytest.fixture
def plain(suite: str) -> Iterator[Machine]:
    """A machine without udsd, where users have service managers of their own."""
    with booted(suite, USERS) as fresh:
        yield fresh


def test_lintian_finds_neither_errors_nor_warnings(suite: str, native: Path) -> None:
    # Standards-Version is that of sid, so older suites do not know it.
    unknown = "" if suite == "sid" else "--suppress-tags=newer-standards-version "
    command = f"lintian --pedantic --allow-root --fail-on error,warning {unknown}/built/*.changes"
    said = run_in_root(image(suite, _LINTIAN), command, binds=[f"--bind-ro={native.parent}:/built"])
    sys.stdout.write(f"{suite}: {said}")


def test_it_installs_and_runs_where_systemd_is_not(suite: str, native: Path) -> None:
    command = """set -e
        dpkg --install /built/*.deb
        ! command -v systemctl
        id udsd
        udsd --detach --pidfile=/run/udsd.pid --output=/var/log/udsd.log
        pid=$(cat /run/udsd.pid)
        udsd-send hello
        udsd-send DONE
        timeout 60 tail --pid="$pid" --follow /dev/null
        cat /var/log/udsd.log
    """
    said = run_in_root(image(suite, _WITHOUT_SYSTEMD), command, binds=[f"--bind-ro={native.parent}:/built"])
    assert re.search(r" (udsd-send|unknown)\[\d+\]: hello$", said, re.MULTILINE), said


def test_the_same_checkout_gives_the_same_bytes(suite: str, native: Path, tmp_path: Path) -> None:
    elsewhere = "umask 077; export TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 HOME=/nowhere"
    build_package(TOP, tmp_path, suite, setting=elsewhere)
    first, second = ({file.name: file.read_bytes() for file in built.iterdir()} for built in (native.parent, tmp_path))
    for name in (name for name in first if name.endswith((".deb", ".dsc", ".tar.xz"))):
        assert first[name] == second[name], f"{suite}: {name} differs"


def put_in_place(suite: str, folder: Path, prefix: str) -> set[str]:
    """What packaging/install puts below the folder, and prints."""
    said = run_in_root(
        image(suite, build_needs(TOP)),
        f"cp -r /source /tmp/udsd && DESTDIR=/target PREFIX={prefix} /tmp/udsd/packaging/install",
        binds=(f"--bind-ro={TOP}:/source", f"--bind={folder}:/target"),
    )
    files = set(said.splitlines())
    assert files == {f"/{file.relative_to(folder)}" for file in folder.rglob("*") if file.is_file()}
    return files


def test_install_and_the_rpm_have_the_files_of_the_package(suite: str, native: Path, rpm: Path, tmp_path: Path) -> None:
    listed = subprocess.run(["dpkg-deb", "--contents", native], stdout=subprocess.PIPE, text=True, check=True).stdout
    packaged = {
        re.sub("^/lib/", "/usr/lib/", path).removesuffix(".gz").replace("vendor-completions/_", "site-functions/_")
        for path in re.findall(r"\.(/\S*[^/\s])$", listed, re.MULTILINE)
    }
    debian = {f"{_DOC}/{name}" for name in ("NEWS.Debian", "changelog", "changelog.Debian", "copyright")}
    assert debian <= packaged
    wheel = f"{_MODULES}-{__version__}.dist-info/WHEEL"  # sid's dh_python3 deletes it
    everywhere = packaged - debian | {f"{_DOC}/CHANGELOG.md", wheel}
    assert put_in_place(suite, tmp_path, "/usr") == everywhere
    listed = (rpm / "list").read_text()
    files = re.findall(r"^-\S+ (.*)$", listed, re.MULTILINE)
    in_rpm = {re.sub(r"\.gz$", "", file).replace(f"/udsd-{__version__}/LICENSE", "/udsd/LICENSE") for file in files}
    assert in_rpm == everywhere | {"/usr/share/licenses/udsd/LICENSE"}


@pytest.fixture(scope="module")
def rpm(suite: str, native: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with udsd.rpm, the package for Fedora built on the suite, and `list`, its files."""
    folder = tmp_path_factory.mktemp(f"rpm-{suite}")
    (folder / "macros").write_text(_MACROS)
    source = f"udsd-{__version__}"
    commands = f"""set -e
        cp /target/macros ~/.rpmmacros
        cp -r /source /tmp/{source}
        tar -C /tmp -czf /tmp/{source}.tar.gz {source}
        cd /tmp
        rpmbuild --define='_sourcedir /tmp' --define='_rpmdir /tmp' --nodeps -bb /source/packaging/rpm/udsd.spec
        rpm -qp --queryformat='[%{{FILEMODES:perms}} %{{FILENAMES}}\n]' /tmp/noarch/*.rpm >/target/list
        cp /tmp/noarch/*.rpm /target/udsd.rpm
    """
    binds = (f"--bind-ro={TOP}:/source", f"--bind={folder}:/target")
    run_in_root(image(suite, _RPM), commands, binds=binds)
    return folder


@pytest.mark.parametrize("suite", ["trixie"], indirect=True)
def test_the_rpm_installed_into_a_root_of_debian_boots_and_stores_what_is_sent(
    suite: str, rpm: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    copied(image(suite, READY), root)
    binds = (f"--bind-ro={rpm}:/built", f"--bind={root}:/root-of-debian")
    run_in_root(image(suite, _RPM), "rpm --root /root-of-debian --install --nodeps /built/udsd.rpm", binds=binds)
    with booted(suite, READY, root=root) as machine:
        # Fedora's scripts, which the macros here leave out, apply the presets; the boot itself makes the user.
        machine.run("systemctl", "enable", "--now", "udsd.socket")
        machine.run("udsd-send", "hello", user="nobody")
        machine.wait_for("MESSAGE=hello")
        (entry,) = machine.datagrams()
        assert (entry["MESSAGE"], entry["_UID"]) == (b"hello", machine.text("id", "-u", "udsd").encode())
        assert machine.text("dpkg-query", "--list", "udsd", status=1) == ""


def test_without_a_package_it_runs_below_usr_local(plain: Machine, native: Path, tmp_path: Path) -> None:
    files = put_in_place(plain.suite, tmp_path, "/usr/local")
    shutil.copytree(tmp_path / "usr", plain.shared / "usr")
    plain.run("cp", "--recursive", "/host/usr", "/")
    assert f"`{_AFTER_INSTALL}`" in " ".join((TOP / "README.md").read_text().split())
    for command in _AFTER_INSTALL.split("; "):
        plain.run(*command.split())
    plain.run("udsd-send", "hello")
    plain.wait_for("MESSAGE=hello")
    assert "path=/usr/local/bin/udsd " in plain.show("udsd.service", "ExecStart")
    assert set(re.findall(r"^-- (\w{32})$", _CATALOG.read_text(), re.MULTILINE)) <= catalog(plain)
    plain.run("systemctl", "disable", "--now", "udsd.socket")
    plain.run("rm", *files)
    assert daemons(plain) == []


def state(machine: Machine, unit: str) -> tuple[str, str]:
    return machine.show(unit, "UnitFileState"), machine.show(unit, "ActiveState")


def everything(machine: Machine) -> set[str]:
    """Each file of the machine's disk with its type, mode and owner, and in /etc its content."""
    contents = "find /etc -type f -exec sha256sum {} + | sed -E 's/(\\S+) +(.*)/\\2 \\1/'"
    commands = (["find", "/", "-xdev", "-printf", "%p %y%m %U:%G %l\n"], ["sh", "-c", contents])
    found = [line for words in commands for line in machine.text(*words).splitlines()]
    return {line for line in found if not re.match(_NOT_OURS, line)}


def catalog(machine: Machine) -> set[str]:
    """The ids in the machine's message catalog."""
    return set(re.findall(r"^[0-9a-f]{32}", machine.text("journalctl", "--list-catalog"), re.MULTILINE))


def send_to_each(machine: Machine) -> list[str]:
    """Start udsd and one instance of each template by sending to them; the services."""
    machine.run("systemctl", "enable", "--now", "udsd-format@json.socket", "udsd@web.socket")
    for path in ("/run/udsd/udsd.sock", "/run/udsd/json.sock", "/run/udsd.web/udsd.sock"):
        machine.run("udsd-send", "-u", path, "{}")
    services = ["udsd.service", "udsd-format@json.service", "udsd@web.service"]
    machine.run("systemctl", "start", *services)  # waits until they are up
    return services


def daemons(machine: Machine) -> list[str]:
    return machine.text("pgrep", "-f", "/usr/bin/udsd", status=None).split()


def test_from_install_to_purge(plain: Machine, native: Path) -> None:
    before, ids = everything(plain), set(re.findall(r"^-- (\w{32})$", _CATALOG.read_text(), re.MULTILINE))

    install(plain, native)
    listed = plain.text("dpkg", "--listfiles", "udsd").split()
    installed = set(plain.text("find", "-H", *listed, "-maxdepth", "0", "-not", "-type", "d").split())
    units = {f"{_UNITS_FOLDER[plain.suite]}/{unit}" for unit in _UNITS}
    assert {file for file in installed if not file.startswith((_MODULES, _DOC))} == _FILES | units
    assert {file for file in installed if file.startswith(f"{_DOC}/examples/")} == _EXAMPLES
    assert ids
    assert ids <= catalog(plain)
    assert state(plain, "udsd.socket") == ("enabled", "active")
    assert state(plain, "udsd.service") == ("static", "inactive")
    for disabled in ("udsd@.socket", "udsd-format@.socket"):
        assert plain.text("systemctl", "is-enabled", disabled, status=1) == "disabled"
    assert plain.text("systemctl", "--global", "is-enabled", "udsd.socket", status=1) == "disabled"

    tests = re.findall(r"^Tests: (.*)$", (_DEBIAN / "tests/control").read_text(), re.MULTILINE)
    for name in tests:
        shutil.copy(_DEBIAN / "tests" / name, plain.shared)
        assert plain.run(f"/host/{name}").stderr == b"", "autopkgtest takes that for a failure"
    assert tests

    send_to_each(plain)
    plain.run("systemctl", "start", "user@1.service")  # the service manager of the user `daemon`
    plain.run("systemctl", "--user", "--machine=daemon@", "start", "udsd.service")
    assert len(daemons(plain)) == 4
    sys.stdout.write(plain.text("systemctl", "status", "--no-pager", "--lines=0", "udsd*", status=None) + "\n")

    plain.run("apt-get", "remove", "--yes", "udsd")
    assert daemons(plain) == []
    assert plain.text("sh", "-c", "ls -d /run/udsd* /run/user/*/udsd/udsd.sock", status=2) == ""
    assert plain.text("systemctl", "list-units", "--no-legend", "--state=active,failed", "udsd*") == ""
    assert not ids & catalog(plain)

    plain.run("apt-get", "purge", "--yes", "udsd")
    after = everything(plain)
    sys.stdout.write(f"{plain.suite}: {len(before)} files before, {len(installed)} installed, {len(after)} after\n")
    assert after == before
    # Debian's custom: a user stays, locked, so that its number is not given to another while files of it may be left.
    assert plain.text("getent", "passwd", "udsd").endswith(":/usr/sbin/nologin")


def older(package: Path, folder: Path) -> Path:
    """The same package as the previous version: a clone need not have an older one. Its scripts are those of today."""
    subprocess.run(["dpkg-deb", "--raw-extract", package, folder / "tree"], check=True)
    for path, pattern in [
        ("DEBIAN/control", r"(?<=^Version: ).*$"),
        (f"{_MODULES[1:]}/__init__.py", r'(?<=^__version__ = ").*(?="$)'),
    ]:
        file = folder / "tree" / path
        text, changes = re.subn(pattern, _OLDER, file.read_text(), flags=re.MULTILINE)
        assert changes == 1, path
        file.write_text(text)
    made = folder / f"udsd_{_OLDER}_all.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", folder / "tree", made], check=True, stdout=sys.stderr)
    return made


def test_an_upgrade_restarts_the_daemons_and_loses_nothing(plain: Machine, native: Path, tmp_path: Path) -> None:
    install(plain, older(native, tmp_path))
    assert plain.text("udsd", "--version") == f"udsd {_OLDER}"
    plain.options("--rate-limit=off")
    services = send_to_each(plain)
    sockets = [service.replace(".service", ".socket") for service in services]
    with load(plain) as under_way, caged(plain) as elsewhere:
        pids = [plain.show(service, "MainPID") for service in services]
        listening_since = [plain.show(socket, "InvocationID") for socket in sockets]
        shutil.copy(native, plain.shared)
        plain.run("apt-get", "install", "--yes", f"/host/{native.name}")
        plain.run("systemctl", "start", *services)  # waits until they are up
        assert [plain.show(socket, "InvocationID") for socket in sockets] == listening_since
        assert not set(pids) & {plain.show(service, "MainPID") for service in services}
    assert plain.text("udsd", "--version") != f"udsd {_OLDER}"
    under_way.sent |= elsewhere.sent
    assert check(plain, under_way)["marked as possible repeats"] == 0
