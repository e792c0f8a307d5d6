"""`diagnose`: which cause of which runbook holds now, and where its fix is."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from drillbook.book import checkout as book
from drillbook.book.bind import Binder
from drillbook.cluster.settings import Settings
from drillbook.evidence.redactor import Redactor
from drillbook.model import BoundRunbook
from drillbook.model.errors import CouldNotTell, UsageError
from drillbook.respond import diagnose as asking
from drillbook.respond.diagnose import Incident, Outcome, Verdict
from drillbook.respond.shell import Shell
from drillbook.respond.variables import missing, places

LINES, WIDTH = 4, 200


def given(words: Sequence[str]) -> dict[str, str]:
    """`APP=orders` as a variable and its value. Raises UsageError."""
    pairs = [word.partition("=") for word in words]
    wrong = [name + equals for name, equals, value in pairs if not (name.isidentifier() and value)]
    if wrong:
        raise UsageError(f"--set {wrong[0]}: write NAME=VALUE, such as APP=orders.")
    return {name: value for name, _, value in pairs}


def diagnose(
    settings: Settings,
    name: str,
    alert: str,
    values: Mapping[str, str],
    as_json: bool,
    redactor: Redactor,
    console: Console,
) -> int:
    """The exit code: 0 one cause everywhere, 1 none or several, 4 could not tell."""
    bounds, broken = (chosen(settings, name, alert), []) if name or alert else every(settings)
    with responding(settings, values) as shell:
        firing = cache(lambda: asking.alerts(shell))
        asked = [
            (one, which, {**values, **place})
            for one in bounds
            for which, place in _places(one, values, firing, bool(name or alert))
        ]
        # Side by side: a responder waits for one of them, however many there are.
        with ThreadPoolExecutor(8) as pool:
            futures = [pool.submit(asking.diagnose, *one, shell, redactor.learn) for one in asked]
            found = [future.result() for future in futures]
    pages = _pages(settings.root)
    if as_json:
        console.print_json(json.dumps([_plain(one, redactor) for one in found]))
    for line in () if as_json else (line for one in found for line in _told(one, redactor, pages)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if not found and (name or alert):
        raise not_firing(bounds, values)
    if broken:
        raise CouldNotTell(
            f"not asked, because they cannot be read: {', '.join(broken)}. `drillbook lint` says "
            "what is wrong. Does one of their alerts fire? Go on by its page, below runbooks/."
        )
    if not found and not as_json:
        console.print("no alert fires that a runbook here is for", markup=False, highlight=False)
    verdicts = {one.verdict for one in found}
    return 4 if Verdict.UNKNOWN in verdicts else 0 if verdicts == {Verdict.ONE} else 1


def not_firing(bounds: Sequence[BoundRunbook], values: Mapping[str, str]) -> CouldNotTell:
    """With what its labels would have said."""
    wanted = dict.fromkeys(v for one in bounds for v in missing(one, asking.lines(one), values))
    words = " ".join(f"--set {variable}=..." for variable in wanted)
    return CouldNotTell(
        f"no alert of this runbook fires, so nothing says where to look. Say it by hand: {words}"
    )


def responding(settings: Settings, values: Mapping[str, str]) -> Shell:
    """The responder's shell. The tools' libraries are those of this program."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    environment = {**os.environ, "PATH": path, **values}
    if files := environment.get("KUBECONFIG"):
        # The lines run in the book's folder; a relative path is meant from the responder's own.
        each = (str(Path(one).absolute()) for one in files.split(os.pathsep) if one)
        environment["KUBECONFIG"] = os.pathsep.join(each)
    shell = Shell(environment, settings.root)
    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal leaves no port open
        if signal.getsignal(number) is signal.SIG_DFL:
            shell.callback(signal.signal, number, signal.signal(number, _interrupt))
    if not shell.environment.get("CONTEXT"):
        try:
            context = shell.run("kubectl config current-context", {})
        except CouldNotTell as error:
            raise CouldNotTell(
                f"kubectl has no current context: {error}. Set KUBECONFIG to your kubeconfig, or "
                "name one of `kubectl config get-contexts` with --context."
            ) from error
        shell.environment["CONTEXT"] = context
    return shell


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def every(settings: Settings) -> tuple[list[BoundRunbook], list[str]]:
    """The runbooks that can be asked, and the paths of the others: one that is broken is no reason
    to ask none."""
    found, problems = book.runbooks(settings, [])
    binder = Binder(book.definitions(settings.root))
    bounds = []
    for one in found:
        bound, wrong = binder.bind(one)
        problems += wrong
        bounds += [] if bound is None or wrong else [bound]
    return bounds, sorted({problem.path for problem in problems})


def chosen(settings: Settings, name: str, alert: str) -> list[BoundRunbook]:
    if name:
        return book.bound(settings, [book.one_runbook(settings, name)])
    found, problems = book.runbooks(settings, [])
    chosen = [one for one in found if not alert or alert in one.alerts]
    if alert and not chosen:
        more = f" ({len(problems)} problems: `drillbook lint`)" if problems else ""
        raise UsageError(f"--alert {alert}: no runbook here is for it{more}.")
    return book.bound(settings, chosen)


def _places(
    bound: BoundRunbook, values: Mapping[str, str], firing: Any, named: bool
) -> Iterator[tuple[str, dict[str, str]]]:
    """Where nobody named a runbook, only those are asked whose alert fires."""
    fires = named or {one.get("alertname") for one in firing()} & set(bound.runbook.alerts)
    return places(bound, asking.lines(bound), values, firing) if fires else iter(())


def _plain(one: Incident, redactor: Redactor) -> Any:
    causes = [{**asdict(c), "outcome": c.outcome} for c in one.causes]
    return redactor.plain({**asdict(one), "verdict": one.verdict, "causes": causes})


def _pages(root: Path) -> str:
    """What stands before a page's path where the working folder is not in the checkout."""
    return "" if Path.cwd().is_relative_to(root) else f"{root}{os.sep}"


def _told(one: Incident, redactor: Redactor, pages: str) -> Iterator[str]:
    where = " ".join(f"{name}={value}" for name, value in one.values.items())
    yield redactor.seen(f"{one.runbook} {one.title}: {one.alert or 'no alert asked'} {where}")
    yield f"  {one.verdict}" + (f": {redactor.seen(one.why)}" if one.why else "")
    for cause in sorted(one.causes, key=lambda c: list(Outcome).index(c.outcome)):
        yield f"  {cause.outcome}: {cause.id}: {cause.name}"
        if cause.outcome is Outcome.HOLDS:
            yield f"    its fix: {pages}{cause.fix}"
        for line in cause.lines:
            yield f"    {line.outcome}: {line.command}"
            said = redactor.seen(line.why or line.said or "nothing").splitlines()[:LINES]
            yield from (f"      {text[:WIDTH]}" for text in said)
            if line.outcome is Outcome.NOT:
                yield f"      expected: {line.expect}"
