"""The rules' names carry their content, so that what Prometheus lists says what it runs."""

import json

import pytest
import yaml

from drillbook_staging import platform
from drillbook_staging.platform import rules_manifest, with_hashes
from tests.bad_input.servers import Bad, serving


def test_a_name_changes_with_the_content_alone() -> None:
    (first,), (same,), (other,) = (
        with_hashes({"spark.yaml": text}) for text in ("groups: []", "groups: []", "groups: [x]")
    )
    assert first == same
    assert first != other
    assert first.startswith("spark-")
    assert first.endswith(".yaml")


def test_the_manifest_holds_every_file() -> None:
    manifest = yaml.safe_load(rules_manifest({"a-1.yaml": "groups: []\n"}))
    assert manifest["metadata"] == {"name": "prometheus-rules", "namespace": "monitoring"}
    assert manifest["data"] == {"a-1.yaml": "groups: []\n"}


@pytest.mark.parametrize(("took", "files"), [(1, {"/etc/prometheus/rules/a.yaml"}), (0, None)])
def test_a_server_that_refused_what_it_read_last_runs_nothing_of_ours(
    monkeypatch: pytest.MonkeyPatch, took: int, files: set[str] | None
) -> None:
    groups = {"data": {"groups": [{"file": "/etc/prometheus/rules/a.yaml"}]}}
    texts = {
        "/api/v1/rules": json.dumps(groups),
        "/metrics": f"# x\nprometheus_config_last_reload_successful {took}\n",
    }
    with serving(lambda path: Bad(body=texts[path])) as server:
        monkeypatch.setattr(platform, "PROMETHEUS", server.url)
        assert platform.loaded() == files
