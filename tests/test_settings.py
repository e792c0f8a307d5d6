"""Precedence: option, environment, file, the embedded cluster's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drillbook import settings
from drillbook.errors import UsageError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "features").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRILLBOOK_STATE", str(tmp_path / "state"))
    for name in ("KUBECONFIG", "CONTEXT", "POLL_S"):
        monkeypatch.delenv(f"DRILLBOOK_{name}", raising=False)
    return tmp_path


def embedded(checkout: Path) -> None:
    (checkout / "state").mkdir()
    known = {
        "kubeconfig": "/state/kubeconfig",
        "context": "drillbook-staging",
        "cluster_uid": "the-uid",
        "prometheus_url": "http://p",
        "alertmanager_url": "http://a",
        "bin": "/cache/bin",
    }
    (checkout / "state" / "cluster.json").write_text(json.dumps(known))


def test_an_option_beats_the_environment_beats_the_file(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "drillbook.toml").write_text('kubeconfig = "/file"\npoll_s = 7\n')
    assert settings.load().kubeconfig == Path("/file")
    monkeypatch.setenv("DRILLBOOK_KUBECONFIG", "/environment")
    monkeypatch.setenv("DRILLBOOK_POLL_S", "3")
    assert settings.load().kubeconfig == Path("/environment")
    assert settings.load().poll_s == 3
    assert settings.load(kubeconfig=Path("/option")).kubeconfig == Path("/option")


def test_the_embedded_cluster_enters_its_own_uid(checkout: Path) -> None:
    assert settings.load().allowed_clusters == ()
    embedded(checkout)
    loaded = settings.load()
    assert loaded.allowed_clusters == ("the-uid",)
    assert loaded.context == "drillbook-staging"


def test_a_cluster_of_ones_own_gets_nothing_of_the_embedded_one(checkout: Path) -> None:
    embedded(checkout)
    loaded = settings.load(kubeconfig=Path("/own"))
    assert loaded.allowed_clusters == ()
    assert loaded.context is None
    assert loaded.prometheus_url is None


@pytest.mark.parametrize("text", ["poll_s = 0\n", "unknown = 1\n", "not toml"])
def test_a_bad_file_is_named(checkout: Path, text: str) -> None:
    (checkout / "drillbook.toml").write_text(text)
    with pytest.raises(UsageError, match=r"drillbook\.toml"):
        settings.load()


def test_outside_a_checkout_says_where_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="Change into the checkout"):
        settings.load()


def test_a_setting_of_time_must_be_one(checkout: Path) -> None:
    (checkout / "drillbook.toml").write_text('keep = "30"\n')
    with pytest.raises(UsageError, match="setting keep"):
        settings.load().duration("keep")
