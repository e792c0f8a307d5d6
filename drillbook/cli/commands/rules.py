"""Alert rules: written for a Prometheus, and tested by it."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from drillbook.book import monitoring, promtool, rule_files
from drillbook.cluster.settings import Settings
from drillbook.model.errors import CouldNotTell, RunbookProblem, UsageError


def write(settings: Settings, environment: str, folder: Path, console: Console) -> None:
    """Write an environment's rule files. Raises UsageError for wrong rules, nothing written."""
    monitoring.refuse(promtool.rule_problems(settings))
    texts = monitoring.rendered_rules(settings.root, environment, settings.pages_url)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise CouldNotTell(f"{folder}: the rules cannot be written: {error.strerror}.") from error
    console.print(f"{len(texts)} rule files for {environment}.")


def test(settings: Settings, alerts: Sequence[str], console: Console) -> None:
    """Judge alerts (all when none is named) in every environment, a line for each. Raises
    RunbookProblem with every case that failed and every mutant that no case finds."""
    program = promtool.found(settings)
    monitoring.refuse(promtool.rule_problems(settings))
    known = sorted(rule_files.read_rules(settings.root).names)
    if strange := sorted(set(alerts) - set(known)):
        raise UsageError(f"no alert is named {', '.join(strange)}. There is: {', '.join(known)}.")
    wrong: list[object] = []
    for alert in alerts or known:
        for judged in promtool.judge_everywhere(program, settings.root, alert):
            wrong += judged.problems
            said = "FAILED" if judged.problems else "ok"
            where = f"{alert}, {judged.environment}"
            console.print(
                f"{said}  {where}: {judged.cases} cases, {judged.mutants} mutants", highlight=False
            )
    if wrong:
        raise RunbookProblem("\n".join(dict.fromkeys(map(str, wrong))))
