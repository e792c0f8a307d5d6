"""The command line on checkouts that something is wrong with: words and a code, no traceback."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from drillbook.cli import app as cli
from drillbook.model.errors import CouldNotTell
from tests.bad_input.command_line import MANIFESTS, copied
from tests.bad_input.command_line import drillbook as answered


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copied(tmp_path / "checkout")


def drillbook(checkout: Path, *words: str) -> tuple[int, str]:
    """The exit code of a command in a checkout, and all that it printed."""
    answer = answered(checkout, *words)
    return answer.code, answer.said


def appended(name: str, text: str) -> Callable[[Path], object]:
    def edit(checkout: Path) -> None:
        with (checkout / name).open("a") as file:
            file.write(text)

    return edit


def replaced(name: str, old: str, new: str) -> Callable[[Path], object]:
    def edit(checkout: Path) -> None:
        text = (checkout / name).read_text()
        assert old in text
        (checkout / name).write_text(text.replace(old, new))

    return edit


def a_file_in_place_of_pages(checkout: Path) -> None:
    shutil.rmtree(checkout / "runbooks")
    (checkout / "runbooks").touch()


def a_second_file_that_is_no_runbook(checkout: Path) -> None:
    (checkout / "features/spark/torn.feature").write_text(
        "Feature: x\n  Scenario: y\n    Given a\n    nonsense\n"
    )


NAMELESS = "---\napiVersion: v1\nkind: Secret\n"
NO_TOOL = (
    "steps/spark.py",
    "scripts/spark/diagnose_driver.py",
    "scripts/spark/diagnose_drivers.py",
)


def a_second_rule_file_that_prometheus_refuses(checkout: Path) -> None:
    text = "groups:\n  - name: x\n    rules:\n      - record: a\n        expr: sum(up\n"
    (checkout / "monitoring/alerts/broken.yaml").write_text(text)


REFUSED = a_second_rule_file_that_prometheus_refuses
OWN_RULE = replaced("monitoring/alerts/spark.yaml", ">= 2\n", ">=\n")
TORN, NO_PAGES = a_second_file_that_is_no_runbook, a_file_in_place_of_pages
BAD = [
    (appended("steps/spark.py", "def (\n"), "lint", 2, "spark.py:"),
    (appended("steps/spark.py", "nobody\n"), "lint", 2, "NameError: name 'nobody'"),
    (replaced("steps/alerts.py", "alert {string} f", "alert {strin} f"), "lint", 2, "alerts.py:"),
    (lambda c: (c / "steps/__init__.py").write_text(""), "lint", 2, "names no step module"),
    (lambda c: shutil.rmtree(c / "steps"), "lint", 2, "No module named 'steps'"),
    (appended(MANIFESTS, "---\n"), "lint", 1, "[bad-argument]"),
    (appended(MANIFESTS, NAMELESS), "lint", 1, "has no metadata.name"),
    (replaced(*NO_TOOL), "lint", 1, "Did you mean scripts/spark/diagnose_driver.py?"),
    (NO_PAGES, "render", 2, "the page cannot be written"),
    (NO_PAGES, "render --check", 1, "pages that are not what"),
    (REFUSED, "lint", 1, "alerts/broken.yaml:5: [bad-rule]"),
    (REFUSED, "list", 2, "refused-configuration"),
    (REFUSED, "show RB-SPARK-001", 0, "diagnose_driver.py"),
    (OWN_RULE, "list", 2, "unknown"),
    (OWN_RULE, "show RB-SPARK-001", 2, "diagnose_driver.py"),
    (TORN, "lint", 2, "torn.feature:4"),
    (TORN, "render", 2, "torn.feature:4"),
    (TORN, "list", 2, "refused-configuration"),
    (TORN, "show RB-SPARK-001", 2, "diagnose_driver.py"),
    (TORN, "plan RB-SPARK-001", 2, "creates"),
    (TORN, "show torn", 2, "torn.feature:4"),
]


@pytest.mark.parametrize(("edit", "words", "code", "part"), BAD)
def test_bad_input_gets_a_clear_answer(
    checkout: Path, edit: Callable[[Path], object], words: str, code: int, part: str
) -> None:
    edit(checkout)
    found, text = drillbook(checkout, *words.split())
    assert (found, part in text) == (code, True), text


@pytest.mark.parametrize("words", ["lint", "render --check", "list"])
def test_the_checkout_itself_is_good(checkout: Path, words: str) -> None:
    # Without accepted runs the pages say "never drilled", so they are written first.
    assert drillbook(checkout, "render")[0] == 0
    assert drillbook(checkout, *words.split())[0] == 0


# --------------------------------------------------------------------------- the net


def raising(error: BaseException) -> Callable[[], object]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (CouldNotTell("no answer."), 4, "drillbook: no answer.\n"),
        (KeyboardInterrupt(), 130, "drillbook: interrupted\n"),
        (PermissionError(13, "Permission denied", "/x"), 4, "Permission denied: '/x'"),
    ],
)
def test_an_error_is_one_line_and_a_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    assert cli._run(raising(error)) == code
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


def test_a_mistake_of_its_own_leaves_its_traceback_in_a_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cli._run(raising(KeyError("some\nkey"))) == 4
    (log,) = tmp_path.glob("drillbook-*.log")
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(log) in said
    assert "Traceback" in log.read_text()


def test_what_goes_well_is_zero() -> None:
    assert cli._run(lambda: None) == 0


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("halt", "say why"),
        ("halt --why x --lift", "say why"),
        ("halt --why=", "say why"),
        ("undo", "say what"),
        ("drill --leave-standing=3x", "not a duration"),
        ("drill --leave-standing 3h", "2h at most"),
    ],
)
def test_what_ends_drills_or_lasts_is_said_in_full(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str, asked: str
) -> None:
    """Halt ends everybody's drills: somebody once typed it to see what it says."""
    monkeypatch.setattr(sys, "argv", ["drillbook", *words.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert asked in capsys.readouterr().err
