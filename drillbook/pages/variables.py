"""What a responder runs first: `export` lines for every variable of a page, and tools. Pure."""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from drillbook.book.alert_rules import AlertRule, carries, list_filters
from drillbook.model import (
    Action,
    BoundRunbook,
    Command,
    Credential,
    Endpoint,
    Finding,
    Joined,
    Var,
    export,
    parts_of,
    shell,
    show,
)
from drillbook.model.errors import RunbookProblem

MONITORING: Final = "monitoring"
PROMETHEUS: Final = ("prometheus", 9090)
ALERTMANAGER: Final = ("alertmanager", 9093)
"""The namespace, services and ports of staging/platform; the page says what to do elsewhere."""

MOMENT: Final = "scripts/prometheus/moment.py"
_SETTING: Final = re.compile(r"[A-Z][A-Z0-9_]*=")

LABELS: Final = {name.upper(): name for name in ("namespace", "pod", "node", "container")}
"""Variable -> the alert's label that holds its value."""

_HOW_TO_GET: Final = {
    "kubectl": "https://kubernetes.io/docs/tasks/tools/",
    "python3": "your system's package `python3`, 3.11 or newer",
    "psql": "your system's package `postgresql-client`",
    "redis-cli": "your system's package `redis-tools`",
    "aws": "https://docs.aws.amazon.com/cli/",
}


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a page prints before its first command."""

    exports: tuple[str, ...]
    """Lines of one bash block; no comments, which an interactive zsh takes for commands."""
    tools: tuple[str, ...]
    """Programs that the page's commands call, in the order of first use."""
    scripts: tuple[str, ...]
    """Files under scripts/ that they run."""
    hints: tuple[tuple[str, str], ...]
    """How to get each program."""
    from_labels: tuple[str, ...]
    """The variables that come from the alert's labels."""
    asks: tuple[tuple[str, str], ...]
    """What only a person can know: the export to fill in, and what to write."""
    forwards: bool

    @property
    def check(self) -> str:
        """Prints one path for each program, and stops at the first that is missing; starts each
        script, which fails where one of its libraries is missing."""
        programs = [f"command -v {tool}" for tool in self.tools]
        scripts = [_try(name) for name in self.scripts]
        return " && ".join([*programs, *scripts, "echo complete"])

    @property
    def jobs(self) -> str:
        """What the block leaves running in a shell of its own, as `kill` takes it; empty when
        nothing."""
        lines = [line for one in self.exports for line in one.splitlines()]
        started = sum(line.endswith(" &") for line in lines)
        return " ".join(f"%{number}" for number in range(1, started + 1))


def setup(bound: BoundRunbook, rules: Sequence[AlertRule] = ()) -> Setup:
    """Raises RunbookProblem for a variable that nothing on the page can give a value."""
    asked = filled_in(bound)
    finds = [f for name in bound.names for f in name.finds]
    lines = list(_lines(bound, [f for f in finds if f.var.name not in asked]))
    used = frozenset(v for line in lines for v in (*line.variables, *_unseen(line)))
    finds = [f for f in finds if f.var.name in used and f.var.name not in asked]
    labels = tuple(
        variable
        for variable, label in LABELS.items()
        if variable in used and bound.runbook.alerts and all(carries(r, label) for r in rules)
    )
    ways = tuple(_ways(bound, used))
    reached = {way.var.name for way in ways}
    _refuse_unknown(bound, used, {*labels, *reached, *asked, *(f.var.name for f in finds)})
    asks = bool(labels)
    forwards = bool(used & {"PROMETHEUS", "ALERTMANAGER"}) or asks
    tools = _programs(lines, "CONTEXT" in used or forwards, asks)
    return Setup(
        exports=(*_exports(bound, rules, used, finds, labels, asked), *map(_way, ways)),
        tools=tools,
        scripts=_scripts(lines),
        hints=tuple((t, _HOW_TO_GET.get(t, f"your system's package `{t}`")) for t in tools),
        from_labels=labels,
        asks=tuple((f"export {var}=''", says) for var, says in asked.items() if var in used),
        forwards=forwards,
    )


def _lines(bound: BoundRunbook, finds: Sequence[Finding]) -> Iterator[Command]:
    """What a responder runs: the steps' lines, and what finds the names in them. Not what the drill
    waits for on its Background: a name that only stands there may be nowhere else."""
    steps = (step for cause in bound.causes for one in cause.scenarios for step in one.steps)
    waiting = [line for step in steps for line in step.value.lines()]
    found = set[str]()
    while waiting:
        line = waiting.pop(0)
        yield line
        names = line.variables - found
        found |= names
        waiting += [find.command for find in finds if find.var.name in names]


def filled_in(bound: BoundRunbook) -> dict[str, str]:
    """An operation's variables that only an alert's labels lead to, and what each stands for: who
    plans it knows them."""
    if not bound.runbook.is_operation:
        return {}
    labels = LABELS.keys() - {"NAMESPACE"}
    return {
        find.var.name: f"the name of {component.title}"
        for cause in bound.causes
        for component in cause.workload.components
        for name in component.names
        for find in name.finds
        if find.command.variables & labels
    }


def _unseen(line: Command) -> tuple[str, ...]:
    """A tool that asks Prometheus takes its address from the environment."""
    return ("PROMETHEUS",) if any(word == MOMENT for word in line.words) else ()


def _refuse_unknown(bound: BoundRunbook, used: Iterable[str], found: Iterable[str]) -> None:
    # Where no alert says it, the namespace is the one that kubectl uses.
    given = {"CONTEXT", "PROMETHEUS", "ALERTMANAGER", "NAMESPACE", *found, *_read_beside(bound)}
    unknown = sorted(set(used) - given)
    if unknown:
        raise RunbookProblem(
            f"{bound.runbook.path}: its commands use {', '.join(unknown)}, but nothing tells a "
            "responder their values. Declare a Name with the command that finds each."
        )


def _read_beside(bound: BoundRunbook) -> set[str]:
    """The variables that are filled beside the change which needs them."""
    steps = (s for cause in bound.causes for one in cause.scenarios for s in one.steps)
    actions = (step.value for step in steps if isinstance(step.value, Action))
    return {one.var.name for action in actions for one in action.reads}


def _exports(
    bound: BoundRunbook,
    rules: Sequence[AlertRule],
    used: frozenset[str],
    finds: Sequence[Finding],
    labels: Sequence[str],
    asked_of: Iterable[str],
) -> Iterable[str]:
    asks = bool(labels)
    reached = [
        (variable, service)
        for variable, service in (("PROMETHEUS", PROMETHEUS), ("ALERTMANAGER", ALERTMANAGER))
        if variable in used or (variable == "ALERTMANAGER" and asks)
    ]
    if reached or "CONTEXT" in used:
        yield 'export CONTEXT="$(kubectl config current-context)"'
    if reached:
        for _, (service, port) in reached:
            yield _forward(service, port)
        for variable, (_, port) in reached:
            yield f"export {variable}=http://localhost:{port}"
    asked = [LABELS[variable] for variable in labels]
    filters = _filters(bound.runbook.alerts, list_filters(rules, asked) if rules else ())
    for variable, label in zip(labels, asked, strict=True):
        yield f'export {variable}="$({_label(filters, label)})"'
    if "NAMESPACE" in used and "NAMESPACE" not in labels:
        yield f'export NAMESPACE="$({namespace_in_use()})"'
    yield from map(export, finds)
    places = dict.fromkeys(("CONTEXT", "NAMESPACE", *labels, *asked_of))
    shown = [Var(v) for v in places if v in used]
    yield show([*shown, *(one.var for one in finds)])


def _ways(bound: BoundRunbook, used: frozenset[str]) -> Iterator[Endpoint | Credential]:
    """The ports and the credentials of components that the page's commands use, once."""
    components = [one for cause in bound.causes for one in cause.workload.components]
    every: list[Endpoint | Credential] = []
    for one in components:
        every += [*one.endpoints, *one.credentials]
    return (way for way in dict.fromkeys(every) if way.var.name in used)


def _way(way: Endpoint | Credential) -> str:
    """Bash lines that open a port and read which one the system chose, or that read a credential
    without showing it."""
    if isinstance(way, Credential):
        secret = shell(way.secret)
        place = f'kubectl --context "$CONTEXT" -n "$NAMESPACE" get secret {secret}'
        return f"export {way.var.name}=\"$({place} -o 'jsonpath={{.data.{way.key}}}' | base64 -d)\""
    said = f'"${{TMPDIR:-/tmp}}/forward-{way.var.name}"'
    look = f"grep -o '127.0.0.1:[0-9]*' {said} && break; sleep 0.2"
    found = f'"$(for n in $(seq 50); do {look}; done | head -n 1)"'
    return f"{way.forward()} > {said} &\nexport {way.var.name}={found}\n{show([way.var])}"


def _forward(service: str, port: int) -> str:
    place = f'kubectl --context "$CONTEXT" -n {MONITORING}'
    # What it says of each connection would stand between the answers.
    return f"{place} port-forward service/{service} {port}:{port} > /dev/null &"


def _filters(alerts: Sequence[str], others: Iterable[str]) -> str:
    """Words for curl: the alert's name, or one of several, and the other matchers."""
    if len(alerts) == 1:
        quoted = alerts[0].replace("\\", r"\\").replace('"', r"\"")
        name = f'alertname="{quoted}"'
    else:
        name = f'alertname=~"{"|".join(map(_literal, alerts))}"'
    words = (shlex.quote(f"filter={matcher}") for matcher in (name, *others))
    return " ".join(f"--data-urlencode {word}" for word in words)


def _label(filters: str, label: str) -> str:
    # The port-forward needs a moment: refused connections are tried again. Alertmanager lists an
    # alert for minutes after its rule was replaced: the one that it heard of last counts.
    return (
        'curl -fsS --retry 5 --retry-connrefused --get "$ALERTMANAGER"/api/v2/alerts '
        f"{filters} --data-urlencode active=true | "
        "python3 -c 'import json, sys; "
        'newest = max(json.load(sys.stdin), key=lambda one: one["updatedAt"]); '
        f'print(newest["labels"]["{label}"])\''
    )


def _literal(name: str) -> str:
    """A name inside a quoted regular expression: any alert may be called `Usage(>80%)`."""
    return re.sub(r"[^\w<>%/ -]", lambda found: f"\\\\{found[0]}", name)


def namespace_in_use() -> str:
    """Prints the namespace of kubectl's context: where no alert says one, it is that."""
    path = "'jsonpath={.contexts[0].context.namespace}'"
    return f'kubectl --context "$CONTEXT" config view --minify -o {path}'


def _programs(lines: Sequence[Command], kubectl: bool, asks: bool) -> tuple[str, ...]:
    own = [*(["kubectl"] if kubectl else []), *(["curl", "python3"] if asks else [])]
    return tuple(dict.fromkeys([*own, *(first for line in lines if (first := _first(line)))]))


def _try(script: str) -> str:
    return f"python3 {script} --help > /dev/null" if script.endswith(".py") else f"ls {script}"


def _first(line: Command) -> str:
    """The program, behind the settings that are for it alone and behind `timeout`."""
    words = list(line.words)
    while words and (isinstance(words[0], Joined) or _SETTING.match(str(words[0]))):
        words = words[1:]
    words = words[2:] if words[:1] == ["timeout"] else words
    return words[0] if words and isinstance(words[0], str) else ""


def _scripts(lines: Sequence[Command]) -> tuple[str, ...]:
    literals = (p for line in lines for word in line.words for p in parts_of(word))
    return tuple(dict.fromkeys(p for p in literals if isinstance(p, str) and p[:8] == "scripts/"))
