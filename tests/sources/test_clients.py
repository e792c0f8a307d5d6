"""Every request to the Kubernetes API has a deadline."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from drillbook.errors import CouldNotTell
from drillbook.settings import Settings
from drillbook.sources.clients import Connections
from tests.bad_input.servers import never_answering


def kubeconfig(folder: Path, url: str) -> Path:
    path = folder / "kubeconfig"
    document = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_discovery_of_a_server_that_says_nothing_ends(tmp_path: Path) -> None:
    with never_answering() as url:
        settings = Settings(
            root=tmp_path, kubeconfig=kubeconfig(tmp_path, url), request_timeout_s=0.5
        )
        begin = time.monotonic()
        with pytest.raises(CouldNotTell):
            Connections(settings, {}).resource("v1", "Pod")
        assert time.monotonic() - begin < 20
