#!/usr/bin/env python3
"""Says why the driver of a Spark application restarts, and what to do about it. Changes nothing."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

# Run by its path, Python looks for modules in this file's folder instead of the checkout.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.cluster import checked_name, connect, errors_as_exit_codes
from scripts.spark.diagnosis import Diagnosis, Facts, diagnose
from scripts.spark.driver_facts import read_facts
from scripts.spark.remedies import Place, Remedy, remedy_for

HELP = """Say why the driver of a Spark application restarts. Reads only.

Looks at the driver's pod (labels app.kubernetes.io/name=APP and spark-role=driver, container
spark-driver), its events, its newest termination and that run's log, and prints one cause, the
lines that say so, and the commands that mend it:

\b
  driver-oom             the kernel killed it at its container's memory limit
  missing-module         a module of the application is not under its configured path
  refused-configuration  Spark or the JVM refuses a setting at start
  none                   it runs, is ready, and did not restart in the last ten minutes
  unknown                no cause, or more than one, has signs: what to look at next

Example:

\b
  diagnose_driver.py --namespace shop orders
  diagnose_driver.py --namespace shop --json orders | jq -r .cause

Exit codes: 0 it could look (for `unknown` too), 2 bad usage, 4 the cluster gave no answer.
The kubeconfig is that of KUBECONFIG.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(help=HELP)
def main(
    application: Annotated[str, typer.Argument(metavar="APP", help="The application's name.")],
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Its namespace.")],
    context: Annotated[str, typer.Option(help="The kubeconfig's context; default: current.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    with errors_as_exit_codes():
        checked_name("application", application)
        checked_name("namespace", namespace)
        facts = read_facts(connect(context), application, namespace, datetime.now(UTC))
        report = reported(facts, context)
        typer.echo(json.dumps(report, indent=2) if as_json else as_text(report))


def reported(facts: Facts, context: str) -> dict[str, Any]:
    """The diagnosis with its remedy, as `--json` prints it."""
    found = diagnose(facts)
    remedy = remedy_for(found.cause, place_of(facts, context))
    return as_dict(facts, found, remedy)


def place_of(facts: Facts, context: str) -> Place:
    return Place(
        context=context,
        namespace=facts.namespace,
        application=facts.application,
        pod=facts.driver.pod if facts.driver else "",
        memory_limit=facts.driver.memory_limit if facts.driver else "",
    )


def as_dict(facts: Facts, found: Diagnosis, remedy: Remedy) -> dict[str, Any]:
    return {
        "cause": found.cause,
        "summary": found.summary,
        "application": facts.application,
        "namespace": facts.namespace,
        "pod": facts.driver.pod if facts.driver else None,
        "evidence": list(found.evidence),
        "remedy": remedy.text,
        "commands": list(remedy.commands),
    }


def as_text(report: dict[str, Any]) -> str:
    """The same for people."""
    return "\n".join(
        (
            f"cause: {report['cause']} ({report['summary']})",
            "evidence:",
            *(f"  {line}" for line in report["evidence"]),
            f"remedy: {report['remedy']}",
            *(f"  {line}" for line in report["commands"]),
        )
    )


if __name__ == "__main__":
    app()
