"""How `staging up` starts the agent, and replaces one that is not as it should be."""

import os
import shlex
import sys
import time

from drillbook.changes.host_agent import HostAgent
from drillbook.model.errors import CouldNotTell
from drillbook_staging import cgroups, node
from drillbook_staging.agent import version
from drillbook_staging.errors import StageFailed
from drillbook_staging.places import Places
from drillbook_staging.shell import Shell, tail

STARTED_WITHIN_S = 20.0
ENDED_WITHIN_S = 10.0
CONFIG = "supervisord.conf"


def is_current(places: Places) -> bool:
    """Whether an agent answers that runs this code, and that somebody would start again."""
    try:
        found = HostAgent(places.agent_socket).hello()
    except CouldNotTell:
        return False
    return found.version == version.of_this_code() and found.supervised


def ensure(shell: Shell) -> None:
    """Have one; what the last one had not undone, it goes on with. Raises StageFailed."""
    if is_current(shell.places):
        return
    end(shell.places)
    places = shell.places
    places.agent.mkdir(mode=0o700, parents=True, exist_ok=True)
    (places.agent / CONFIG).write_text(config(places))
    keep = (sys.executable, "-m", "drillbook_staging.agent.keep", str(places.agent / CONFIG))
    shell.run("setsid", "--fork", *keep)  # nobody's child: who started it may live on, or not
    until = time.monotonic() + STARTED_WITHIN_S
    while not is_current(places):
        if time.monotonic() > until:
            log = tail(places.agent / "agent.out")
            raise StageFailed(
                f"stage {shell.stage!r}: the host agent does not answer at {places.agent_socket} "
                f"after {STARTED_WITHIN_S:g} s. Its last lines:\n{log}\nIts logs: "
                f"{places.agent}/agent.out and agent.log; its supervisor's: {shell.log}"
            )
        time.sleep(0.1)


def config(places: Places) -> str:
    """What the supervisor is told. Pure."""
    folders = ("--state", str(places.state), "--cache", str(places.cache))
    command = shlex.join((sys.executable, "-m", "drillbook_staging.agent", *folders))
    return node.render("agent.conf", folder=_plain(str(places.agent)), command=_plain(command))


def _plain(text: str) -> str:
    """supervisor expands what stands behind a percent sign."""
    return text.replace("%", "%%")


def end(places: Places) -> None:
    """SIGKILL to supervisor and agent: the next one has the journal. Raises StageFailed."""
    until = time.monotonic() + ENDED_WITHIN_S
    while found := processes(places):
        if time.monotonic() > until:
            raise StageFailed(
                f"the host agent's processes {', '.join(map(str, sorted(found)))} are still there "
                f"{ENDED_WITHIN_S:g} s after SIGKILL. See with `ps` what they wait for."
            )
        for process in found:
            cgroups.kill(process)
        time.sleep(0.05)


def processes(places: Places) -> set[int]:
    """The supervisor and the agent, by our mark and their command lines."""
    ours = ("drillbook_staging.agent", str(places.agent / CONFIG))
    return {
        process
        for process in node.marked(places) - {os.getpid()}
        if any(word in ours for word in node.words(process))
    }
