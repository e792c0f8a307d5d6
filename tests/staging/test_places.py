"""Folders that may be used, and those that a typing error would have removed."""

from pathlib import Path

import pytest

from drillbook.cluster.settings import DEFAULT_STATE
from drillbook.model.errors import UsageError
from drillbook_staging.places import STATE_NAMES, places


def test_unset_variables_mean_the_usual_folders() -> None:
    found = places({"DRILLBOOK_STATE": ""})
    assert found.state == DEFAULT_STATE
    assert found.cache == Path("/var/cache/drillbook")


def test_the_sources_are_this_checkout() -> None:
    assert (places({}).sources / "kube" / "go.mod").is_file()
    assert (places({}).root / "drillbook").is_dir()


@pytest.mark.parametrize("path", ["relative/path", "/", "/var"])
def test_a_path_that_cannot_be_meant_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match=f"DRILLBOOK_STATE={path}.*such as /var/lib"):
        places({"DRILLBOOK_STATE": path})


@pytest.mark.parametrize(
    ("state", "cache"), [("/a/b/c", "/a/b"), ("/a/b", "/a/b/c"), ("/a/b", "/a/b")]
)
def test_state_and_cache_lie_beside_each_other(state: str, cache: str) -> None:
    with pytest.raises(UsageError, match="two folders beside each other"):
        places({"DRILLBOOK_STATE": state, "DRILLBOOK_CACHE": cache})


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert places({"DRILLBOOK_STATE": f"{tmp_path}/link"}).state == tmp_path / "real"


def test_only_what_we_did_not_write_is_strange(tmp_path: Path) -> None:
    found = places({"DRILLBOOK_STATE": str(tmp_path / "state")})
    assert found.strangers() == []
    for name in STATE_NAMES:
        (found.state / name).mkdir(parents=True)
    assert found.strangers() == []
    (found.state / "thesis.tex").write_text("years of work")
    assert found.strangers() == ["thesis.tex"]


def test_everything_that_is_written_at_the_top_has_a_known_name() -> None:
    found = places({})
    written = (found.cluster_json, found.kubeconfig, found.logs, found.tmp, found.mountpoints)
    assert {path.name for path in written} <= STATE_NAMES
    assert found.node("node1").relative_to(found.state).parts[0] in STATE_NAMES
