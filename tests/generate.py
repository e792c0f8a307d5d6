"""Checkouts of any size, for `make bench` and for tests: the real runbook, many times over.

Each copy has its own id, alert, title and names of scenarios, so that nothing is judged once for
all of them; the application is the one that fixtures/ knows. `python -m tests.generate N FOLDER`
writes a checkout to look at.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parents[1]
ORIGINAL = HERE / "features" / "spark" / "driver-crash-loop.feature"
AREA_SIZE = 100
ENVIRONMENTS = ("staging", "production")

_RULE = """\
      - alert: {alert}
        expr: max by (namespace, pod) (restarts_total{{number="{number}"}}) >= 2
        labels: {{severity: P1}}
        annotations: {{runbook_url: {page}}}
"""


def runbooks(n: int, folder: Path) -> list[Path]:
    """Write `n` runbooks (3 causes of 4 scenarios each) below `folder`/features, in order."""
    original = ORIGINAL.read_text(encoding="utf-8")
    return [_write(folder / feature(i), text(original, i)) for i in range(n)]


def monitoring(n: int, folder: Path) -> None:
    """Write the alert rules of `n` runbooks, and their values, below `folder`/monitoring."""
    rules = "".join(
        _RULE.format(alert=alert(i), number=i, page=f"runbooks/{area(i)}/runbook-{i:05}.md")
        for i in range(n)
    )
    groups = f"groups:\n  - name: generated\n    rules:\n{rules}"
    _write(folder / "monitoring" / "alerts" / "generated.yaml", groups)
    values = "for:\n" + "".join(f"  {alert(i)}: 0s\n" for i in range(n))
    for environment in ENVIRONMENTS:
        _write(folder / "monitoring" / "values" / f"{environment}.yaml", values)


def text(original: str, i: int) -> str:
    """The `i`-th runbook's text."""
    replaced = {
        "RB-SPARK-001": f"RB-BENCH{i // AREA_SIZE}-{i % AREA_SIZE:03}",
        "SparkDriverCrashLoop": alert(i),
        "Scenario: The": f"Scenario: {i:05} The",
        "Feature: Spark driver crash loop": f"Feature: Spark driver crash loop {i}",
    }
    for old, new in replaced.items():
        if old not in original:
            raise ValueError(f"{ORIGINAL}: {old!r} is gone; correct tests/generate.py.")
        original = original.replace(old, new)
    return original


def feature(i: int) -> Path:
    return Path("features", area(i), f"runbook-{i:05}.feature")


def area(i: int) -> str:
    return f"area-{i // AREA_SIZE:03}"


def alert(i: int) -> str:
    return f"GeneratedCrashLoop{i:05}"


def _write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


if __name__ == "__main__":
    runbooks(int(sys.argv[1]), Path(sys.argv[2]))
    monitoring(int(sys.argv[1]), Path(sys.argv[2]))
