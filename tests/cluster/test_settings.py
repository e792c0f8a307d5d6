"""Precedence: option, environment, file, the embedded cluster's own."""

import json
from pathlib import Path

import pytest

from drillbook.cluster import settings
from drillbook.model.errors import UsageError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "features").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRILLBOOK_STATE", str(tmp_path / "state"))
    for name in ("KUBECONFIG", "CONTEXT", "POLL_S"):
        monkeypatch.delenv(f"DRILLBOOK_{name}", raising=False)
    return tmp_path


def embedded(checkout: Path, **fields: object) -> None:
    (checkout / "state").mkdir()
    known = {
        "kubeconfig": "/state/kubeconfig",
        "context": "drillbook-staging",
        "cluster_uid": "the-uid",
        "prometheus_url": "http://p",
        "alertmanager_url": "http://a",
        "bin": "/cache/bin",
        "runner_kubeconfig": "/state/runner.kubeconfig",
        "api_hosts": ["198.18.0.11:6443"],
        "agent_socket": "/state/agent.sock",
        **fields,
    }
    (checkout / "state" / "cluster.json").write_text(json.dumps(known))


def test_options_come_before_the_file(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "drillbook.toml").write_text('kubeconfig = "/file"\npoll_s = 7\n')
    assert settings.load().kubeconfig == Path("/file")
    monkeypatch.setenv("DRILLBOOK_KUBECONFIG", "/environment")
    monkeypatch.setenv("DRILLBOOK_POLL_S", "3")
    assert settings.load().kubeconfig == Path("/environment")
    assert settings.load().poll_s == 3
    assert settings.load(kubeconfig=Path("/option")).kubeconfig == Path("/option")


def test_drills_on_the_embedded_cluster_are_not_its_administrator(checkout: Path) -> None:
    assert settings.load().allowed_clusters == ()
    embedded(checkout)
    loaded = settings.load()
    assert (loaded.allowed_clusters, loaded.context) == (("the-uid",), "drillbook-staging")
    assert loaded.kubeconfig == Path("/state/runner.kubeconfig")
    assert loaded.allowed_hosts == ("198.18.0.11:6443",)
    assert loaded.agent_socket == Path("/state/agent.sock")
    assert loaded.allow_cluster_admin is False


@pytest.mark.parametrize("field", ["runner_kubeconfig", "api_hosts", "agent_socket"])
def test_a_cluster_of_an_older_version_is_to_be_updated(checkout: Path, field: str) -> None:
    embedded(checkout, **{field: None})
    with pytest.raises(UsageError, match=f"no {field}.*Run `drillbook staging up` again"):
        settings.load()


def test_a_cluster_of_ones_own_gets_nothing_of_the_embedded_one(checkout: Path) -> None:
    embedded(checkout)
    loaded = settings.load(kubeconfig=Path("/own"))
    assert loaded.allowed_clusters == loaded.allowed_hosts == ()
    assert loaded.agent_socket is None
    assert loaded.context is None
    assert loaded.prometheus_url is None


@pytest.mark.parametrize("text", ["poll_s = 0\n", "unknown = 1\n", "not toml"])
def test_a_bad_file_is_named(checkout: Path, text: str) -> None:
    (checkout / "drillbook.toml").write_text(text)
    with pytest.raises(UsageError, match=r"drillbook\.toml"):
        settings.load()
    (checkout / "drillbook.toml").unlink()
    (checkout / "drillbook.toml").mkdir()
    with pytest.raises(UsageError, match=r"drillbook\.toml: cannot be read"):
        settings.load()


def test_outside_of_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="Change into the checkout"):
        settings.load()


@pytest.mark.parametrize("name", ["probe", "action", "steady", "effect", "undo"])
def test_a_setting_of_time_must_be_one(checkout: Path, name: str) -> None:
    (checkout / "drillbook.toml").write_text(f'{name}_within = "90"\n')
    with pytest.raises(UsageError, match=f"setting {name}_within: '90' is not a duration"):
        settings.load()
    (checkout / "drillbook.toml").write_text(f'{name}_within = "90s"\n')
    assert settings.load().duration(f"{name}_within").seconds == 90


def test_a_list_in_the_environment_is_json(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRILLBOOK_ALLOWED_CLUSTERS", "abc")
    with pytest.raises(UsageError, match=r"allowed_clusters.*written as JSON"):
        settings.load()
    monkeypatch.setenv("DRILLBOOK_ALLOWED_CLUSTERS", '["abc"]')
    assert settings.load().allowed_clusters == ("abc",)


@pytest.mark.parametrize("text", ["{", "{}", "[]", '"x"', ""])
def test_what_staging_did_not_write_is_named(checkout: Path, text: str) -> None:
    embedded(checkout)
    (checkout / "state" / "cluster.json").write_text(text)
    with pytest.raises(UsageError, match=r"cluster\.json: not what `drillbook staging up` writes"):
        settings.load()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("renew_s = 20.0", "renewed at least twice"),
        ("lease_s = 0.1", "renewed at least twice"),
        (
            "request_timeout_s = 20.0",
            r"environment: request_timeout_s is 20: .* \(30\) less renew_s",
        ),
        ('max_drill = "5s"', r"max_drill is 5s: it must be more than request_timeout_s \(5 s\)"),
        ('max_drill = "9h"', "no token lasts longer"),
        ('leave_standing = "3h"', "at most 2h"),
    ],
)
def test_settings_that_cannot_be_are_refused(checkout: Path, text: str, said: str) -> None:
    (checkout / "drillbook.toml").write_text(f"{text}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        settings.load(root=checkout)
