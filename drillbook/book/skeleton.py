"""A new runbook's files, as texts that lint and drill as they are: one cause, scaled to nothing, on
a component that is there. Each TODO is a sentence that only its author knows. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from drillbook.book.catalogue import Entry
from drillbook.book.samples import Sample

TODO: Final = "TODO"
SUBJECT: Final = "example"
"""What the component is called in the drill."""
_METRICS: Final = {
    "Deployment": "kube_deployment_spec_replicas",
    "StatefulSet": "kube_statefulset_replicas",
}
"""The kinds of parts that the skeleton can break, and where kube-state-metrics says their size."""

_FEATURE: Final = """\
@id:{id} @version:0.1.0 @owner:{owner} @severity:P2
{kind} @rto:15m @domain:cluster/namespace
Feature: {title}
  Meaning: TODO what is not as it should be.
  Impact: TODO who notices it, and what they cannot do meanwhile.
  Normal: TODO what somebody sees who looks at it on a good day.
  Not this page: TODO what looks like it and has another page.
  Escalation: after 10 minutes call TODO.

  Background:
    Given {component}

  @cause:{cause}
  Rule: TODO {cause}, in the words by which a responder chooses
    TODO how it comes about, and what does not help.

    Background:
      Given {part} is scaled to nothing

    @detection
    Scenario: TODO what is seen first
      Then {seen}

    @diagnosis
    Scenario: TODO what tells this cause from the others
      Then {part} asks for at most 0 replicas

    @remediation
    Scenario: TODO what brings it back
      When {part} is scaled to 1 replica
      Then {part} is ready within 2m
{silent}
    @prevention
    Scenario: TODO what keeps it from coming again
      Then a person makes sure: "TODO what a person decides, where no system can"
"""
_RULE: Final = """\
# TODO: fire on what users notice, whatever the cause; and say here why it does so.
groups:
  - name: {name}
    rules:
      - alert: {alert}
        expr: max by (namespace, {label}) ({metric}) == 0
        labels:
          severity: P2
        annotations:
          summary: TODO {{{{ $labels.{label} }}}} in {{{{ $labels.namespace }}}}
          description: TODO {{{{ $labels.{label} }}}} in namespace {{{{ $labels.namespace }}}}.
          runbook_url: {page}
"""
_CASES: Final = """\
every: 5s
incident:
  series:
    {metric}{{namespace="shop", {label}="web"}}: 1x3 0x60
  labels: {{namespace: shop, {label}: web}}
  silent: 15s
  fires: 5m
cases:
  - name: TODO what looks like it and is none
    series:
      {metric}{{namespace="shop", {label}="web"}}: 1x60
    silent: [1m, 4m]
"""


def is_fit(one: Sample) -> bool:
    """Whether a skeleton can stand on a sentence's component: alone, and with a part to break."""
    parts = one.component.parts if one.component else ()
    return one.text.count("<") == 1 and bool(parts) and parts[0].kind in _METRICS


def alert_of(entry: Entry) -> str:
    """The catalogue's, or one by the runbook's name; empty for an operation."""
    named = "".join(word.capitalize() for word in entry.name.split("-"))
    return "" if entry.operation else next(iter(entry.alerts), named)


def texts(entry: Entry, on: Sample) -> Mapping[str, str]:
    """Path below the checkout -> text. `on` is fit."""
    if on.component is None:
        raise ValueError(f"{on.sentence}: no component to stand on")
    part, alert = on.component.parts[0], alert_of(entry)
    label, metric = part.kind.lower(), _METRICS[part.kind]
    broken = f'the {part.role} of "{SUBJECT}"'
    feature = _FEATURE.format(
        id=entry.id,
        owner=entry.owner or TODO,
        kind=f"@alert:{alert}" if alert else "@kind:operation",
        title=entry.name.replace("-", " ").capitalize(),
        component=re.sub(r"<\w+>", SUBJECT, on.text),
        part=broken,
        cause=entry.causes[0],
        seen=f'the alert "{alert}" fires within 90s'
        if alert
        else f"{broken} asks for at most 0 replicas",
        silent=f'      And the alert "{alert}" is silent within 2m\n' if alert else "",
    )
    if others := ", ".join(f"@cause:{cause}" for cause in entry.causes[1:]):
        feature += (
            f"\n  # TODO {others}: each a Rule as the one above, with a fault and a diagnosis of "
            "its own.\n"
        )
    named = {"alert": alert, "name": entry.name, "label": label, "metric": metric}
    page = entry.path.replace("features/", "runbooks/", 1).replace(".feature", ".md")
    rules = {
        f"monitoring/alerts/{entry.name}.yaml": _RULE.format(page=page, **named),
        f"monitoring/cases/{alert}.yaml": _CASES.format(**named),
    }
    return {entry.path: feature, **(rules if alert else {})}


def with_wait(values: str, alert: str, wait: str) -> str:
    """An environment's values with one more alert's, in its place by the alphabet. Raises
    ValueError where no line `for:` says where."""
    found = re.search(r"^for:[ \t]*\n((?:[ \t]+.*\n|[ \t]*#.*\n)*)", values, re.MULTILINE)
    if found is None:
        raise ValueError("it has no line `for:`")
    lines = found[1].splitlines(keepends=True)
    line = f"  {alert}: {wait}\n"
    place = next(
        (
            n
            for n, one in enumerate(lines)
            if one.strip()[:1] != "#" and one.strip().partition(":")[0] > alert
        ),
        None,
    )
    lines.insert(len(lines) if place is None else place, line)
    return values[: found.start(1)] + "".join(lines) + values[found.end(1) :]
