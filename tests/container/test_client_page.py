"""The examples of udsd.client(3) in languages that Debian has: run in a root with all of them, which is not booted."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.client_page import SOCKET, check_that_an_example_sent_to, examples
from tests.container.images import READY, image
from tests.container.machines import run_in_root
from tests.source import TOP

pytestmark = pytest.mark.one_machine

_PACKAGES = (*READY, "gcc", "libc6-dev", "gccgo", "rustc", "nodejs", "default-jdk-headless", "php-cli", "ruby")

# The name of the file, and what runs it there.
_LANGUAGES = {
    "C": ("example.c", "gcc -Wall -Wextra -Werror -o c example.c && ./c"),
    "Go": ("example.go", "gccgo -o go example.go && ./go"),
    "Rust": ("example.rs", "rustc -D warnings -o rust example.rs && ./rust"),
    "Ruby": ("example.rb", "ruby -w example.rb"),
    "PHP": ("example.php", "php example.php"),
    "Node": ("example.js", "node example.js"),
    "Java": ("Backup.java", "java Backup.java"),
}


@pytest.fixture(scope="module")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, socket.socket]]:
    """A socket for each language, to which its example has sent."""
    code = tmp_path_factory.mktemp("code")
    with ExitStack() as stack:
        made = {}
        commands = ["set -e", "cd /code"]
        for language, (name, command) in _LANGUAGES.items():
            (example,) = examples(language)
            (code / name).write_text(example.replace(SOCKET, f"/code/{language}"))
            commands.append(f"export UDSD_SOCKET=/code/{language}; {command}")
            made[language] = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            made[language].bind(str(code / language))
        binds = (f"--bind={code}:/code", f"--bind-ro={TOP}:/source", "--setenv=PYTHONPATH=/source")
        udsd_send = f"--bind-ro={TOP / 'packaging/bin/udsd-send'}:/usr/bin/udsd-send"
        run_in_root(image("trixie", _PACKAGES), "\n".join(commands), binds=(*binds, udsd_send))
        yield made


@pytest.mark.parametrize("language", _LANGUAGES)
def test_an_example_sends_its_message_and_fields(language: str, receivers: dict[str, socket.socket]) -> None:
    check_that_an_example_sent_to(receivers[language])
