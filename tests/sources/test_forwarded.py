"""Who did not answer behind a forward: a pod that is not ready, or one that should have."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from drillbook.cluster.clients import Connections
from drillbook.cluster.settings import Settings
from drillbook.model import Absent, Endpoint, Reading, Var
from drillbook.model.errors import CouldNotTell
from drillbook.sources import Http, forwarded

PLACE = Endpoint(var=Var("PLACE"), service="shop", port=8080)


class Refused(Connections):
    """A forward that stands, to a port that nobody listens on."""

    def reach(self, endpoint: Endpoint, *, again: bool = False) -> str | Absent:
        return self.values[endpoint.var.name]


@pytest.mark.parametrize("ready", [Absent("endpointslices"), "false", "false false"])
def test_no_answer_from_a_service_without_a_ready_pod_is_an_answer(
    ready: str | Absent, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = read(ready, monkeypatch)
    assert answer == Absent("a ready pod behind shop")


def test_no_answer_from_a_ready_pod_could_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CouldNotTell, match="no usable answer"):
        read("false true", monkeypatch)


def read(ready: str | Absent, monkeypatch: pytest.MonkeyPatch) -> object:
    pods = SimpleNamespace(read=lambda clients: Reading(answer=ready))
    monkeypatch.setattr(forwarded, "serving", lambda endpoint: pods)
    settings = Settings(root=Path(), kubeconfig=Path("none"))
    clients = Refused(settings, {"PLACE": "127.0.0.1:1"})
    return Http(url="/readyz", endpoint=PLACE).read(clients).answer
