"""The examples for others: files that are not run as they stand, against the schemas of those who read them."""

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.source import TOP

_KUBERNETES = TOP / "systemd/examples/kubernetes.yaml"
_VERSIONS = ("1.25", "1.37")


def objects() -> Iterator[dict[str, Any]]:
    yield from yaml.safe_load_all(_KUBERNETES.read_text())


@pytest.mark.parametrize("version", _VERSIONS)
def test_kubernetes_knows_each_object_and_member(version: str) -> None:
    for each in objects():
        kubernetes_validate.validate(each, version, strict=True)
    assert [each["kind"] for each in objects()] == ["DaemonSet", "Deployment"]
