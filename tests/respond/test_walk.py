"""A change that a person said yes to: what is found before it, and what the log says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from rich.console import Console

from drillbook.cli.commands.respond import Terminal
from drillbook.evidence.redactor import Redactor
from drillbook.model import (
    Action,
    BoundRunbook,
    Credential,
    Duration,
    Endpoint,
    FilledIn,
    Finding,
    Phase,
    Risk,
    Var,
    Workload,
    command,
)
from drillbook.respond.incident_log import IncidentLog
from drillbook.respond.shell import Shell
from drillbook.respond.variables import Place
from drillbook.respond.walk import Stopped, Walk
from drillbook.sources import Http
from tests import runbook_examples as examples

PASSWORD = Credential(var=Var("OWNER_PASSWORD"), secret="owner", key="password")


def walk(folder: Path, action: Action, kubectl: str, asked: list[str], answer: str = "yes") -> Walk:
    bound = runbook(action)
    program = folder / "kubectl"
    program.write_text(f"#!/bin/bash\n{kubectl}\n")
    program.chmod(0o755)
    world = {"PATH": f"{folder}:/usr/bin:/bin", "CONTEXT": "c"}
    place = Place(bound, Shell(world, folder), lambda _: None, {"NAMESPACE": "n", "APP": "a"})
    log = IncidentLog(
        folder=folder / "log",
        seen=lambda value: value,
        **{"runbook": "R", "title": "t", "version": "1", "alert": "", "rehearsal": ""},
        values={},
    )

    def hear(question: str) -> str:
        asked.append(question)
        return answer

    return Walk(place=place, log=log, say=asked.append, hear=hear, read_s=0, change_s=5)


def runbook(action: Action) -> BoundRunbook:
    load = Workload((replace(examples.component(), credentials=(PASSWORD,)),))
    one = examples.scenario(Phase.REMEDIATION, "x", examples.step("x", action, keyword="when"))
    return examples.runbook(examples.cause(scenarios=(one,), load=load))


def test_nobody_is_asked_for_a_change_that_cannot_run(tmp_path: Path) -> None:
    asked: list[str] = []
    action = Action(command=command("touch", "changed", PASSWORD.var))
    one = walk(tmp_path, action, "echo Forbidden >&2; exit 1", asked)
    one.mend(one.place.bound.causes[0])
    assert "Forbidden" in "".join(asked)
    assert "nothing is changed" in "".join(asked)
    assert not any("changes the system" in text for text in asked)
    assert ([entry.did for entry in one.log.entries], one.tried) == (["skipped"], False)


def test_what_was_not_found_is_looked_for_when_all_is_asked_again(tmp_path: Path) -> None:
    kubectl = f"""[ -e {tmp_path}/tried ] || {{ touch {tmp_path}/tried; echo no pod; exit 1; }}
    echo 'Forwarding from 127.0.0.1:4 -> 80'; exec sleep 60"""
    at = Endpoint(var=Var("AT"), service="shop", port=80)
    asks = examples.step("x", examples.probe(source=Http(url="/x", endpoint=at)))
    load = Workload((replace(examples.component(), endpoints=(at,)),))
    scenario = examples.scenario(Phase.DIAGNOSIS, "x", asks)
    bound = examples.runbook(examples.cause(scenarios=(scenario,), load=load))
    one = walk(tmp_path, Action(command=command("true")), kubectl, [])
    answers = iter(("a", "r", "q"))
    place = replace(one.place, bound=bound)
    asking = replace(one, place=place, hear=lambda _: next(answers))
    with place.shell, pytest.raises(Stopped):
        asking.which_cause()
    first, second = (entry.said for entry in one.log.entries)
    assert "no pod" in first
    assert "no pod" not in second


@pytest.mark.parametrize(("answer", "asked_to_change"), [("", False), ("yes", True)])
def test_what_is_not_mended_is_not_made_to_last(
    tmp_path: Path, answer: str, asked_to_change: bool
) -> None:
    action = Action(command=command("touch", "changed"))
    steps = (
        (Phase.REMEDIATION, examples.step("x", examples.probe())),
        (Phase.PREVENTION, examples.step("y", action, keyword="when")),
    )
    cause = examples.cause(scenarios=tuple(examples.scenario(p, "z", one) for p, one in steps))
    asked: list[str] = []
    answers = iter(("a", "", answer, "q"))

    def hear(question: str) -> str:
        asked.append(question)
        return next(answers)

    with pytest.raises(Stopped):
        replace(walk(tmp_path, action, "echo Error", asked), hear=hear).mend(cause)
    assert any("changes the system" in text for text in asked) is asked_to_change


def test_where_nothing_was_checked_nothing_is_over(tmp_path: Path) -> None:
    one = walk(tmp_path, Action(command=command("true")), "exit 1", [])
    assert one.mend(one.place.bound.causes[0]) is False
    assert one.log.over_s is None


def test_a_change_that_was_interrupted_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(line: str, values: Mapping[str, str], within_s: float) -> str:
        assert within_s == 1200, "its own budget"
        raise KeyboardInterrupt

    action = Action(command=command("touch", "changed"), within=Duration("20m"))
    one = walk(tmp_path, action, "exit 1", [])
    monkeypatch.setattr(one.place.shell, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        one.mend(one.place.bound.causes[0])
    assert [entry.outcome for entry in one.log.entries] == ["could not tell what it changed"]
    assert "could not tell what it changed" in one.log.page.read_text()


@pytest.mark.parametrize("answer", ["q", "s", ""])
def test_what_skips_and_stops_is_no_value(tmp_path: Path, answer: str) -> None:
    asked: list[str] = []
    new = FilledIn(var=Var("NEW"), says="the new one.", in_drill="x")
    action = Action(command=command("touch", new.var), reads=(new,), risk=Risk.DESTROYS)
    one = walk(tmp_path, action, "exit 1", asked, answer)
    one._all = True
    with pytest.raises(Stopped):
        one.mend(one.place.bound.causes[0])
    assert (len(one.log.entries), "NEW" in one.place.found) == (answer != "q", False)
    assert not any("changes the system" in text for text in asked)


def test_what_takes_a_change_back_says_what_was_there_before(tmp_path: Path) -> None:
    asked: list[str] = []
    before = Var("BEFORE")
    find = Finding(var=before, command=command("kubectl", "get", "pods"))
    back = command("kubectl", "--context", Var("CONTEXT"), "set", before, PASSWORD.var)
    action = Action(command=command("true"), reads=(find,), rollback=back)
    one = walk(tmp_path, action, "echo 1 Gi", asked)
    one._all = True
    one.place.found["OWNER_PASSWORD"] = "hunter2"  # noqa: S105 - of nothing
    one.place._secret.add("OWNER_PASSWORD")
    one.mend(one.place.bound.causes[0])
    said = f"export BEFORE='1 Gi'\n    export CONTEXT=c\n    {action.back}"
    assert any(said in text for text in asked)
    assert not any("hunter2" in text for text in asked)


def test_what_cannot_be_undone_is_said_before_it_is_done(tmp_path: Path) -> None:
    asked: list[str] = []
    action = Action(command=command("touch", "changed"), risk=Risk.DESTROYS)
    one = walk(tmp_path, action, "exit 1", asked, "s")
    with pytest.raises(Stopped):
        one.mend(one.place.bound.causes[0])
    assert any("it cannot be undone" in text for text in asked)


def test_a_credential_that_was_given_by_hand_is_hidden(tmp_path: Path) -> None:
    learned: list[str] = []
    bound = runbook(Action(command=command("touch", "changed")))
    given = {"NAMESPACE": "n", "OWNER_PASSWORD": "hunter2", "LAKE_SECRET": "swordfish"}
    with Shell({}, tmp_path) as shell:
        place = Place(bound, shell, learned.extend, given)
        assert place.shown == {"NAMESPACE": "n"}
    assert learned == ["hunter2", "swordfish"]


def test_a_byte_that_is_no_text_is_an_answer_as_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b"y\xff\nyes\n"), "utf-8"))
    terminal = Terminal(Console(quiet=True), Redactor({}))
    assert [terminal.hear("?") for _ in range(3)] == ["y\ufffd", "yes", None]
