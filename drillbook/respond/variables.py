"""The values of a page's variables in one place of a live incident, found as the page finds them:
by the alert's labels, by the command of each name, by a port or a Secret of a component."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from drillbook.evidence.redact import holds_secret
from drillbook.model import BoundRunbook, Command, Credential, Endpoint, Var, command
from drillbook.model.errors import CouldNotTell
from drillbook.pages.variables import (
    ALERTMANAGER,
    LABELS,
    MOMENT,
    MONITORING,
    PROMETHEUS,
    filled_in,
    namespace_in_use,
)
from drillbook.respond.shell import Shell

_SERVICES: Final = {"PROMETHEUS": PROMETHEUS, "ALERTMANAGER": ALERTMANAGER}
_VALUE: Final = re.compile(r"[A-Za-z0-9_][\w.:/@-]*", re.ASCII)
"""What may follow `kubectl get pod`: no option, no second word, no selector of more than one."""

Learn = Callable[[Iterable[str]], None]
"""Takes values that are secret."""


@dataclass
class Place:
    """One place of a runbook, and the values found there. What the shell's environment holds under
    the name of a label or of an own name is another incident's: only what was given counts."""

    bound: BoundRunbook
    shell: Shell
    learn: Learn
    found: dict[str, str]
    lost: dict[str, str] = field(default_factory=dict)
    """The variables that were not found, and why."""
    _secret: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        ways = _ways(self.bound)
        for name, value in self.found.items():
            if isinstance(ways.get(name), Credential) or holds_secret(name):
                self._secret.add(name)
                self.learn([value])

    @property
    def shown(self) -> dict[str, str]:
        """What may be shown."""
        return {name: value for name, value in self.found.items() if name not in self._secret}

    def fill(self, lines: Iterable[Command]) -> None:
        """Find the value of every variable of these lines; what was lost is not looked for again.
        Raises CouldNotTell."""
        for variable in closure(self.bound, lines, self.found):
            own = variable in LABELS or variable in _finds(self.bound)
            if variable not in self.found and (own or variable not in self.shell.environment):
                self._find(variable)
            if own:
                _refuse_hostile(variable, self.found[variable])

    def look_again(self) -> None:
        """Look for what was lost, and open the components' ports anew: whoever was behind one may
        have been replaced."""
        self.lost.clear()
        for variable, way in _ways(self.bound).items():
            if isinstance(way, Endpoint) and variable in self.found:
                self.shell.close_port(self.found.pop(variable))

    def _find(self, variable: str) -> None:
        try:
            if variable in self.lost:
                raise CouldNotTell(self.lost[variable])
            self.found[variable], hidden = self._value(variable)
        except CouldNotTell as error:
            self.lost[variable] = str(error)
            raise
        if hidden:
            self._secret.add(variable)
            self.learn([self.found[variable]])

    def _value(self, variable: str) -> tuple[str, bool]:
        """A variable's value, and whether it is secret."""
        shell, found, way = self.shell, self.found, _ways(self.bound).get(variable)
        if isinstance(way, Endpoint):
            return shell.forward(way.forward(), found), False
        if isinstance(way, Credential):
            try:
                text = base64.b64decode(shell.ask(_secret(way), found), validate=True).decode()
                return text, True
            except (binascii.Error, UnicodeDecodeError) as error:
                raise CouldNotTell(f"{variable}: the Secret holds no text under its key") from error
        hint = f"Give it by hand: --set {variable}=..."
        if line := _finds(self.bound).get(variable):
            try:
                value = shell.ask(line, found)
            except CouldNotTell as error:
                raise CouldNotTell(f"{variable} was not found: {line}: {error}. {hint}") from error
            if not value:
                raise CouldNotTell(f"{variable} was not found: {line}: printed nothing. {hint}")
            return value, False
        if variable in _SERVICES:
            reach(variable, shell)
            return shell.environment[variable], False
        if variable == "NAMESPACE" and not self.bound.runbook.alerts:
            return shell.run(namespace_in_use(), found), False
        label = LABELS.get(variable)
        why = f"the alert has no label {label!r}" if label else "nothing says its value"
        raise CouldNotTell(f"{variable}: {filled_in(self.bound).get(variable, why)}. {hint}")


def closure(bound: BoundRunbook, lines: Iterable[Command], given: Mapping[str, str]) -> list[str]:
    """Every variable that the lines need, each after what finds it needs."""
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

    for line in lines:
        need(line)
    return order


def missing(bound: BoundRunbook, lines: Iterable[Command], given: Mapping[str, str]) -> list[str]:
    """The variables that only an alert's labels say."""
    return [v for v in closure(bound, lines, given) if v in LABELS and v not in given]


def places(
    bound: BoundRunbook,
    lines: Iterable[Command],
    given: Mapping[str, str],
    firing: Callable[[], Sequence[Mapping[str, str]]],
) -> Iterator[tuple[str, dict[str, str]]]:
    """Alert and values of each place to ask; none when no alert of the runbook fires. No alert is
    asked for (and its name is empty) where `given` says all that its labels would, or where the
    runbook is an operation."""
    wanted = missing(bound, lines, given)
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


def reach(variable: str, shell: Shell) -> None:
    """The address of monitoring: the responder's own, or by way of the cluster."""
    if variable not in shell.environment:
        service, port = _SERVICES[variable]
        place = ("kubectl", "--context", Var("CONTEXT"), "-n", MONITORING, "port-forward")
        line = command(*place, f"service/{service}", f":{port}")
        try:
            shell.environment[variable] = f"http://{shell.forward(line, {})}"
        except CouldNotTell as error:
            raise CouldNotTell(
                f"{error}. Can you reach {service} by an address? export {variable}=http://..."
            ) from error


def _finds(bound: BoundRunbook) -> dict[str, Command]:
    by_hand = filled_in(bound)
    finds = (find for name in bound.names for find in name.finds)
    return {find.var.name: find.command for find in finds if find.var.name not in by_hand}


def _ways(bound: BoundRunbook) -> dict[str, Endpoint | Credential]:
    parts = [one for cause in bound.causes for one in cause.workload.components]
    every: list[Endpoint | Credential] = []
    for one in parts:
        every += [*one.endpoints, *one.credentials]
    return {way.var.name: way for way in every}


def _secret(way: Credential) -> Command:
    place = ("kubectl", "--context", Var("CONTEXT"), "-n", Var("NAMESPACE"), "get", "secret")
    return command(*place, way.secret, "-o", f"jsonpath={{.data.{way.key}}}")


def _refuse_hostile(variable: str, value: str) -> None:
    """A label's value is whatever somebody wrote there: it must not become an option."""
    if not _VALUE.fullmatch(value):
        raise CouldNotTell(
            f"{variable} is {value[:80]!r}, which is no name. Give it by hand: --set {variable}=..."
        )
