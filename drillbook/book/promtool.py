"""Prometheus' own judgement of the rules, where promtool is there."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from drillbook.book import monitoring, rule_files
from drillbook.cluster.settings import Settings
from drillbook.model import Problem
from drillbook.model.errors import CouldNotTell

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
        words = [program, "check", "rules", "--lint=none", *rendered]
        try:
            done = subprocess.run(words, cwd=at, capture_output=True, text=True, timeout=WITHIN_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CouldNotTell(f"{program} does not check the rules: {error}.") from error
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
