"""Prometheus' own judgement of the rules, where promtool is there."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from drillbook.book import monitoring, promql, rule_cases, rule_files, rule_mutants
from drillbook.book.alert_rules import AlertRule
from drillbook.cluster.settings import Settings
from drillbook.model import Problem
from drillbook.model.errors import CouldNotTell, UsageError

WITHIN_S: Final = 60
_SAYS: Final = re.compile(
    r"(?P<file>[^:\s]+): (?:\d+:\d+: )*"
    r'(?:group "(?P<group>.*?)", rule (?P<n>\d+), ".*?": )?(?P<what>.+)'
)


def rule_problems(settings: Settings) -> list[Problem]:
    """Everything wrong with the rules: by us, else by promtool. Raises CouldNotTell."""
    found = monitoring.problems(settings.root)
    program = _program(settings)
    return found or (check(program, settings.root, settings.environment) if program else [])


def found(settings: Settings) -> str:
    """promtool's path. Raises UsageError where there is none."""
    program = _program(settings)
    if program is None:
        raise UsageError("no promtool: run `drillbook staging up`, or install Prometheus' package.")
    return program


def _program(settings: Settings) -> str | None:
    path = f"{settings.tool_path}:{os.environ.get('PATH', '')}"
    return shutil.which("promtool", path=path)


def identity(settings: Settings) -> str:
    """Which promtool judges; empty where there is none."""
    program = _program(settings)
    status = os.stat(program) if program else None
    return f"{program} {status.st_size} {status.st_mtime_ns}" if status else ""


def check(program: str, root: Path, environment: str) -> list[Problem]:
    """What promtool has to say of the rules of an environment, by the lines of the checkout."""
    rendered = monitoring.rendered_rules(root, environment)
    if not rendered:
        return []
    with tempfile.TemporaryDirectory() as at:
        for name, text in rendered.items():
            (Path(at) / name).write_text(text, "utf-8")
        done = _ran([program, "check", "rules", "--lint=none", *rendered], at)
    if done.returncode == 0:
        return []
    found = map(_SAYS.fullmatch, done.stderr.split("\n"))
    said = [_problem(root, match) for match in found if match]
    if not said:
        raise CouldNotTell(f"{program} refuses the rules and does not say why: {done.stderr}.")
    return sorted(set(said))


def _problem(root: Path, match: re.Match[str]) -> Problem:
    file = next(f for f in rule_files.read_rules(root).files if f.path.name == match["file"])
    group = next((g for g in file.groups if g.name == match["group"]), None)
    line = group.rules[int(match["n"]) - 1].line if group else 1
    return rule_files.bad(file.shown, line, f"promtool: {match['what']}.", "Correct the rule.")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What an alert's cases came to in one environment."""

    alert: str
    environment: str
    cases: int
    mutants: int
    problems: tuple[Problem, ...]


def judge_everywhere(program: str, root: Path, alert: str) -> Iterator[Judged]:
    """The judgement of each environment. Expressions that an environment before it has too are not
    mutated again: the same cases tell them apart."""
    mutated = set[tuple[str, ...]]()
    for environment in sorted(one.stem for one in (root / rule_files.VALUES).glob("*.yaml")):
        rules = monitoring.load_alerts(root, environment)[alert].every
        records = (record.expr for one in rules for record in one.records)
        expressions = (*(one.expr for one in rules), *records)
        yield judge(program, root, environment, alert, mutants=expressions not in mutated)
        mutated.add(expressions)


def judge(
    program: str, root: Path, environment: str, alert: str, *, mutants: bool = True
) -> Judged:
    """Runs an alert's cases, those that follow from its incident, and each mutant of its rules.
    Raises UsageError for cases that cannot be read, CouldNotTell without an answer of promtool."""
    rule = monitoring.load_alerts(root, environment)[alert]
    cases = rule_cases.read(root, alert, environment)
    ones = (cases.incident, *cases.others, *rule_cases.generated(cases, rule))
    every = monitoring.rendered_rules(root, environment)
    # Its own file alone: promtool computes every rule that it loads, at every moment.
    records = (record.file for one in rule.every for record in one.records)
    files = {Path(file).name for file in (*(one.file for one in rule.every), *records)}
    rules = {name: text for name, text in every.items() if name in files}
    tests = sorted(rule_cases.promtool_tests(cases, rule, ones), key=_until)
    asked = [_asked(rules, cases.every, [test]) for test in tests]
    with tempfile.TemporaryDirectory() as at:
        judged = partial(_judged, program, Path(at))
        if said := judged(rules, _asked(rules, cases.every, tests)):
            what = f"{alert} does not do what its cases say in {environment}: {said}"
            fix = "Correct the rule or the case."
            found = [rule_files.bad(cases.shown, cases.incident.line, what, fix, "failed-case")]
            return _verdict(cases, environment, len(ones), 0, found)
        if not mutants:
            return _verdict(cases, environment, len(ones), 0, [])
        tried = list(_mutants(rules, rule))

        def survives(mutant: tuple[str, dict[str, str]]) -> bool:
            return not any(judged({**rules, **mutant[1]}, one) for one in asked)

        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            alive = [m[0] for m, ok in zip(tried, pool.map(survives, tried), strict=True) if ok]
    what = f"no case of {alert} tells the rule from `{{}}`."
    fix = "Add a case, or say under `equivalent` why there can be none."
    found = [
        rule_files.bad(cases.shown, 1, what.format(shown), fix, "surviving-mutant")
        for shown in alive
        if shown not in cases.equivalent
    ]
    for shown in cases.equivalent.keys() - set(alive):
        what = f"`{shown}` stands under `equivalent`, but no such mutant survives."
        found.append(rule_files.bad(cases.shown, 1, what, "Remove it.", "surviving-mutant"))
    return _verdict(cases, environment, len(ones), len(tried), found)


def _until(test: Mapping[str, Any]) -> float:
    """Seconds of a test's last question: the shorter ones find most mutants."""
    return max(promql.seconds(one["eval_time"]) for one in test["promql_expr_test"])


def _verdict(
    cases: rule_cases.Cases, environment: str, ran: int, mutants: int, found: list[Problem]
) -> Judged:
    return Judged(
        alert=cases.alert,
        environment=environment,
        cases=ran,
        mutants=mutants,
        problems=tuple(sorted(found)),
    )


def _mutants(rules: Mapping[str, str], rule: AlertRule) -> Iterator[tuple[str, dict[str, str]]]:
    """What was changed, and the rule file with it; recording rules that the alert reads too."""
    names = {rule.name, *(record.name for one in rule.every for record in one.records)}
    for file, text in rules.items():
        document = yaml.safe_load(text)
        for one in (one for group in document["groups"] for one in group["rules"]):
            if (one.get("alert") or one.get("record")) not in names:
                continue
            written = one["expr"]
            for shown, one["expr"] in rule_mutants.of(written):
                yield shown, {file: yaml.safe_dump(document)}
            one["expr"] = written


def _asked(rules: Mapping[str, str], every: str, tests: list[dict[str, Any]]) -> str:
    """A file as `promtool test rules` reads it."""
    asked = {"rule_files": sorted(rules), "evaluation_interval": every, "tests": tests}
    return yaml.safe_dump(asked, sort_keys=False)


def _judged(program: str, at: Path, rules: Mapping[str, str], asked: str) -> str:
    """What promtool has against rules; empty for nothing."""
    with tempfile.TemporaryDirectory(dir=at) as folder:
        for name, text in {**rules, "cases.yaml": asked}.items():
            (Path(folder) / name).write_text(text, "utf-8")
        done = _ran([program, "test", "rules", "cases.yaml"], folder)
    said = (done.stdout + done.stderr).strip()
    if done.returncode and "exp:" not in said:
        raise CouldNotTell(f"{program} does not run the cases: {said}.")
    return said if done.returncode else ""


def _ran(words: list[str], folder: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            words, cwd=folder, capture_output=True, text=True, timeout=WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CouldNotTell(f"{words[0]} does not judge the rules: {error}.") from error
