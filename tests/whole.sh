#!/bin/bash
# What `make test` runs, in the order in which the least waits. Says what each part took.
#   DRILL=no       leaves out the one real drill (CI drills on its own)
#   WORKERS=4      how many of pytest's processes drill side by side
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
here="cluster and not staging and not campaign"
[ "${DRILL:-}" = no ] && here="$here and not drill"

part() { # part WORDS COMMAND...: the command, and how long it took
  local words=$1 begin=$SECONDS
  shift
  "$@" || { echo "=== $words: FAILED after $((SECONDS - begin)) s" && return 1; }
  echo "=== $words: $((SECONDS - begin)) s"
}

part "the embedded cluster's own life, if its code changed" $bin/pytest -rs -m staging
part "the embedded cluster" $bin/drillbook staging up

# One after the other: beside the unit tests the reaper of two cores missed its limit by half a second.
part "the tests without a cluster" $bin/pytest -n "${WORKERS:-4}"
part "drills killed and paused at every write" $bin/pytest -s -m "kills and $here"
part "drills side by side" $bin/pytest -n "${WORKERS:-4}" --dist loadgroup \
  -m "$here and not kills and not alone"
part "drills alone on the cluster" $bin/pytest -m "$here and alone"
echo "=== all of it: $SECONDS s"
