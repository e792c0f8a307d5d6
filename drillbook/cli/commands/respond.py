"""`respond`: a runbook's page walked on a live incident, or on one that was put in for it."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from io import TextIOWrapper
from pathlib import Path

from rich.console import Console

from drillbook.book.prose import sections
from drillbook.cli.commands.diagnose import chosen, not_firing, responding
from drillbook.cluster.settings import Settings
from drillbook.evidence import records
from drillbook.evidence.redactor import Redactor
from drillbook.model import BoundRunbook, Undo, Var, command
from drillbook.model.errors import CouldNotTell, UsageError
from drillbook.respond import diagnose
from drillbook.respond.incident_log import IncidentLog, writing
from drillbook.respond.shell import Shell
from drillbook.respond.variables import Place, places
from drillbook.respond.walk import Stopped, Walk

_PROGRAM = "from drillbook.cli.app import main; main()"
FOLDER = Path("incidents")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """`log`: the folder above the incident's own; `rehearse`: the cause to put in."""

    runbook: str
    alert: str
    values: Mapping[str, str]
    rehearse: str
    log: Path = FOLDER


@dataclass(frozen=True)
class Terminal:
    """Where it is told, and where answers come from; no terminal is needed."""

    console: Console
    redactor: Redactor

    def __post_init__(self) -> None:
        """A stray byte, half of an umlaut that was erased, is no answer; it must not end a walk."""
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")

    def say(self, text: str) -> None:
        self.console.print(self.redactor.seen(text), markup=False, highlight=False, soft_wrap=True)

    def hear(self, question: str) -> str | None:
        """One line; None when there are no more."""
        self.console.print(question, end="", markup=False, highlight=False, soft_wrap=True)
        said = sys.stdin.readline()
        if not sys.stdin.isatty():
            self.say(said.strip() or ("(Enter)" if said else "(no more answers)"))
        return said.rstrip("\n") if said else None


def respond(settings: Settings, asked: Asked, redactor: Redactor, console: Console) -> int:
    """The exit code: 0 it is over, 1 it is not."""
    told, bound, values = Terminal(console, redactor), _one(settings, asked), dict(asked.values)
    if asked.rehearse:
        with writing(asked.log.absolute()):
            pass  # before an incident is put in that nobody could walk
        values["NAMESPACE"] = _put_in(settings, bound, asked.rehearse)
    with responding(settings, values) as shell:
        if asked.rehearse:
            _refuse_another_cluster(shell, values)
        alert, where = _where(bound, values, shell, told)
        place = Place(bound, shell, redactor.learn, {**values, **where})
        place.fill(diagnose.lines(bound)[:1])
        log = _log(bound, asked, alert, place, redactor)
        _open(bound, log, told)
        walk = Walk(
            place=place,
            log=log,
            say=told.say,
            hear=told.hear,
            read_s=settings.duration("probe_within").seconds,
            change_s=settings.duration("action_within").seconds,
        )
        try:
            walk.mend(walk.which_cause())
        except (Stopped, KeyboardInterrupt):
            told.say("\nStopped here." + ("" if walk.tried else " Nothing was changed."))
    over = log.over_s is not None
    if asked.rehearse:
        told.say(f"The cause that was put in: {asked.rehearse}; named: {log.cause or 'none'}.")
        told.say(
            "`drillbook undo --kept` ends this and every other incident that was left standing."
        )
        over = over and log.cause == asked.rehearse
    told.say(f"{'It is over' if over else 'It is not over'}. The incident's log: {log.page}")
    return 0 if over else 1


def _log(
    bound: BoundRunbook, asked: Asked, alert: str, place: Place, redactor: Redactor
) -> IncidentLog:
    """Written before the first step: what it cannot write, nobody wants to learn after a change."""
    stamp = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}-{bound.runbook.id}"
    log = IncidentLog(
        folder=asked.log.absolute() / stamp,
        seen=redactor.plain,
        runbook=bound.runbook.id,
        title=bound.runbook.title,
        version=bound.runbook.tag("version"),
        alert=alert,
        values={"CONTEXT": place.shell.environment["CONTEXT"], **place.shown},
        rehearsal=asked.rehearse,
    )
    log.write()
    return log


def _open(bound: BoundRunbook, log: IncidentLog, told: Terminal) -> None:
    values = " ".join(f"{name}={value}" for name, value in log.values.items())
    told.say(f"{log.runbook} {log.title}: {log.alert or 'no alert asked'} {values}")
    about = sections(bound.runbook.description)
    for name in ("Meaning", "Impact", "Escalation"):
        if name in about:
            told.say(f"  {name}: {about[name]}")
    told.say(f"The incident's log: {log.page}")


def _one(settings: Settings, asked: Asked) -> BoundRunbook:
    if not (asked.runbook or asked.alert):
        raise UsageError("which runbook? Give its id, title, alert or page, or --alert NAME.")
    found = chosen(settings, asked.runbook, asked.alert)
    if len(found) > 1:
        several = ", ".join(one.runbook.id for one in found)
        raise UsageError(f"--alert {asked.alert}: {several} are for it. Name one of them.")
    ids = [cause.cause.id for cause in found[0].causes]
    if asked.rehearse and asked.rehearse not in ids:
        raise UsageError(f"--rehearse {asked.rehearse}: no such cause. There are {', '.join(ids)}.")
    return found[0]


def _where(
    bound: BoundRunbook, values: Mapping[str, str], shell: Shell, told: Terminal
) -> tuple[str, dict[str, str]]:
    """Alert and values of the one place; of several the person chooses. Raises CouldNotTell."""
    firing = cache(lambda: diagnose.alerts(shell))
    found = list(places(bound, diagnose.lines(bound), values, firing))
    if not found:
        raise not_firing([bound], values)
    if len(found) == 1:
        return found[0]
    told.say(f"{len(found)} places of this runbook have an alert:")
    for number, (alert, where) in enumerate(found, start=1):
        told.say(f"  {number}: {alert} {' '.join(f'{k}={v}' for k, v in where.items())}")
    while (answer := told.hear(f"Which one? [1 to {len(found)}, q: stop] ")) not in (None, "q"):
        if answer.strip().isdigit() and 1 <= int(answer) <= len(found):
            return found[int(answer) - 1]
    raise UsageError("no place was chosen. Nothing was run; --set NAMESPACE=... names one.")


def _put_in(settings: Settings, bound: BoundRunbook, cause: str) -> str:
    """Inject a cause by the command that has the right to, through its guard; the namespace where
    the incident now stands. Raises CouldNotTell when none was left standing."""
    runs = settings.runs
    before = set(runs.iterdir()) if runs.is_dir() else set()
    drill = ("drill", bound.runbook.id, "--cause", cause, "--control", "plain")
    words = (sys.executable, "-c", _PROGRAM, *drill, "--until", "detection", "--leave-standing")
    done = subprocess.run(words, cwd=settings.root, stdin=subprocess.DEVNULL, check=False)
    new = sorted(set(runs.iterdir()) - before) if runs.is_dir() else []
    kept = [one for run in new for one in records.read_run(run) if one.undo is Undo.KEPT]
    found = [one.namespace for one in kept if (one.runbook, one.cause) == (drill[1], cause)]
    if not found:
        raise CouldNotTell(
            f"no incident of {cause} was left standing (`drillbook {' '.join(words[3:])}` ended "
            f"with exit code {done.returncode}); what it said stands above."
        )
    return found[-1]


def _refuse_another_cluster(shell: Shell, values: Mapping[str, str]) -> None:
    place = ("kubectl", "--context", Var("CONTEXT"), "get", "namespace", Var("NAMESPACE"))
    try:
        shell.ask(command(*place, "-o", "name"), values)
    except CouldNotTell as error:
        raise CouldNotTell(
            f"the incident stands in {values['NAMESPACE']}, which kubectl does not see in context "
            f"{shell.environment['CONTEXT']}: {error}. Set KUBECONFIG to that cluster's, with your "
            "own rights (embedded: /var/lib/drillbook/staging/kubeconfig), and go on with "
            f"`drillbook respond --set NAMESPACE={values['NAMESPACE']}`."
        ) from error
