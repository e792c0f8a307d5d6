"""pytest's reports without secrets: terminal, JUnit XML and Allure, with a drill's worst habits."""

from pathlib import Path

import pytest

SECRET = "hunter2-correct-horse"  # noqa: S105 - of nothing

PLUGIN = f"""
import pytest
from drillbook.plugin.clean_reports import CleanReports
from drillbook.evidence.clean_stream import clean_output
from drillbook.model.errors import CouldNotTell
from drillbook.evidence.redactor import Redactor

def pytest_addoption(parser):
    parser.addoption("--blind", action="store_true")

@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    redactor = Redactor({{}})
    redactor.learn(["{SECRET}"])
    if config.getoption("--blind"):
        redactor.blind = "HTTP 403."
    clean_output(redactor)
    config.pluginmanager.register(CleanReports(redactor))
"""

TESTS = """
import base64, logging, sys, warnings
from urllib.parse import quote
import pytest

SECRET = "-".join(["hunter2", "correct", "horse"])
LINE = "Hello123 ordinary evidence"

def test_a_step_that_fails():
    assert SECRET == "something else", f"expected x, saw {SECRET} in the log; {LINE}"

def test_an_exception_with_a_cause():
    try:
        raise ValueError(f"https://h/login?password={quote(SECRET)}")
    except ValueError as error:
        raise RuntimeError(base64.b64encode(f"orders:{SECRET}".encode()).decode()) from error

@pytest.fixture
def login():
    raise RuntimeError(f"cannot log in with {SECRET}")

def test_a_fixture_that_fails(login):
    pass

@pytest.fixture
def logout():
    yield
    raise RuntimeError(f"cannot log out with {SECRET}")

def test_a_teardown_that_fails(logout):
    pass

def test_what_is_printed_and_logged(record_property):
    print(f"printed {SECRET}")
    print(f"said {SECRET}", file=sys.stderr)
    logging.getLogger().warning("logged %s", SECRET)
    record_property("seen", SECRET)
    warnings.warn(f"warned of {SECRET}")
    local = SECRET
    assert False

def test_a_skip():
    pytest.skip(f"because of {SECRET}")
"""


def everything_under(*places: Path) -> str:
    files = [f for place in places for f in [place, *place.rglob("*")] if f.is_file()]
    return "\n".join(file.read_text("utf-8") for file in files)


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(PLUGIN)
    pytester.makepyfile(TESTS)
    return pytester


@pytest.mark.parametrize(
    ("tb", "capture"), [("short", "-s"), ("long", "--capture=fd"), ("native", "--capture=fd")]
)
def test_no_artefact_holds_a_secret(project: pytest.Pytester, tb: str, capture: str) -> None:
    done = project.runpytest_subprocess(
        *("--junitxml=junit.xml", "--alluredir=allure", f"--tb={tb}", capture),
        *("--showlocals", "-rA", "-W", "default", "-p", "no:cacheprovider"),
    )
    done.assert_outcomes(failed=3, passed=1, errors=2, skipped=1, warnings=2)
    junit = everything_under(project.path / "junit.xml")
    allure = everything_under(project.path / "allure")
    printed = done.stdout.str() + done.stderr.str()
    for artefact in (junit, allure, printed):
        assert "[redacted]" in artefact
        assert "Hello123 ordinary evidence" in artefact
        for form in (SECRET, "aHVudGVyMi1jb3JyZWN0LWhvcnNl", "odW50ZXIyLWNvcnJlY3QtaG9yc2"):
            assert form not in artefact


def test_what_is_clean_is_left_as_pytest_makes_it(project: pytest.Pytester) -> None:
    project.makepyfile("def test_a():\n    number = 1\n    assert number == 2\n")
    done = project.runpytest_subprocess("-p", "no:cacheprovider")
    done.stdout.fnmatch_lines(["E *assert 1 == 2", "*FAILED*assert 1 == 2*"])


def test_while_nothing_can_be_told_every_text_is_withheld(project: pytest.Pytester) -> None:
    done = project.runpytest_subprocess(
        "--blind", "--junitxml=junit.xml", "--alluredir=allure", "-s", "-p", "no:cacheprovider"
    )
    assert done.ret == 1
    artefacts = everything_under(project.path / "junit.xml", project.path / "allure")
    assert "withheld: the namespace's Secrets could not be read" in artefacts
    printed = done.stdout.str() + done.stderr.str()
    assert "ordinary evidence" not in artefacts + printed
    assert SECRET not in artefacts + printed


def test_without_the_plugin_they_would_hold_it(pytester: pytest.Pytester) -> None:
    """The check that can fail: the same tests, nothing redacted."""
    pytester.makepyfile(TESTS)
    done = pytester.runpytest_subprocess("--junitxml=junit.xml", "--alluredir=allure", "-rA")
    for text in (
        done.stdout.str(),
        everything_under(pytester.path / "junit.xml"),
        everything_under(pytester.path / "allure"),
    ):
        assert SECRET in text
