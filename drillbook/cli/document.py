"""The tables of docs/write-a-runbook.md: what there is to write a runbook with, read off the files
that say it, so that the page stays true. Reads files and nothing else."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from drillbook.book.samples import Sample
from drillbook.model.errors import UsageError

PAGE: Final = "docs/write-a-runbook.md"
BEGIN: Final = "<!-- from here on written by `drillbook steps --document` -->\n"
_PLATFORM: Final = "staging/platform"
_WHO: Final = {
    "drillbook-observer": "a check, on the whole cluster",
    "drillbook-observer-in-drill": "a check, in the drill's namespace",
    "drillbook-inspector": "a forward, a look into a container",
    "drillbook-responder": "an action's line",
    "drillbook-provisioner-in-drill": "a component's objects, and at most what a fault changes",
}
"""ClusterRole -> what of a runbook works with it."""
_INSTALLED: Final = re.compile(r"--no-install-recommends[\s\\]+((?:[a-z0-9][a-z0-9.+-]*[\s\\]*)+)")


def document(text: str, root: Path, sentences: Sequence[Sample]) -> str:
    """The page with its tables as they are now. Raises UsageError without the line before them."""
    head, begin, _ = text.partition(BEGIN)
    if not begin:
        raise UsageError(f"{root / PAGE}: the line `{BEGIN.strip()}` is gone; put it back.")
    tables = (
        *("## What a Background may set up", *_components(sentences)),
        *("## Images", *_images(root)),
        *("## Metrics that an alert may read", *_metrics(root)),
        *("## Rights of a drill", *_rights(root)),
    )
    return head + begin + "\n" + "\n".join(_spaced(tables)) + "\n"


def _spaced(lines: Iterable[str]) -> Iterator[str]:
    """Blank lines around headings, and none between the rows of a table."""
    for number, line in enumerate(lines):
        if line.startswith("#"):
            yield from ([""] if number else [])
            yield from (line, "")
        else:
            yield line


def _table(*rows: Sequence[str]) -> Iterator[str]:
    first, *others = rows
    for row in (first, ["---"] * len(first), *others):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _components(sentences: Sequence[Sample]) -> Iterator[str]:
    rows = []
    for one in sentences:
        if there := one.component:
            opens = (f"`{each.var.name}` ({each.port})" for each in there.endpoints)
            parts = ", ".join(part.role for part in there.parts)
            rows.append((f"`{one.sentence}`", there.title, parts, ", ".join(opens)))
        elif one.kind == "Component":
            rows.append((f"`{one.sentence}`", one.lines[0], "", ""))
    return _table(("sentence", "what it is", "parts", "endpoints"), *rows)


def _images(root: Path) -> Iterator[str]:
    rows = []
    for place in ("staging/images", "fixtures/*/images"):
        for file in sorted(path for top in root.glob(place) for path in top.glob("*/image.toml")):
            said = tomllib.loads(file.read_text("utf-8"))
            recipe = (file.parent / "Containerfile").read_text("utf-8").replace("&&", "\n&&")
            found = [word for text in _INSTALLED.findall(recipe) for word in text.split()]
            packages = ", ".join(word for word in found if word != "\\")
            name = f"`localhost/{file.parent.name}:{said['tag']}`"
            # What the cluster itself runs is nothing to build a system from.
            if not said.get("core") or file.parent.name == "debian":
                rows.append((name, packages or "-", f"`{file.parent.relative_to(root)}`"))
    return _table(("image", "Debian packages in it", "its recipe"), *rows)


def _metrics(root: Path) -> Iterator[str]:
    base = root / _PLATFORM / "base"
    monitor = (base / "kube-state-metrics.yaml").read_text("utf-8")
    kinds = next(iter(re.findall(r"--resources=([a-z,]+)", monitor)), "").split(",")
    jobs = _yaml(base / "prometheus.yml")[0]["scrape_configs"]
    what = {
        "kube-state-metrics": ", ".join(f"`kube_{kind.removesuffix('s')}_*`" for kind in kinds),
        "kubelet-containers": "`container_*`, of each container",
        "pods": 'what a pod with the annotations `prometheus.io/scrape: "true"` and '
        "`prometheus.io/port` exposes; labels `namespace`, `pod`, `node`",
    }
    rows = [(f"`{job['job_name']}`", what.get(job["job_name"], "its own")) for job in jobs]
    return _table(("scrape job", "metrics"), *rows)


def _rights(root: Path) -> Iterator[str]:
    roles: dict[str, Any] = {
        one["metadata"]["name"]: one["rules"]
        for one in _yaml(root / _PLATFORM / "drillbook" / "roles.yaml")
        if one["kind"] == "ClusterRole"
    }
    kinds: dict[tuple[str, str], set[str]] = {}
    for name, who in _WHO.items():
        for rule in roles[name]:
            kinds.setdefault((who, ", ".join(rule["verbs"])), set()).update(rule["resources"])
    rows = [(who, ", ".join(sorted(those)), verbs) for (who, verbs), those in kinds.items()]
    return _table(("who", "kinds", "verbs"), *rows)


def _yaml(path: Path) -> list[Mapping[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text("utf-8")) if one]
