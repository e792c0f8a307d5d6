"""The rules' names carry their content, so that what Prometheus lists says what it runs."""

from __future__ import annotations

import yaml

from drillbook_staging.platform import rules_manifest, with_hashes


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
