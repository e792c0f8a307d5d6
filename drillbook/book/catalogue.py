"""What the book is to hold: features/catalogue.yaml, and what of a runbook differs from it. The
catalogue says every runbook, written or not; a checkout without one is held against nothing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from pathlib import Path
from typing import Any, Final

from drillbook.evidence import proof
from drillbook.model import BoundCause, BoundRunbook, Phase, Probe, Problem, Runbook, yamlfile
from drillbook.model.errors import UsageError

FILE: Final = "features/catalogue.yaml"
_KEYS: Final = frozenset({"id", "src", "kind", "causes", "alerts", "owner"})


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One runbook that is to be there."""

    id: str
    path: str
    """Of its feature, relative to the checkout."""
    causes: tuple[str, ...]
    operation: bool = False
    alerts: tuple[str, ...] = ()
    owner: str = ""
    line: int = 1

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2].removesuffix(".feature")


Catalogue = Mapping[str, Entry]
"""By id."""


def load(root: Path) -> Catalogue:
    """Empty where there is none. Raises UsageError with every mistake in it."""
    file = root / FILE
    return parse(yamlfile.read(file)) if file.is_file() else {}


def parse(text: Any) -> Catalogue:
    """Area -> name -> entry, as YAML is read. Raises UsageError. Pure."""
    if not isinstance(text, dict) or not all(isinstance(area, dict) for area in text.values()):
        raise UsageError(f"{FILE}:1: not a mapping of areas to runbooks.")
    found: dict[str, Entry] = {}
    wrong: list[str] = []
    for area, runbooks in text.items():
        for name, said in runbooks.items():
            line = getattr(runbooks, "lines", {}).get(name, 1)
            entry = _entry(f"features/{area}/{name}.feature", said, line)
            if entry is None:
                keys = ", ".join(sorted(_KEYS))
                wrong.append(f"{FILE}:{line}: {name} needs an id and causes, and may say {keys}.")
            elif entry.id in found:
                wrong.append(f"{FILE}:{line}: {entry.id} is also that of {found[entry.id].path}.")
            else:
                found[entry.id] = entry
    if wrong:
        raise UsageError("\n".join(wrong))
    return found


def _entry(path: str, said: Any, line: int) -> Entry | None:
    """None when it is not what an entry looks like."""
    if not isinstance(said, dict) or not said.keys() <= _KEYS:
        return None
    id, causes, alerts = said.get("id"), said.get("causes"), said.get("alerts", [])
    if not isinstance(causes, list) or not causes or not isinstance(alerts, list):
        return None
    if not all(isinstance(word, str) for word in (id, *causes, *alerts)):
        return None
    if len(set(causes)) < len(causes) or said.get("kind", "operation") != "operation":
        return None
    return Entry(
        id=str(id),
        path=path,
        causes=tuple(causes),
        operation="kind" in said,
        alerts=tuple(alerts),
        owner=str(said.get("owner", "")),
        line=line,
    )


def differences(runbook: Runbook, catalogue: Catalogue) -> Iterator[Problem]:
    """What a written runbook says otherwise than its entry. Pure."""
    if not catalogue or not runbook.id:
        return
    rule = "catalogue"
    entry = catalogue.get(runbook.id)
    if entry is None:
        here = next((e for e in catalogue.values() if e.path == str(runbook.path)), None)
        fix = f"Write @id:{here.id}." if here else f"Add the runbook to {FILE}."
        yield runbook.problem(
            runbook.line, rule, f"the catalogue has no runbook {runbook.id}.", fix
        )
        return
    place = f"{FILE}:{entry.line}"
    if entry.path != str(runbook.path):
        fix = f"Move it there, or correct {place}."
        what = f"{runbook.id} stands at {entry.path} in the catalogue."
        yield runbook.problem(runbook.line, rule, what, fix)
    pairs = [
        ("kind", "operation" if entry.operation else "", runbook.tag("kind")),
        ("alert", " ".join(sorted(entry.alerts)), " ".join(sorted(runbook.alerts))),
        ("owner", entry.owner, runbook.tag("owner")),
    ]
    for tag, wanted, said in pairs:
        if said != wanted and (wanted or tag == "kind"):
            what = f"its @{tag} is {said or 'not there'}; in the catalogue {wanted or 'none'}."
            yield runbook.problem(runbook.line, rule, what, f"Make them agree ({place}).")
    for cause in runbook.causes:
        if cause.id and cause.id not in entry.causes:
            left = ", ".join(set(entry.causes) - {c.id for c in runbook.causes}) or "all written"
            fix = f"Correct it (to be written: {left}), or add it to {place}."
            what = f"the catalogue has no cause {cause.id!r} here."
            yield runbook.problem(cause.line, rule, what, fix)


def equal_causes(bound: BoundRunbook) -> Iterator[Problem]:
    """A cause that differs from another one of its runbook by its names alone is none. Pure."""
    rule = "equal-causes"
    for first, second in combinations(bound.causes, 2):
        for what, values in (("faults", _fault), ("diagnoses", _diagnosis)):
            one, other = values(first), values(second)
            # Most differ in kind already, which costs nothing to see.
            if _kinds(one) != _kinds(other) or not one:
                continue
            pairs = zip(one, other, strict=True)
            if all(but_for_names(first, a) == but_for_names(second, b) for a, b in pairs):
                whose = f"{first.cause.id!r} (line {first.cause.line})"
                said = f"its {what} are those of {whose} but for names."
                fix = "A cause is told by what differs: make them one, or tell them apart."
                yield bound.runbook.problem(second.cause.line, rule, said, fix)
    for asks_less, asks_more in permutations(bound.causes, 2):
        fewer = len(_diagnosis(asks_less)) < len(_diagnosis(asks_more))
        if fewer and _asked(asks_less) < _asked(asks_more):
            whose = f"{asks_more.cause.id!r} (line {asks_more.cause.line})"
            said = (
                f"all that its diagnosis asks, that of {whose} asks too, so on that incident it "
                "holds as well."
            )
            fix = "Ask also what is so in this cause alone."
            yield bound.runbook.problem(asks_less.cause.line, rule, said, fix)


def notes(bound: Sequence[BoundRunbook]) -> Iterator[str]:
    """The causes of different runbooks that are equal but for names, a line each. Pure."""
    for what, values in (("fault", _fault), ("diagnosis", _diagnosis)):
        groups: dict[str, list[str]] = {}
        for one in bound:
            for cause in one.causes:
                if value := values(cause):
                    told = f"{one.runbook.id} {cause.cause.id}"
                    groups.setdefault(but_for_names(cause, value), []).append(told)
        for ones in groups.values():
            if len({told.partition(" ")[0] for told in ones}) > 1:
                more = f" and {len(ones) - 5} more" if len(ones) > 5 else ""
                yield f"note: one {what} but for names: {', '.join(ones[:5])}{more}"


def _fault(cause: BoundCause) -> tuple[Any, ...]:
    return tuple(cause.fault.changes)


def _diagnosis(cause: BoundCause) -> tuple[Any, ...]:
    return tuple(s.value for one in cause.of(Phase.DIAGNOSIS) for s in one.steps)


def _asked(cause: BoundCause) -> frozenset[str]:
    """What its diagnosis reads and expects, whatever the budgets."""
    asked = ((one.source, one.expect) for one in _diagnosis(cause) if isinstance(one, Probe))
    return frozenset(map(proof.canonical, asked)) or frozenset({cause.cause.id})


def _kinds(values: tuple[Any, ...]) -> list[tuple[type, type]]:
    return [(type(one), type(getattr(one, "source", None))) for one in values]


def but_for_names(cause: BoundCause, values: Any) -> str:
    """Values as a proof has them, with the workload's names and the cause's own left out."""
    text = proof.canonical(values)
    words = {name.literal for name in cause.workload.names} | {cause.cause.id}
    inside = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True) if word)
    return re.sub(rf"(?<![\w-])(?:{inside})(?![\w-])", "<name>", text) if inside else text
