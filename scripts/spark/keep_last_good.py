#!/usr/bin/env python3
"""Keeps the configuration that a Spark application runs well with as its last good one."""

from __future__ import annotations

import json
import re
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from kubernetes.client import CoreV1Api
from kubernetes.client.exceptions import ApiException

# Run by its path, Python looks for modules in this file's folder instead of the checkout.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.cluster import (
    NoAnswer,
    NotDone,
    ask,
    checked_name,
    connect,
    errors_as_exit_codes,
    find_json,
    kubectl,
)
from scripts.spark.driver import (
    NAME_LABEL,
    container_of,
    list_drivers,
    newest_of,
    read_log,
    time_of,
)

HELP = """Keep the present configuration of a Spark application as its last good one.

Copies the ConfigMap APP-conf to APP-conf-last-good, which cannot be changed, only replaced by
this tool. When the driver starts with a configuration that is refused, it uses the last good one.

It refuses to keep what nobody has seen working: the driver must have completed a batch in the last
minute (by its own metrics), its pod must be newer than the configuration's last change, and it
must not run on the last good one itself.

Example:

\b
  keep_last_good.py --namespace shop --dry-run orders
  keep_last_good.py --namespace shop orders

Safe to run twice: a copy that is there already is left alone. Exit codes: 0 it is kept, 1 refused,
2 bad usage, 4 the cluster gave no answer. The kubeconfig is that of KUBECONFIG.
"""

FALLBACK = "configuration refused, keeping the last good one"
"""What the application's start script logs when it does not use the present configuration."""

METRIC = "streaming_last_batch_completed_timestamp_seconds"
"""The Unix time of the last completed batch, as every application's driver serves it."""
PROGRESS_WITHIN_S = 60.0

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(help=HELP)
def main(
    application: Annotated[str, typer.Argument(metavar="APP", help="The application's name.")],
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Its namespace.")],
    context: Annotated[str, typer.Option(help="The kubeconfig's context; default: current.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and say, change nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    with errors_as_exit_codes():
        checked_name("application", application)
        checked_name("namespace", namespace)
        done = keep(connect(context), application, namespace, context=context, dry_run=dry_run)
        typer.echo(json.dumps(done, indent=2) if as_json else as_text(done))


def keep(
    api: CoreV1Api, application: str, namespace: str, *, context: str, dry_run: bool
) -> dict[str, Any]:
    """Copy, unless it is copied already. Raises NotDone when the present one is not known good."""
    present = find_configmap(api, f"{application}-conf", namespace)
    pod = newest_of(list_drivers(api, namespace), application)
    reason = why_not(present, pod) or why_unproven(
        read_log(api, pod), last_batch(api, pod), time.time()
    )
    if reason:
        look = kubectl(context, namespace, "get", "pods", "-l", f"{NAME_LABEL}={application}")
        raise NotDone(f"{application}-conf is not kept: {reason} Look: {look}")
    name = f"{application}-conf-last-good"
    older = find_configmap(api, name, namespace)
    verb = verb_for(present, older)
    if not dry_run and verb != "unchanged":
        write(api, namespace, copy_of(present, name), replaces=older)
    return {"result": verb, "dry_run": dry_run, "configmap": name, "data": present["data"]}


def find_configmap(api: CoreV1Api, name: str, namespace: str) -> Any:
    """As JSON; None when there is none."""
    return find_json(f"configmap {name}", api.read_namespaced_config_map, name, namespace)


def last_batch(api: CoreV1Api, pod: Any) -> float | None:
    """The Unix time of the driver's last batch, read from its metrics through the API server;
    None before its first one."""
    metadata = pod["metadata"]
    notes = metadata.get("annotations", {})
    port, path = notes.get("prometheus.io/port", ""), notes.get("prometheus.io/path", "/metrics")
    text = ask(
        f"metrics of pod {metadata['name']}",
        api.connect_get_namespaced_pod_proxy_with_path,
        *(f"{metadata['name']}:{port}", metadata["namespace"], path.lstrip("/")),
        _preload_content=False,
    ).data.decode()
    found = re.search(rf"^{METRIC}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def write(api: CoreV1Api, namespace: str, copy: dict[str, Any], replaces: Any) -> None:
    """Make the copy; what cannot be changed is removed first, if it is still what was read."""
    name = copy["metadata"]["name"]
    if replaces is not None:
        same = {"preconditions": {"uid": replaces["metadata"]["uid"]}}
        call(
            f"removing configmap {name}",
            api.delete_namespaced_config_map,
            name,
            namespace,
            body=same,
        )
    try:
        call(f"making configmap {name}", api.create_namespaced_config_map, namespace, copy)
    except NoAnswer as error:
        state = "The older one is removed already" if replaces is not None else "Nothing changed"
        raise NoAnswer(f"{error} {state}: run this again.") from error


def call(what: str, method: Any, *arguments: Any, **options: Any) -> None:
    """One change. Raises NoAnswer for a 404 as well: the namespace or the object went away."""
    try:
        ask(what, method, *arguments, **options)
    except ApiException as error:
        raise NoAnswer(f"{what}: the API answered 404 {error.reason}.") from error


# --------------------------------------------------------------------------- pure


def why_not(present: Any, pod: Any) -> str:
    """Why the driver cannot have started with the present configuration; empty when it can."""
    if present is None:
        return "there is no such configmap."
    if not present.get("data"):
        return "it is empty."
    if pod is None:
        return "there is no driver pod, so nobody has seen it working."
    name, status = pod["metadata"]["name"], container_of(pod)
    if "deletionTimestamp" in pod["metadata"] or not status.get("ready", False):
        return f"the driver {name} is not ready."
    if time_of(pod["metadata"]["creationTimestamp"]) < changed_at(present):
        return f"it was changed after the driver {name} was made. Restart the driver first."
    return ""


def why_unproven(log: str, last: float | None, now: float) -> str:
    """Why a driver's progress does not speak for the present configuration; empty when it does.
    Times are Unix times in seconds."""
    if FALLBACK in log:
        return "the driver runs on the last good one, because this one was refused."
    if last is None:
        return "the driver has not completed a batch yet."
    if now - last > PROGRESS_WITHIN_S:
        return f"the driver completed its last batch {now - last:.0f} s ago."
    return ""


def changed_at(configmap: Any) -> datetime:
    """When its data was last written, by the API server's record of who wrote what."""
    fields = configmap["metadata"].get("managedFields", [])
    stamps = [f["time"] for f in fields if "f:data" in f.get("fieldsV1", {}) and "time" in f]
    return max(map(time_of, stamps), default=time_of(configmap["metadata"]["creationTimestamp"]))


def verb_for(present: Any, older: Any) -> str:
    if older is None:
        return "kept"
    same = older.get("data") == present.get("data") and older.get("immutable", False)
    return "unchanged" if same else "replaced"


def copy_of(present: Any, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": present["metadata"].get("labels", {})},
        "immutable": True,
        "data": present["data"],
    }


def as_text(done: dict[str, Any]) -> str:
    """The outcome for people."""
    head = f"{done['configmap']}: {done['result']}"
    said = f"{head} (dry run: nothing was changed)" if done["dry_run"] else head
    return "\n".join((said, *(f"  {key}: {value}" for key, value in sorted(done["data"].items()))))


if __name__ == "__main__":
    app()
