"""A stand-in for pytest: a drill's process that does what its test says, and a dispatcher of it."""

import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from drillbook.book import reader
from drillbook.cli.dispatch import Dispatcher
from drillbook.cli.schedule import Room
from drillbook.cli.selection import Selected, select
from drillbook.model import Control, Runbook
from tests.evidence.test_records import drill

STAND_IN = """
import json, os, signal, sys, time
from pathlib import Path
from drillbook.drill.signals import take_termination_as_interrupt

run = next(word for word in sys.argv if word.startswith("--drill-run="))
folder = Path(run.partition("=")[2])
cause, control = sys.argv[1].rpartition("::")[2].split("--")
plan = json.loads(Path("plan.json").read_text())

def record(**changed):
    fields = {**plan["record"], "cause": cause, "control": control, **changed}
    path = folder / f"RB-X-001--{cause}--{control}--1.json"
    path.with_suffix(".tmp").write_text(json.dumps(fields))
    path.with_suffix(".tmp").rename(path)

def others(seconds):
    "Whether every other cause was here at the same time, within so many seconds."
    Path(f"{cause}.here").touch()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if all(Path(f"{one}.here").exists() for one in plan["does"]):
            return True
        time.sleep(0.01)
    return False

does = plan["does"][cause]
print(f"{cause}: its words", file=sys.stderr, flush=True)
if does == "pass":
    record()
elif does == "meet":
    record(verdict="PASSED" if others(20) else "FAILED")
elif does == "be alone":
    met = [str(path) for path in Path().glob("*.here")] or others(0.4)
    Path(f"{cause}.here").unlink(missing_ok=True)
    record(verdict="FAILED" if met else "PASSED")
elif does == "announce":
    for phase, at in (("fault", 2.0), ("detection", 5.0), ("undo", 7.5)):
        print("\x02" + json.dumps({"phase": phase, "at": at}), file=sys.stderr, flush=True)
    record()
elif does == "pass others":
    print("\x02" + json.dumps({"phase": "fault", "at": 1.0}), file=sys.stderr, flush=True)
    record(verdict="PASSED" if others(20) else "FAILED")
elif does == "die":
    print("the reason")
    sys.exit(3)
elif does == "fall":
    os.kill(os.getpid(), signal.SIGKILL)
elif does == "tear":
    (folder / f"RB-X-001--{cause}--{control}--1.json").write_text('{"schema_version": 2}')
elif does == "wait":
    take_termination_as_interrupt()
    try:
        print("ready", file=sys.stderr, flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        record(interrupted=True)
"""


def runbook(*causes: str, domain: str = "cluster/namespace") -> Runbook:
    """A runbook of these causes."""
    head = f"@id:RB-X-001 @domain:{domain}\nFeature: it\n"
    rules = (f"  @cause:{c}\n  Rule: {c}\n    Scenario: {c}\n      Then x\n" for c in causes)
    return reader.parse(head + "".join(rules), PurePosixPath("features/x/it.feature"))


def drills(*causes: str, domain: str = "cluster/namespace") -> list[Selected]:
    """The plain drill of each cause."""
    return select([runbook(*causes, domain=domain)], [], [Control.PLAIN])


def stage(root: Path, does: dict[str, str]) -> None:
    """Write the stand-in and what each cause's process is to do."""
    root.mkdir(exist_ok=True)
    (root / "pytest.py").write_text(STAND_IN, "utf-8")
    plan = {"does": does, "record": json.loads(drill().model_dump_json())}
    (root / "plan.json").write_text(json.dumps(plan), "utf-8")


def dispatcher(root: Path, jobs: int, say: Callable[[str], None] = print) -> Dispatcher:
    return Dispatcher(root=root, folder=root / "run", room=Room(jobs), verbose=True, say=say)
