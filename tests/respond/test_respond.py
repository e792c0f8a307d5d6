"""`drillbook respond` with answers from a pipe, beside a stand-in for kubectl that notes what it is
asked, and a Prometheus that says when the last batch was."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.bad_input.command_line import Answer, copied, drillbook
from tests.bad_input.servers import Bad, serving

KUBECTL = """#!/bin/bash
echo "$*" >> "$ASKED"
case "$*" in
  *" get pods "*) echo OOMKilled ;;
  *" logs "*) echo "password=hunter2-correct-horse x"; printf "%190s%s\n" "" "$DB_PASSWORD" ;;
  *limits.memory*) echo 1Gi ;;
  *" set resources "*) [ -z "$FORBIDDEN" ] || { echo Forbidden >&2; exit 1; }; echo updated ;;
  *) exit 9 ;;
esac
"""
CURL = "#!/bin/bash\necho '[]'\n"
HERE = ("RB-SPARK-001", "--set", "NAMESPACE=shop", "--set", "APP=orders", "--context", "lab")
CHANGE = "set resources deployment/orders -c spark-driver --limits=memory=3Gi"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = copied(tmp_path / "checkout")
    (folder / "bin").mkdir()
    for name, text in (("kubectl", KUBECTL), ("curl", CURL)):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    (folder / "asked").touch()
    return folder


def respond(checkout: Path, answers: str, *words: str, **world: str) -> Answer:
    def soon(path: str) -> Bad:
        now = time.time() + 60
        series = [{"metric": {}, "values": [[now, str(now)]]}]
        data = {"resultType": "matrix", "result": series}
        return Bad(body=json.dumps({"status": "success", "data": data}))

    with serving(soon) as server:
        return drillbook(
            checkout,
            *("respond", *HERE, *words),
            answers=answers,
            PATH=f"{checkout}/bin:/usr/bin:/bin",
            ASKED=f"{checkout}/asked",
            PROMETHEUS=server.url,
            ALERTMANAGER="http://127.0.0.1:9",
            **world,
        )


def asked(checkout: Path) -> str:
    return (checkout / "asked").read_text()


def log_of(checkout: Path) -> tuple[Any, str]:
    (folder,) = (checkout / "incidents").iterdir()
    return json.loads((folder / "incident.json").read_text()), (folder / "incident.md").read_text()


def test_an_incident_is_mended_by_its_page(checkout: Path) -> None:
    # A line of the log is cut where the screen's width ends, in the middle of this one.
    answer = respond(checkout, "a\n\nyes\n", DB_PASSWORD="tr0ub4dor-and-three")
    assert answer.code == 0, answer.said
    assert asked(checkout).count(CHANGE) == 1
    log, page = log_of(checkout)
    assert (log["cause"], log["values"]["APP"]) == ("driver-oom", "orders")
    assert log["diagnosed_s"] < log["first_change_s"] < log["over_s"]
    mended = [one["outcome"] for one in log["entries"] if one["phase"] == "remediation"]
    assert mended == ["changed", "holds", "holds"]
    assert str(checkout / "incidents") in answer.said
    for text in (answer.said, page, json.dumps(log)):
        assert not {"hunter2", "tr0ub"} & set(re.findall("hunter2|tr0ub", text))
        assert "LIMIT_BEFORE" in text


@pytest.mark.parametrize(
    ("answers", "part"),
    [
        ("", "Nothing was changed"),
        ("a\n", "Nothing was changed"),
        ("a\n\n", "Nothing was changed"),
        ("a\n\ny\nYES please\n", "Nothing was changed"),
        ("s\ns\nmissing-module\ns\n", "could not tell"),
        ("s\ns\nnobody\nq\n", "Nothing was changed"),
    ],
)
def test_no_line_that_changes_runs_without_yes(checkout: Path, answers: str, part: str) -> None:
    answer = respond(checkout, answers)
    assert (answer.code, part in answer.said) == (1, True), answer.said
    assert " set " not in asked(checkout)
    assert not answers.startswith("s") or " get pods " not in asked(checkout)
    assert log_of(checkout)[0]["over_s"] is None


def test_a_change_that_is_refused_is_said_and_is_no_change(checkout: Path) -> None:
    answer = respond(checkout, "a\n\nyes\n", FORBIDDEN="1")
    assert "exit code 1: Forbidden" in answer.said
    entries = log_of(checkout)[0]["entries"]
    changes = [one["outcome"] for one in entries if one["phase"] == "remediation"]
    assert changes[0] == "could not tell what it changed"


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("--rehearse", "nobody"), 2, "There are driver-oom, missing-module, refused-config"),
        (("--rehearse", "driver-oom"), 4, "no incident of driver-oom was left standing"),
        (("--rehearse", "driver-oom", "--log", "pyproject.toml"), 4, "log cannot be written"),
        (("--log", "pyproject.toml"), 4, "the incident's log cannot be written"),
    ],
)
def test_what_cannot_begin(checkout: Path, words: tuple[str, ...], code: int, part: str) -> None:
    answer = respond(checkout, "a\n\nyes\n", *words)
    assert (answer.code, part in answer.said) == (code, True), answer.said
    assert asked(checkout) == ""
