#!/bin/bash
# setup_venv.sh VENV: a virtual environment with the pinned, hashed requirements and this checkout's two
# distributions: the engine, and the embedded cluster beside it.
# Debian keeps ensurepip in a package of its own; a bare machine lacks it.
set -euo pipefail
venv=$1

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "drillbook needs Python 3.11 or newer as python3; found: $(python3 --version 2>&1)" >&2
  exit 2
fi
if ! python3 -c 'import ensurepip' 2>/dev/null; then
  echo "installing python3-venv (Debian ships ensurepip apart from Python)"
  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y python3-venv
fi
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
echo "installing the pinned requirements into $venv (a minute or two the first time)"
"$venv/bin/pip" install -q --disable-pip-version-check --require-hashes -r requirements.txt
"$venv/bin/pip" install -q --disable-pip-version-check --no-deps --no-build-isolation -e . -e staging
