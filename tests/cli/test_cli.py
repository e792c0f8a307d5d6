"""The command line on checkouts that something is wrong with: words and a code, no traceback."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from drillbook.cli import app as cli
from drillbook.model.errors import CouldNotTell
from tests.bad_input.command_line import FEATURE, MANIFESTS, ROOT, drillbook, replace
from tests.cli.conftest import Edit, put, write


def a_file_in_place_of_pages(checkout: Path) -> None:
    shutil.rmtree(checkout / "runbooks")
    (checkout / "runbooks").touch()


def windows_page(checkout: Path) -> None:
    drillbook(checkout, "render")
    page = checkout / "runbooks/spark/driver-crash-loop.md"
    page.write_bytes(page.read_bytes().replace(b"\n", b"\r\n"))


START = "fixtures/spark/orders/app/start.sh"
NAMELESS = "---\napiVersion: v1\nkind: Secret\n"


def appended(name: str, text: str) -> Edit:
    return lambda c: (c / name).write_bytes((c / name).read_bytes() + text.encode())


BROKEN = "groups:\n  - name: x\n    rules:\n      - record: a\n        expr: sum(up\n"
TOOL = "scripts/spark/keep_last_good"
REFUSED = write("monitoring/alerts/broken.yaml", BROKEN)
OWN_RULE = put("monitoring/alerts/spark.yaml", ">= 2\n", ">=\n")
TORN = write(
    "features/spark/torn.feature", "Feature: x\n  Scenario: y\n    Given a\n    nonsense\n"
)
NO_PAGES = a_file_in_place_of_pages
BAD = [
    (appended("steps/spark.py", "nobody\n"), "lint", 2, "NameError: name 'nobody'"),
    (put("steps/alerts.py", "alert {string} f", "alert {strin} f"), "lint", 2, "alerts.py:"),
    (write("steps/__init__.py", ""), "lint", 2, "names no step module"),
    (appended(MANIFESTS, "---\n"), "lint", 1, "[bad-argument]"),
    (appended(MANIFESTS, NAMELESS), "lint", 1, "has no metadata.name"),
    (
        put("steps/spark.py", f"{TOOL}.py", f"{TOOL}s.py"),
        "lint",
        1,
        "Did you mean scripts/spark/keep_last_good.py?",
    ),
    (NO_PAGES, "render", 2, "the page cannot be written"),
    (NO_PAGES, "render --check", 1, "pages that are not what"),
    (REFUSED, "lint", 1, "alerts/broken.yaml:5: [bad-rule]"),
    (REFUSED, "list", 2, "refused-configuration"),
    (OWN_RULE, "list", 2, "unknown"),
    (OWN_RULE, "show RB-SPARK-001", 2, "keep_last_good.py"),
    (TORN, "lint", 2, "torn.feature:4"),
    (TORN, "list", 2, "refused-configuration"),
    # Of another runbook nobody was asked.
    (TORN, "show rb-spark-001", 0, "keep_last_good.py"),
    (TORN, "lint rb-spark-001", 0, "no problem"),
    (write("features/spark/other.feature.bak", ""), "lint", 1, "[stray-file]"),
    (TORN, "show features/spark/torn.feature", 2, "torn.feature:4"),
    (appended(START, "\r\n"), "lint", 1, "[line-ends]"),
    (appended(START, "\r\n"), "list", 0, "Windows line ends"),
    (windows_page, "render --check", 1, "nothing else differs"),
]


@pytest.mark.parametrize(("edit", "words", "code", "part"), BAD)
def test_bad_input_is_answered(
    checkout: Path, edit: Edit, words: str, code: int, part: str
) -> None:
    edit(checkout)
    answer = drillbook(checkout, *words.split())
    assert (answer.code, part in answer.said) == (code, True), answer.said


def test_the_place_where_one_stands_changes_nothing(checkout: Path) -> None:
    replace(checkout, FEATURE, "Spark driver crash loop", "Spark [bold]driver[/bold] :100: сбой")
    (checkout / "drillbook.toml").write_text('kubeconfig = "nowhere"\n')
    narrow = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "COLUMNS": "20"}
    below = checkout / "features/spark"
    for folder, words, part in (
        (below, ("list",), ":100: "),
        (below, ("show", "driver-crash-loop.feature"), "Spark [bold]driver[/bold] :100: "),
        (below, ("plan", "rb-spark-001"), f"{checkout}/nowhere: the kubeconfig is missing"),
    ):
        said = drillbook(folder, *words, **narrow, HOME="/nowhere").said
        assert part in said
        assert "сбой" in said or r"\u0441\u0431\u043e\u0439" in said


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("{} --help | head -1", 0, ""),
        ("{} lint >&-", 4, "could not be written: it was closed"),
        ("{} lint <&- 2>&-", 0, ""),
        ("{} --version | grep -qx 'drillbook [0-9.]*'", 0, ""),
        ("COMP_WORDS='drillbook show ' COMP_CWORD=2 {} | grep -qz RB-SPARK-001.SparkDriver", 0, ""),
        ("COMP_WORDS='drillbook drill --cause d' COMP_CWORD=3 {} | grep -qx driver-oom", 0, ""),
    ],
)
def test_as_every_unix_program(checkout: Path, line: str, code: int, said: str) -> None:
    program = "import sys; sys.argv[0] = 'drillbook'; from drillbook.cli.app import main; main()"
    completing = {"_DRILLBOOK_COMPLETE": "complete_bash"} if "COMP_" in line else {}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.format(f'"{sys.executable}" -c "{program}"')],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DRILLBOOK_STATE": "none", **completing},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done
    assert said in done.stderr if said else done.stderr == ""


LOADED = """
import sys
from drillbook.cli.app import app
app(sys.argv[1:], standalone_mode=False)
print("LOADED", *sorted({"boto3", "kubernetes", "requests", "testinfra"} & set(sys.modules)))
"""


@pytest.mark.parametrize("words", ["--help", "lint", "list", "steps"])
def test_what_asks_no_cluster_loads_no_client_library(checkout: Path, words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, words], cwd=checkout, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1:] == ["LOADED"], done.stdout + done.stderr


def raising(error: BaseException) -> Callable[[], object]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (CouldNotTell("no answer."), 4, "drillbook: no answer.\n"),
        (KeyboardInterrupt(), 130, "drillbook: interrupted\n"),
        (PermissionError(13, "Permission denied", "/x"), 4, "drillbook: /x: Permission denied."),
    ],
)
def test_an_error_is_one_line_and_a_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    assert cli._run(lambda: None) == 0
    assert cli._run(raising(error)) == code
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("halt", "say why"),
        ("halt --why x --lift", "say why"),
        ("halt --why=", "say why"),
        ("undo", "say what"),
        ("drill --leave-standing=3x", "not a duration"),
        ("drill --leave-standing 3h", "2h at most"),
        ("drill -j 0", "--jobs"),
        ("drill --jobs two", "--jobs"),
    ],
)
def test_what_is_no_command_line_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str, asked: str
) -> None:
    """Halt ends everybody's drills: somebody once typed it to see what it says."""
    monkeypatch.setattr(sys, "argv", ["drillbook", *words.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert asked in capsys.readouterr().err
