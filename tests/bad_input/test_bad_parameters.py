"""`; id`, `$(id)`, backticks, newlines, `--all`, `-n kube-system`, `x"} or vector(1)`, `'; DROP` as
parameters of every sentence there is: one argv item, a bound parameter or an escaped matcher, or
rejected by the name's grammar; never executed."""

import dataclasses
import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from drillbook.book import checkout as book
from drillbook.book import reader
from drillbook.book.bind import Binder
from drillbook.book.sentences import Definition
from drillbook.model import BoundStep, Command, command, resolve
from drillbook.model.errors import CouldNotTell
from drillbook.sources import Series
from tests.bad_input.command_line import FEATURE
from tests.bad_input.servers import Bad, serving
from tests.forked import ROOT
from tests.sources.test_answers import connections

HOSTILE = (
    *("; id", "$(id)", "`id`", "a\nid", "--all", "-n kube-system", 'x"} or vector(1)'),
    *("'; DROP TABLE orders; --", '"},"immutable":true,"x":{"y":"', "a b", "*", "~", "{a,b}"),
    *("$HOME", "${IFS}id", "| id", "> canary", "\\", "!!", "%s", "-", "#", "../../etc/passwd"),
)
DEFINITIONS = book.definitions(ROOT)
RUNBOOK = reader.read(ROOT / FEATURE, ROOT)
FILLED = {
    "{duration}": "90s",
    "{quantity}": "3Gi",
    "{int}": "3",
    "{word}": "w",
    "{part}": 'the driver of "orders"',
    "{float}": "1.5",
}


def filled(lines: Sequence[Command], value: str) -> dict[str, str]:
    """Every variable of the lines with one value."""
    return {name: value for line in lines for name in line.variables}


def leaves(value: Any) -> int:
    return sum(map(leaves, value.values())) if isinstance(value, dict) else 1


def quotings(value: str) -> Iterator[str]:
    """A value as a {string}, in each way that its grammar has."""
    escaped = value.replace("\\", "\\\\")
    for mark in "\"'":
        yield mark + escaped.replace(mark, f"\\{mark}") + mark
        yield mark + value + mark


def sentences(definition: Definition, value: str) -> Iterator[str]:
    """The sentence with the value in each of its places in turn, and the ordinary in the others."""
    holes = re.findall(r"\{\w*\}", definition.pattern)
    for place, hole in enumerate(holes):
        written = list(quotings(value)) if hole in ("{string}", "{}") else [value]
        for hostile in written:
            words = [FILLED.get(h, '"orders"') for h in holes]
            words[place] = hostile
            pieces = re.split(r"\{\w*\}", definition.pattern)
            text = "".join(p + w for p, w in zip(pieces, [*words, ""], strict=True))
            yield text


def bound(definition: Definition, text: str) -> list[BoundStep]:
    """What the sentence becomes in the place of the runbook's own steps of its kind."""
    one = reader.Step(keyword=definition.keyword, text=text, line=9999)
    first, *rest = RUNBOOK.causes
    scenarios = (dataclasses.replace(first.scenarios[0], steps=(one,)), *first.scenarios[1:])
    if definition.keyword == "given":
        cause = dataclasses.replace(first, background=(one,))
    else:
        cause = dataclasses.replace(first, scenarios=scenarios)
    runbook = dataclasses.replace(RUNBOOK, causes=(cause, *rest))
    found, problems = Binder(DEFINITIONS).bind(runbook)
    if any(p.line == 9999 for p in problems) or found is None:
        return []
    every = [s for c in found.causes for s in (*c.background, *_steps(c))]
    return [s for s in every if s.step.line == 9999]


def _steps(cause: Any) -> list[BoundStep]:
    return [step for scenario in cause.scenarios for step in scenario.steps]


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """A PATH of programs that only say with what they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    names = ("kubectl", "curl", "python3", "id", "aws", "psql")
    for name in names:
        program = folder / name
        program.write_text(f"#!/bin/bash\nprintf '%s\\0' {name} \"$@\"\nprintf '\\36'\n", "utf-8")
        program.chmod(0o755)
    return folder


def arguments(
    lines: Sequence[Command], stubs: Path, values: Mapping[str, str]
) -> list[list[list[str]]]:
    """For each line the calls that it makes, each with its arguments, by a drill's shell."""
    done = subprocess.run(
        ["/bin/bash", "-eu", "-c", "\n".join(f"{line}\nprintf '\\35'" for line in lines)],
        env={**values, "PATH": str(stubs), "HOME": "/root"},
        cwd=stubs.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [p.name for p in stubs.parent.iterdir()] == ["bin"], "a line wrote a file"
    assert done.stderr == ""
    by_line = done.stdout.split("\x1d")[:-1]
    return [[call.split("\0")[:-1] for call in one.split("\x1e")[:-1]] for one in by_line]


ASKED = [definition for definition in DEFINITIONS if "{" in definition.pattern]


@pytest.mark.parametrize("definition", ASKED, ids=lambda d: d.build.__name__)
def test_a_hostile_parameter_is_one_argument_or_refused(
    definition: Definition, stubs: Path
) -> None:
    texts = {text for value in HOSTILE for text in sentences(definition, value)}
    taken = sorted(text for text in texts if definition.arguments(text) is not None)
    lines = list(
        dict.fromkeys(
            line for text in taken for s in bound(definition, text) for line in s.value.lines()
        )
    )
    hole = re.findall(r"\{\w*\}", definition.pattern)[0]
    usual = bound(definition, next(sentences(definition, FILLED.get(hole, "x"))))
    plain = [patch for step in usual for patch in patches(step.value.lines())]
    most = max(map(leaves, plain), default=1)
    called = arguments(lines, stubs, filled(lines, "7"))
    for line, calls in zip(lines, called, strict=True):
        assert len(calls) == 1, f"{line} calls {calls}"
        assert {"--all", "-n kube-system"}.isdisjoint(calls[0]), line
        for patch in (json.loads(word) for word in calls[0] if word.startswith('{"')):
            assert leaves(patch) <= most, line


def patches(lines: Iterable[Command]) -> Iterator[Any]:
    for line in lines:
        for word in line.words:
            text = resolve(word, dict.fromkeys(line.variables, "7"))
            if text.startswith('{"'):
                yield json.loads(text)


def test_hostile_parameters_do_reach_commands(stubs: Path) -> None:
    """So that the test above cannot pass because nothing binds any more."""
    (definition,) = [d for d in ASKED if d.build.__name__ == "alert_fires"]
    texts = list(sentences(definition, "$(id); id"))
    steps = [step for text in texts for step in bound(definition, text)]
    lines = [line for step in steps for line in step.value.lines()]
    called = arguments(lines, stubs, filled(lines, "v"))
    assert 'filter=alertname="$(id); id"' in [word for (call,) in called for word in call]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_of_a_variable_is_one_argument(value: str, stubs: Path) -> None:
    """What a responder's variable holds came from a cluster: nobody chose it."""
    found, _ = Binder(DEFINITIONS).bind(RUNBOOK)
    assert found is not None
    lines = {
        line
        for cause in found.causes
        for step in (*cause.background, *_steps(cause))
        for line in step.value.lines()
    }
    assert lines
    every = sorted(lines, key=str)
    plain = arguments(every, stubs, filled(every, "v"))
    hostile = arguments(every, stubs, filled(every, value))
    for line, one, other in zip(every, plain, hostile, strict=True):
        assert [len(call) for call in other] == [len(call) for call in one] != [], str(line)


# --------------------------------------------------------------------------- queries


def test_a_hostile_label_is_escaped_in_a_query(tmp_path: Path) -> None:
    hostile = 'x"} or vector(1) # \\ \n'
    source = Series(metric="batch", labels=(("app", hostile), ("namespace", Series.prometheus)))
    values: dict[str, str] = {}

    def answer(path: str) -> Bad:
        values.update({k: v[0] for k, v in parse_qs(urlsplit(path).query).items()})
        return Bad(body="{}")

    with serving(answer) as server:
        clients = connections(tmp_path, server.url)
        clients.values["PROMETHEUS"] = server.url
        with pytest.raises(CouldNotTell, match="not an answer of Prometheus"):
            source.read(clients)
    assert values["query"] == (
        'batch{app="x\\"} or vector(1) # \\\\ \\n", namespace="' + server.url + '"}[1m]'
    )


@pytest.mark.parametrize("value", [*HOSTILE, "", "1m", "a-b"])
def test_a_name_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="is not the name of"):
        Series(metric=value, labels=())
    with pytest.raises(ValueError, match="is not the name of"):
        Series(metric="batch", labels=((value, "x"),))


def test_the_check_can_fail(stubs: Path) -> None:
    """A line put together as text calls a second program."""

    class Text(Command):
        def __str__(self) -> str:
            return "kubectl get pods; id"

    assert len(arguments([Text(words=())], stubs, {})[0]) > 1
    assert len(arguments([command("kubectl", "$(id); id")], stubs, {})[0]) == 1


def test_every_hole_of_every_sentence_is_filled() -> None:
    """A parameter type that is not known above would be left out without a word."""
    holes = {hole for d in ASKED for hole in re.findall(r"\{\w*\}", d.pattern)}
    assert holes <= {*FILLED, "{string}"}
