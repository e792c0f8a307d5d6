"""Which cause holds now: every cause's diagnosis lines, run side by side in the responder's shell.
Wrong is not unknown: a line that gave no answer speaks neither for a cause nor against it."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from drillbook.evidence.markdown import cause_anchor
from drillbook.model import (
    BoundCause,
    BoundRunbook,
    Command,
    Credential,
    Endpoint,
    Probe,
    Var,
    command,
    join,
)
from drillbook.model.errors import CouldNotTell
from drillbook.model.matchers import Contains
from drillbook.pages.page_words import words_of
from drillbook.pages.variables import ALERTMANAGER, MOMENT, MONITORING, PROMETHEUS, filled_in
from drillbook.respond.shell import Shell

LABELS: Final = {name.upper(): name for name in ("namespace", "pod", "node", "container")}
"""Variable -> the alert's label that holds its value."""
_SERVICES: Final = {"PROMETHEUS": PROMETHEUS, "ALERTMANAGER": ALERTMANAGER}
_VALUE: Final = re.compile(r"[A-Za-z0-9_][\w.:/@-]*", re.ASCII)
"""What may follow `kubectl get pod`: no option, no second word, no selector of more than one."""

Learn = Callable[[Iterable[str]], None]


class Outcome(StrEnum):
    HOLDS = "holds"
    NOT = "does not hold"
    UNKNOWN = "could not tell"


class Verdict(StrEnum):
    ONE = "one cause holds"
    NONE = "no cause holds"
    SEVERAL = "several causes hold"
    UNKNOWN = "could not tell"


@dataclass(frozen=True, kw_only=True)
class LineFound:
    """One diagnosis line. `said`: what it printed, of a text that was searched the lines found."""

    command: str
    expect: str
    outcome: Outcome
    said: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class CauseFound:
    id: str
    name: str
    fix: str
    """Page and anchor."""
    lines: tuple[LineFound, ...]

    @property
    def outcome(self) -> Outcome:
        """One line that does not hold is enough against it; all must hold for it."""
        found = {line.outcome for line in self.lines}
        if Outcome.NOT in found:
            return Outcome.NOT
        return Outcome.HOLDS if found == {Outcome.HOLDS} else Outcome.UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One place of a runbook, and its causes; `why`: why nothing could be asked there."""

    runbook: str
    title: str
    alert: str
    values: Mapping[str, str]
    causes: tuple[CauseFound, ...] = ()
    why: str = ""

    @property
    def verdict(self) -> Verdict:
        found = [cause.outcome for cause in self.causes]
        if found.count(Outcome.HOLDS) > 1:
            return Verdict.SEVERAL
        if self.why or not found or Outcome.UNKNOWN in found:
            return Verdict.UNKNOWN
        return Verdict.ONE if Outcome.HOLDS in found else Verdict.NONE


def alerts(shell: Shell) -> list[dict[str, str]]:
    """The labels of every active alert. Raises CouldNotTell."""
    _reach("ALERTMANAGER", shell)
    address = join(Var("ALERTMANAGER"), "/api/v2/alerts")
    words = ("curl", "-fsS", "--max-time", "4", "--get", address)
    said = shell.ask(command(*words, "--data-urlencode", "active=true"))
    try:
        return [{str(k): str(v) for k, v in one["labels"].items()} for one in json.loads(said)]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CouldNotTell("Alertmanager answered without a list of alerts") from error


def places(
    bound: BoundRunbook, given: Mapping[str, str], firing: Callable[[], Sequence[Mapping[str, str]]]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Alert and values of each place to ask; none when no alert of the runbook fires. No alert is
    asked for (and its name is empty) where `given` says all that its labels would, or where the
    runbook is an operation."""
    wanted = [v for v in _closure(bound, given) if v in LABELS and v not in given]
    if not wanted or bound.runbook.is_operation:
        yield "", {}
        return
    seen: set[tuple[str, ...]] = set()
    for labels in firing():
        held = {v: labels[LABELS[v]] for v in wanted if LABELS[v] in labels}
        key = tuple(held.get(v, "") for v in wanted)
        # A value that was given says which of several is meant.
        meant = all(labels.get(LABELS[v], x) == x for v, x in given.items() if v in LABELS)
        if labels.get("alertname") in bound.runbook.alerts and meant and key not in seen:
            seen.add(key)
            yield labels["alertname"], held


def diagnose(
    bound: BoundRunbook, alert: str, values: Mapping[str, str], shell: Shell, learn: Learn
) -> Incident:
    """Ask every cause of a runbook in one place. `learn`: takes values that are secret."""
    found = dict(values)
    runbook = bound.runbook
    about = Incident(runbook=runbook.id, title=runbook.title, alert=alert, values={})
    secret: set[str] = set()
    try:
        for variable in _closure(bound, found):
            if variable not in found and variable not in shell.environment:
                found[variable], hidden = _value(variable, bound, found, shell)
                secret |= {variable} if hidden else set()
                learn([found[variable]] if hidden else [])
            if variable in LABELS or variable in _finds(bound):
                _refuse_hostile(variable, found.get(variable) or shell.environment[variable])
    except CouldNotTell as error:
        return replace(about, values=_shown(found, secret), why=str(error))
    probes = {str(p.source.command()): p for one in bound.causes for p in _probes(one, bound)}
    with ThreadPoolExecutor(max(1, len(probes))) as pool:
        said = dict(
            zip(probes, pool.map(lambda p: _ask(p, found, shell), probes.values()), strict=True)
        )
    causes = tuple(_cause(cause, bound, said) for cause in bound.causes)
    return replace(about, values=_shown(found, secret), causes=causes)


def _shown(found: Mapping[str, str], secret: set[str]) -> dict[str, str]:
    return {name: value for name, value in found.items() if name not in secret}


def _probes(cause: BoundCause, bound: BoundRunbook) -> Iterator[Probe]:
    """What tells a cause: its diagnosis, and where no alert has told it, its detection."""
    phases = words_of(bound.runbook).asked
    steps = (step for phase in phases for one in cause.of(phase) for step in one.steps)
    return (step.value for step in steps if isinstance(step.value, Probe))


def _finds(bound: BoundRunbook) -> dict[str, Command]:
    by_hand = filled_in(bound)
    finds = (find for name in bound.names for find in name.finds)
    return {find.var.name: find.command for find in finds if find.var.name not in by_hand}


def _closure(bound: BoundRunbook, given: Mapping[str, str]) -> list[str]:
    """Every variable that the diagnosis needs, each after what finds it needs."""
    order: list[str] = []

    def need(line: Command) -> None:
        unseen = ("PROMETHEUS",) if MOMENT in line.words else ()
        for variable in (*sorted(line.variables), *unseen):
            if variable not in order:
                way = None if variable in given else _ways(bound).get(variable)
                if way is not None:
                    need(way.forward() if isinstance(way, Endpoint) else _secret(way))
                elif variable in _finds(bound) and variable not in given:
                    need(_finds(bound)[variable])
                order.append(variable)

    for cause in bound.causes:
        for probe in _probes(cause, bound):
            need(probe.source.command())
    return order


def _ways(bound: BoundRunbook) -> dict[str, Endpoint | Credential]:
    parts = [one for cause in bound.causes for one in cause.workload.components]
    every: list[Endpoint | Credential] = []
    for one in parts:
        every += [*one.endpoints, *one.credentials]
    return {way.var.name: way for way in every}


def _secret(way: Credential) -> Command:
    place = ("kubectl", "--context", Var("CONTEXT"), "-n", Var("NAMESPACE"), "get", "secret")
    return command(*place, way.secret, "-o", f"jsonpath={{.data.{way.key}}}")


def _value(
    variable: str, bound: BoundRunbook, found: Mapping[str, str], shell: Shell
) -> tuple[str, bool]:
    """A variable's value, and whether it is secret. Raises CouldNotTell."""
    way = _ways(bound).get(variable)
    if isinstance(way, Endpoint):
        return shell.forward(way.forward(), found), False
    if isinstance(way, Credential):
        try:
            return base64.b64decode(shell.ask(_secret(way), found), validate=True).decode(), True
        except (binascii.Error, UnicodeDecodeError) as error:
            raise CouldNotTell(f"{variable}: the Secret holds no text under its key") from error
    if variable in _finds(bound):
        line = _finds(bound)[variable]
        try:
            return shell.ask(line, found), False
        except CouldNotTell as error:
            hint = f"Give it by hand: --set {variable}=..."
            raise CouldNotTell(f"{variable} was not found: {line}: {error}. {hint}") from error
    if variable in _SERVICES:
        _reach(variable, shell)
        return shell.environment[variable], False
    if variable == "NAMESPACE" and not bound.runbook.alerts:
        path = "'jsonpath={.contexts[0].context.namespace}'"
        line_of_config = f'kubectl --context "$CONTEXT" config view --minify -o {path}'
        return shell.run(line_of_config, found), False
    label = LABELS.get(variable)
    why = f"the alert has no label {label!r}" if label else "nothing says its value"
    why = filled_in(bound).get(variable, why)
    raise CouldNotTell(f"{variable}: {why}. Give it by hand: --set {variable}=...")


def _reach(variable: str, shell: Shell) -> None:
    """The address of monitoring: the responder's own, or by way of the cluster."""
    if variable not in shell.environment:
        service, port = _SERVICES[variable]
        place = ("kubectl", "--context", Var("CONTEXT"), "-n", MONITORING, "port-forward")
        line = command(*place, f"service/{service}", f":{port}")
        shell.environment[variable] = f"http://{shell.forward(line, {})}"


def _refuse_hostile(variable: str, value: str) -> None:
    """A label's value is whatever somebody wrote there: it must not become an option."""
    if not _VALUE.fullmatch(value):
        raise CouldNotTell(
            f"{variable} is {value[:80]!r}, which is no name. Give it by hand: --set {variable}=..."
        )


def _ask(probe: Probe, values: Mapping[str, str], shell: Shell) -> tuple[str, str]:
    """What the line printed, and why nobody can tell what it says; empty when one can."""
    try:
        said = shell.ask(probe.source.command(), values)
        probe.source.parse(said)
    except CouldNotTell as error:
        return "", str(error)
    return said, ""


def _cause(
    cause: BoundCause, bound: BoundRunbook, said: Mapping[str, tuple[str, str]]
) -> CauseFound:
    lines = tuple(_judged(p, *said[str(p.source.command())]) for p in _probes(cause, bound))
    page = PurePosixPath("runbooks", *bound.runbook.path.parts[1:]).with_suffix(".md")
    fix = f"{page}#{cause_anchor(cause.cause.id)}"
    return CauseFound(id=cause.cause.id, name=cause.cause.name, fix=fix, lines=lines)


def _judged(probe: Probe, said: str, why: str) -> LineFound:
    line, expect = str(probe.source.command()), probe.expect.describe()
    if why:
        return LineFound(command=line, expect=expect, outcome=Outcome.UNKNOWN, why=why)
    holds = probe.expect.holds(probe.source.parse(said), None)
    outcome = Outcome.HOLDS if holds else Outcome.NOT
    shown = probe.expect.lines(said) if holds and isinstance(probe.expect, Contains) else said
    return LineFound(command=line, expect=expect, outcome=outcome, said=shown)
