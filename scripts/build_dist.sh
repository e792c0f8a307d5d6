#!/bin/bash
# build_dist.sh BIN [OUT]: OUT/drillbook-*.whl (dist/ by default), the engine with this checkout's book inside
# (drillbook/_book): the files that git knows, as they are in the working tree.
set -euo pipefail
bin=$1 out=${2:-dist}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/drillbook/_book" "$out"
git ls-files -z drillbook pyproject.toml README.md LICENSE | xargs -0 cp --parents -t "$folder"
git ls-files -z features steps fixtures scripts monitoring runbooks | xargs -0 cp --parents -t "$folder/drillbook/_book"
rm -f "$out"/drillbook-*.whl
"$bin/pip" wheel -q --disable-pip-version-check --no-deps --no-build-isolation -w "$out" "$folder"
ls "$out"/drillbook-*.whl
