"""The agent as a program: `python -m drillbook_staging.agent --help`."""

import argparse
import fcntl
import logging
import os
import signal
import sys
import threading
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

from drillbook.model.clock import since_boot
from drillbook_staging.agent import version
from drillbook_staging.agent.journal import Journal
from drillbook_staging.agent.keeper import Clock, Keeper
from drillbook_staging.agent.machine import Machine
from drillbook_staging.agent.server import Desk, Server
from drillbook_staging.places import Places
from drillbook_staging.shell import Shell

LOOK_EVERY_S = 0.5
"""How often it looks for what has expired."""
LOG_BYTES = 2_000_000

EPILOG = """\
`drillbook staging up` starts it, under a supervisor that starts it again; `drillbook staging down`
ends it. It answers one JSON object per line on STATE/agent.sock, which is root's alone:

  {"do": "hello"}
  {"do": "apply", "drill": "drill-x", "sequence": 1, "verb": "kill-node", "node": "node2",
   "expires": 1790000000}                      (on one line; or "verb": "cut-network")
  {"do": "renew", "drill": "drill-x", "expires": 1790000030}
  {"do": "undo", "drill": "drill-x"}
  {"do": "list"}

Times are UNIX seconds, at most an hour ahead. What is not renewed is undone when it expires. An
answer with "error" says what is wrong; its "kind" is refused (nothing was changed), could-not-tell
or undo-failed (it is tried again every few seconds, for ever). To ask by hand, as root:

  echo '{"do": "list"}' | socat - UNIX-CONNECT:/var/lib/drillbook/staging/agent.sock

Files: STATE/agent/DRILL-SEQUENCE.json, one for each change that is not undone, written before the
change; STATE/agent/agent.log, each thing it did; STATE/logs/host-agent.log, what its commands said.
SIGTERM ends it without undoing: the next one goes on from the journal.
"""


def main() -> int:
    """Serve until SIGTERM."""
    places = _places()
    places.agent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file of its own: standard output is a pipe that breaks when the supervisor is killed.
    handler = RotatingFileHandler((places.agent / "agent.log"), maxBytes=LOG_BYTES, backupCount=1)
    form = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler.setFormatter(form)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    log = logging.getLogger("drillbook.agent")
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    code, parent = version.of_this_code(), os.getppid()
    with (places.agent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # never two: the last one may still be ending
        machine = Machine(Shell(places, "host agent"))
        keeper = Keeper(Journal(places.agent), machine, Clock(time.time, since_boot))
        server = Server(places.agent_socket, Desk(keeper, code, parent))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        log.info("process %d listens at %s, version %s", os.getpid(), places.agent_socket, code)
        while not ending.wait(LOOK_EVERY_S):
            keeper.undo_what_is_over()
        keeper.rest()
        log.info(
            "ends, with %d changes that are not undone", len(Journal(places.agent).read().changes)
        )
    # Threads at work on a deed end here, as under SIGKILL: the next agent does it again.
    logging.shutdown()
    os._exit(0)


def _places() -> Places:
    parser = argparse.ArgumentParser(
        prog="python -m drillbook_staging.agent",
        description="Takes nodes of the embedded cluster away for drills, and brings them back.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name in ("state", "cache"):
        told = f"the cluster's {name} folder, as `staging up` knows it"
        parser.add_argument(f"--{name}", type=Path, required=True, help=told)
    found = parser.parse_args()
    # It builds nothing, hence needs no checkout; one that was removed must not stop it.
    return Places(found.state, found.cache, sources=found.state)


if __name__ == "__main__":
    sys.exit(main())
