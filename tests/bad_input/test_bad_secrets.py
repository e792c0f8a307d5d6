"""A secret in a step, a log, an environment variable, an exception, encoded in base64 or a URL:
redacted in records, pages, JUnit, Allure and logs.

JUnit and Allure: tests/test_clean_reports.py; a whole drill: tests/on_cluster/test_secrets.py.
"""

import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from drillbook.cli import app as cli
from drillbook.evidence.redactor import Redactor
from tests.bad_input.command_line import FEATURE, drillbook, replace

SECRET = "hunter2 correct/horse+"  # noqa: S105 - of nothing
TOKEN = "ghp_" + "a1" * 18
PAGE = "runbooks/spark/driver-crash-loop.md"
READABLE = """
from drillbook.model import Var, Word, join
from drillbook.model.matchers import equals
from drillbook.sources import Tool

@then("{string} is readable")
def readable(app: Word) -> Probe:
    url = join("https://", app, ":", Var("POD"), "@db:5432/", app)
    words = ("curl", "-fsS", "--max-time", "5", "--get", url)
    return Probe(source=Tool(words=words, field="x"), expect=equals(""))
"""


def encoded(secret: str) -> dict[str, str]:
    raw = secret.encode()
    login = base64.b64encode(f"orders:{secret}".encode()).decode()
    return {
        "plain": secret,
        "base64": base64.b64encode(raw).decode(),
        "base64 with a newline": base64.b64encode(raw + b"\n").decode(),
        "base64 for URLs": base64.urlsafe_b64encode(raw).decode(),
        "base64 inside of more": login,
        "base64 inside of a word": f"xx{base64.b64encode(b'ab' + raw).decode()}",
        "URL": f"https://h/?p={quote(secret, safe='')}",
        "URL, blanks as plus": f"p={secret.replace(' ', '+').replace('+', '%2B')}",
        "URL in small letters": quote(secret, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
        "URL twice": quote(quote(secret, safe=""), safe=""),
        "JSON": f'{{"p": "{secret}"}}',
        "hexadecimal": raw.hex(),
        "coloured": f"{secret[:4]}\x1b[31m{secret[4:]}",
        "with an invisible character": f"{secret[:4]}\u200b{secret[4:]}",
    }


@pytest.mark.parametrize(
    "form", [form for form in encoded(SECRET) if form != "URL, blanks as plus"]
)
def test_a_known_secret_in_every_form(form: str) -> None:
    one = Redactor({"ORDERS_DB_PASSWORD": SECRET})
    text = one.text(f"the log says {encoded(SECRET)[form]} and more")
    assert "[redacted]" in text
    for shown in encoded(SECRET).values():
        assert shown not in text
    assert "and more" in text
    assert Redactor({}).text("the log says nothing and more") == "the log says nothing and more"


def test_a_secret_in_a_step_is_told_and_not_printed(checkout: Path) -> None:
    replace(checkout, FEATURE, '"SparkDriverCrashLoop" fires', f'"{TOKEN}" fires')
    answer = drillbook(checkout, "lint")
    assert answer.code == 1, answer.said
    assert "[secret]" in answer.said
    assert TOKEN not in answer.said
    assert TOKEN not in drillbook(checkout, "show", "RB-SPARK-001").said


@pytest.mark.parametrize("place", ["  Impact: ", "    Scenario: "])
def test_no_page_is_written_of_it(checkout: Path, place: str) -> None:
    before = (checkout / PAGE).read_text("utf-8")
    replace(checkout, FEATURE, place, f"{place}{TOKEN} ")
    answer = drillbook(checkout, "render")
    assert (answer.code, "[secret]" in answer.said) == (1, True), answer.said
    assert TOKEN not in answer.said
    assert (checkout / PAGE).read_text("utf-8") == before


def test_a_variable_is_printed_as_the_line_that_ran(checkout: Path) -> None:
    line = 'curl -fsS --max-time 5 --get https://"$APP":"$POD"@db:5432/"$APP"'
    end = 'with reason "OOMKilled"\n'
    replace(checkout, FEATURE, end, f'{end}      And "orders" is readable\n')
    with (checkout / "steps/alerts.py").open("a") as file:
        file.write(READABLE)
    for words in (("lint",), ("render",), ("show", "RB-SPARK-001")):
        answer = drillbook(checkout, *words)
        assert answer.code == 0, answer.said
    assert line in answer.said
    assert line in (checkout / PAGE).read_text("utf-8")


def test_an_environment_variable_in_an_error(checkout: Path) -> None:
    said = drillbook(checkout, "lint", f"features/{SECRET}", ORDERS_DB_PASSWORD=SECRET).said
    assert "no such file or folder" in said
    assert SECRET not in said


def test_a_mistake_of_our_own_leaves_none_in_its_log(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("ORDERS_DB_PASSWORD", SECRET)

    def mistake() -> None:
        raise KeyError(f"{'x' * 90}\n{'x' * 99} {SECRET}")

    assert cli._run(mistake) == 4
    (log,) = tmp_path.glob("drillbook-*.log")
    said = capsys.readouterr().err
    assert (said.count("\n"), str(log) in said) == (1, True)
    for text in ("Traceback", "KeyError", "[redacted]"):
        assert text in log.read_text()
    for text in (log.read_text(), said):
        assert SECRET not in text
        assert "hunter2" not in text
