"""Go's caches lie in ours, and go when they have served."""

from pathlib import Path

from drillbook_staging import golang
from drillbook_staging.places import Places


def at(root: Path) -> Places:
    return Places(root / "state", root / "cache", root)


def test_whatever_go_writes_lies_in_our_folders(tmp_path: Path) -> None:
    found = golang.environment(at(tmp_path), {"HOME": "/home/somebody"})
    written = ("GOCACHE", "GOMODCACHE", "GOTMPDIR", "XDG_CONFIG_HOME")
    assert all(found[name].startswith(str(tmp_path)) for name in written)
    assert found["GOENV"] == "/home/somebody/.config/go/env"


def test_the_proxy_and_the_checksums_stay_the_hosts(tmp_path: Path) -> None:
    found = golang.environment(at(tmp_path), {"GOPROXY": "https://proxy.example", "GOENV": "off"})
    assert {"GOPROXY", "GOSUMDB", "GOFLAGS"}.isdisjoint(found)
    assert found["GOENV"] == "off"


def test_caches_go_with_their_read_only_folders(tmp_path: Path) -> None:
    module = tmp_path / "cache" / "go" / "mod" / "example.com"
    module.mkdir(parents=True)
    (module / "a.go").write_text("package a\n")
    kept = tmp_path / "cache" / "artifacts"
    kept.mkdir()
    golang.remove_caches(at(tmp_path))
    assert not (tmp_path / "cache" / "go").exists()
    assert kept.is_dir()
    golang.remove_caches(at(tmp_path))
