#!/usr/bin/env python3
"""Sets one key of a ConfigMap, whatever characters its value holds."""

import argparse
import json
import subprocess
import sys

HELP = """Set one key of a ConfigMap and leave the others as they are.

  set_key.py --context lab --namespace shop orders-conf library-path /app/lib
  set_key.py --context lab --namespace shop --dry-run orders-conf library-path /app/lib

kubectl patches it; the value is data, never part of the patch's structure. A key that is not there
is an error: it may be misspelt. Exit codes: 0 set, 1 refused by the cluster, 2 bad usage.
"""


def patch(key: str, value: str) -> str:
    """A merge patch of one key. Pure."""
    return json.dumps({"data": {key: value}})


def main() -> int:
    parser = argparse.ArgumentParser(
        description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--context", required=True, help="the kubeconfig's context")
    parser.add_argument("--namespace", "-n", required=True, help="the ConfigMap's namespace")
    parser.add_argument("--dry-run", action="store_true", help="let the cluster check it only")
    parser.add_argument("name", metavar="CONFIGMAP")
    parser.add_argument("key", metavar="KEY")
    parser.add_argument("value", metavar="VALUE")
    given = parser.parse_args()
    if not given.value:
        parser.error("the value is empty")
    kubectl = ("kubectl", "--context", given.context, "-n", given.namespace)
    found = subprocess.run(
        (*kubectl, "get", "configmap", given.name, "-o", "json"),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if found.returncode != 0:
        return 1
    known = json.loads(found.stdout).get("data") or {}
    if given.key not in known:
        there = ", ".join(sorted(known)) or "none"
        print(f"{given.name} has no key {given.key!r}; there is: {there}", file=sys.stderr)
        return 1
    dry = ("--dry-run=server",) if given.dry_run else ()
    words = ("patch", "configmap", given.name, "--type=merge", *dry, "-p")
    done = subprocess.run((*kubectl, *words, patch(given.key, given.value)), check=False)
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
