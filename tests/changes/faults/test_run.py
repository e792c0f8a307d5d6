"""A program in a pod: how its end is judged, and what it is given."""

import json
from typing import Any

import pytest

from drillbook.changes.faults import Injector, Outcome
from drillbook.changes.faults.kinds.run import SAYS, judged
from drillbook.changes.undo.custody import Custody
from drillbook.changes.undo.record import State, Verb
from drillbook.cluster import in_pod
from drillbook.cluster.clients import Connections
from drillbook.cluster.in_pod import Ran, ended
from drillbook.model import Duration, Fault, Probe, Refusal, Run, Target, Var
from drillbook.model.errors import CouldNotTell
from drillbook.model.matchers import equals
from drillbook.model.object_ref import ObjectRef
from drillbook.sources import Kube
from tests.changes.conftest import DRILL
from tests.changes.fake_api import FakeApi

PODS = Target(api_version="v1", kind="Pod", selector="app=pg")
DROP = Run(
    target=PODS,
    container="pg",
    words=("psql", "-c", Var("DROP")),
    within=Duration("1500ms"),
    refused_by=Refusal.PERMISSION_DENIED,
)
EFFECT = Probe(source=Kube(kind="pods", name="a", path="{.a}"), expect=equals("b"))
FAULT = Fault(title="the table is dropped", changes=(DROP,), effect=EFFECT)
DENIED = 'ERROR:  permission denied for table "orders"'


@pytest.mark.parametrize(
    ("code", "output", "outcome"),
    [
        (0, "DROP TABLE", Outcome.APPLIED),
        (0, DENIED, Outcome.APPLIED),
        (1, DENIED, Outcome.BLOCKED),
        (1, "rm: cannot remove 'x': Permission denied", Outcome.BLOCKED),
        (1, "could not connect to server", Outcome.NOT_APPLIED),
        # What it met on the way is not what it ended with; what psql adds is not its error.
        (1, f"{DENIED}\npsql: server closed the connection", Outcome.NOT_APPLIED),
        (1, f"{DENIED}\nHINT:  ask its owner\nLOCATION:  aclcheck_error, a.c:1\n", Outcome.BLOCKED),
        # `timeout` says that it could not run the program, or that time was up.
        (126, "timeout: failed to run command 'x': Permission denied", Outcome.NOT_APPLIED),
        (127, "timeout: failed to run command 'x': No such file", Outcome.NOT_APPLIED),
        (137, DENIED, Outcome.NOT_APPLIED),
        (None, f"exec failed: {DENIED}", Outcome.NOT_APPLIED),
    ],
)
def test_when_a_program_was_blocked(code: int | None, output: str, outcome: Outcome) -> None:
    assert judged(Ran(code, "", output), Refusal.PERMISSION_DENIED, "x").outcome is outcome
    assert judged(Ran(code, "", output), None, "x").outcome is not Outcome.BLOCKED
    aside = judged(Ran(code, output, ""), Refusal.PERMISSION_DENIED, "x")
    assert aside.outcome is not Outcome.BLOCKED, "standard output is data"


@pytest.mark.parametrize(
    ("refused_by", "output"),
    [
        (Refusal.PERMISSION_DENIED, DENIED),
        (Refusal.SQLSTATE_42501, "ERROR:  42501: must be owner of table orders"),
        (Refusal.SQLSTATE_42501, "psql:a.sql:1: ERROR:  42501"),
        (Refusal.SQLSTATE_42501, "ERROR: must be owner of table orders (SQLSTATE 42501)"),
        (None, "[pid 42501] ERROR:  relation does not exist"),
        (None, "ERROR:  42501 rows were expected"),
        (Refusal.ACCESS_DENIED, "An error occurred (AccessDenied) when calling DeleteObject"),
        (Refusal.OBJECT_LOCK, "cannot be deleted because the object is protected by Object Lock"),
        (Refusal.READ_ONLY_FILE_SYSTEM, "touch: cannot touch 'x': Read-only file system"),
    ],
)
def test_each_refusal_has_words_of_its_own(refused_by: Refusal | None, output: str) -> None:
    found = {one: judged(Ran(1, "", output), one, "x").outcome for one in SAYS}
    blocked = [one for one, outcome in found.items() if outcome is Outcome.BLOCKED]
    assert blocked == [refused_by] * bool(refused_by)
    assert set(SAYS) == set(Refusal)


def test_what_it_said_is_not_cut_before_it_is_redacted() -> None:
    key = "k" * 400
    assert key in judged(Ran(1, "", key), None, "x").said
    kept = (b"k" * in_pod.OUTPUT_LIMIT + b"\nthe end\n")[-in_pod.OUTPUT_LIMIT :]
    assert in_pod._lines(kept) == b"the end\n"


EXIT = {"causes": [{"reason": "ExitCode", "message": "42"}]}


def status(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (status(status="Success"), 0),
        (status(status="Failure", reason="NonZeroExitCode", details=EXIT), 42),
        (status(status="Failure", message="no such file", reason="InternalError"), None),
        (b"", None),
        (b"[]", None),
    ],
)
def test_how_a_program_ended(said: bytes, code: int | None) -> None:
    assert ended(said, b"out\n", b"").code == code


def test_an_exec_that_is_refused_could_not_be_told(api: FakeApi, clients: Connections) -> None:
    pod = ObjectRef(api_version="v1", kind="Pod", name="a", namespace=DRILL)
    with pytest.raises(CouldNotTell, match=r"exec in pod/drill-a/a refused: Handshake status 200"):
        in_pod.exec_in_pod(clients, pod, "c", ("true",), 1.0)


@pytest.mark.parametrize("code", [0, 1])
def test_it_runs_under_a_timeout_in_a_pod_that_runs_and_is_written_down_before(
    api: FakeApi, clients: Connections, custody: Custody, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    for name, phase in (("pg-0", "Pending"), ("pg-1", "Running"), ("pg-2", "Running")):
        labels = {"labels": {"app": "pg"}}
        api.put("Pod", name, DRILL, metadata=labels, status={"phase": phase})
    clients.values["DROP"] = "DROP TABLE orders; --"
    given: list[Any] = []

    def program(clients: Connections, pod: ObjectRef, container: str, *words: Any) -> Ran:
        given.extend((api.all("UndoRecord")[0]["state"], pod.name, container, *words))
        return Ran(code, "", DENIED)

    monkeypatch.setattr(in_pod, "exec_in_pod", program)
    injector = Injector(clients, DRILL, custody)
    outcome = injector.inject(FAULT).outcome
    assert outcome is (Outcome.BLOCKED if code else Outcome.APPLIED)
    words = ("timeout", "-s", "KILL", "2", "psql", "-c", "DROP TABLE orders; --")
    assert given == [State.PLANNED, "pg-1", "pg", words, 1.5]
    (record,) = api.all("UndoRecord")
    assert (record["spec"]["verb"], record["state"]) == (Verb.RUN, State.APPLIED)
    assert injector.take_back(FAULT) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": Target(api_version="apps/v1", kind="Deployment", name="pg")},
        {"container": ""},
        {"words": ()},
        {"within": Duration("500ms")},
    ],
)
def test_a_program_that_cannot_run_is_refused_when_it_is_written(wrong: dict[str, Any]) -> None:
    good = {"target": PODS, "container": "pg", "words": ("true",), "within": Duration("5s")}
    with pytest.raises(ValueError, match="a program"):
        Run(**{**good, **wrong})
