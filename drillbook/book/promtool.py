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

from drillbook.book import monitoring, rule_cases, rule_files, rule_mutants
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


def judge(program: str, root: Path, environment: str, alert: str) -> Judged:
    """Runs an alert's cases, those that follow from its incident, and each mutant of its rules.
    Raises UsageError for cases that cannot be read, CouldNotTell without an answer of promtool."""
    rule = monitoring.load_alerts(root, environment)[alert]
    cases = rule_cases.read(root, alert)
    ones = (*cases.of(environment), *rule_cases.generated(cases, rule))
    rules = monitoring.rendered_rules(root, environment)
    tests = {
        "rule_files": sorted(rules),
        "evaluation_interval": cases.every,
        "tests": rule_cases.promtool_tests(cases, rule, ones),
    }
    with tempfile.TemporaryDirectory() as at:
        judged = partial(_judged, program, Path(at), rules, tests)
        if said := judged({}):
            what = f"{alert} does not do what its cases say in {environment}: {said}"
            fix = "Correct the rule or the case."
            found = [rule_files.bad(cases.shown, cases.incident.line, what, fix, "failed-case")]
            return _verdict(cases, environment, len(ones), 0, found)
        mutants = list(_mutants(rules, rule))
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            killed = list(pool.map(judged, (file for _, file in mutants)))
    alive = [shown for (shown, _), said in zip(mutants, killed, strict=True) if not said]
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
    return _verdict(cases, environment, len(ones), len(mutants), found)


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


def _judged(
    program: str, at: Path, rules: Mapping[str, str], tests: Any, other: Mapping[str, str]
) -> str:
    """What promtool has against the tests of rules, some of them replaced; empty for nothing."""
    with tempfile.TemporaryDirectory(dir=at) as folder:
        for name, text in {**rules, **other}.items():
            (Path(folder) / name).write_text(text, "utf-8")
        (Path(folder) / "cases.yaml").write_text(yaml.safe_dump(tests, sort_keys=False), "utf-8")
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
