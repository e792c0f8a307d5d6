#!/bin/bash
# build_dist.sh BIN: dist/drillbook-*.whl, the engine with this checkout's book inside (_book), as git knows
# its files and as they are in the working tree.
set -euo pipefail
bin=$1
folder=build/dist
rm -rf "$folder"
mkdir -p "$folder/drillbook/_book" dist
git ls-files -z drillbook pyproject.toml README.md LICENSE | xargs -0 cp --parents -t "$folder"
git ls-files -z features steps fixtures scripts monitoring runbooks | xargs -0 cp --parents -t "$folder/drillbook/_book"
rm -f dist/drillbook-*.whl
"$bin/pip" wheel -q --disable-pip-version-check --no-deps --no-build-isolation -w dist "$folder"
ls dist/drillbook-*.whl
