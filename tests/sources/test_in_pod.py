"""Inside a container: kubectl is a stand-in that runs the program here; the words are the same."""

import os
from pathlib import Path
from types import SimpleNamespace as Of
from typing import Any

import pytest

from drillbook.cluster.clients import Connections
from drillbook.cluster.settings import Settings
from drillbook.model import Absent, Part
from drillbook.model.errors import CouldNotTell
from drillbook.sources import InPod, Look

SERVER = Part(role="server", kind="Deployment", name="db", selector="app=db", container="main")
KUBECTL = '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift\nexec "$@"\n'


def clients(root: Path, ready: str = "True", kubectl: str = KUBECTL) -> Connections:
    tool = root / "bin" / "kubectl"
    tool.parent.mkdir(exist_ok=True)
    tool.write_text(kubectl)
    tool.chmod(0o755)
    values = {"NAMESPACE": "n", "CONTEXT": "c"}
    found = Connections(Settings(root=root, tool_path=str(tool.parent)), values)
    status = Of(conditions=[Of(type="Ready", status=ready)])
    pod = Of(metadata=Of(name="db-0", deletion_timestamp=None), status=status)
    pods: Any = Of(list_namespaced_pod=lambda *_, **__: Of(items=[pod]))
    found.__dict__["core"] = pods
    return found


def look(at: Look, of: str) -> InPod:
    return InPod(part=SERVER, look=at, of=of)


def test_files_processes_and_file_systems(tmp_path: Path) -> None:
    name = tmp_path / "it's $(id) `x` é; -x"
    name.write_text("one\n")
    name.chmod(0o640)
    here = clients(tmp_path)
    asked = {Look.EXISTS: str(name), Look.CONTENT: "one", Look.SIZE: "4", Look.MODE: "640"}
    for what, answer in asked.items():
        assert look(what, str(name)).read(here).answer == answer
        assert isinstance(look(what, f"{name}.not").read(here).answer, Absent)
    for what in (Look.USED, Look.FREE):
        assert str(look(what, str(tmp_path)).read(here).answer).isdigit()
    own = Path(f"/proc/{os.getpid()}/comm").read_text().strip()
    assert look(Look.PROCESS, own).read(here).answer != "0"
    assert isinstance(look(Look.PROCESS, "no-such-program").read(here).answer, Absent)
    not_ready = look(Look.SIZE, "/etc/passwd").read(clients(tmp_path, "False"))
    assert isinstance(not_ready.answer, Absent)


def test_what_other_programs_print() -> None:
    ss = "LISTEN 0 244 127.0.0.1:5432 0.0.0.0:*\nLISTEN 0 9 [::]:15432 [::]:*\n"
    assert look(Look.LISTENS, "5432").parse(ss) == "127.0.0.1:5432"
    assert isinstance(look(Look.LISTENS, "543").parse(ss), Absent)
    end = "notAfter=Nov  8 15:54:20 2027 GMT\n"
    assert look(Look.CERTIFICATE, "/x").parse(end) == "2027-11-08T15:54:20Z"
    with pytest.raises(CouldNotTell, match="no end"):
        look(Look.CERTIFICATE, "/x").parse("unable to load certificate")


def test_a_kubectl_that_fails_is_could_not_tell(tmp_path: Path) -> None:
    for kubectl, why in (
        ("#!/bin/sh\necho forbidden >&2; exit 1\n", "forbidden"),
        ("#!/bin/sh\necho cat: not found >&2; exit 127\n", "Its image has no cat"),
    ):
        with pytest.raises(CouldNotTell, match=why):
            look(Look.CONTENT, "/x").read(clients(tmp_path, kubectl=kubectl))


@pytest.mark.parametrize("path", ["x", "-x", "/a\nb", ""])
def test_only_a_path_from_the_root_on_is_one(path: str) -> None:
    with pytest.raises(ValueError, match="give a path"):
        look(Look.SIZE, path)
