"""Tokens of the identities: asked for once, kept private, and never silently somebody else's."""

import stat
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml

from drillbook.cluster.clients import Connections
from drillbook.cluster.connections import connections
from drillbook.cluster.identities import Identities, Identity
from drillbook.cluster.settings import Settings
from drillbook.evidence import records
from drillbook.model.errors import CouldNotTell, Refused
from drillbook.plugin.session import with_whom
from tests.changes.fake_api import answering
from tests.cluster.test_kubeconfig import kubeconfig

Answer = Callable[[str, dict[str, Any]], tuple[int, Any]]
MINTED = "minted"


def runner(folder: Path, url: str, **fields: Any) -> Settings:
    clusters = [{"name": "c", "cluster": {"server": url, "certificate-authority": "ca.crt"}}]
    path = kubeconfig(folder, {"token": "the runner's"}, clusters=clusters)
    (folder / "ca.crt").touch()
    return Settings(root=folder, kubeconfig=path, request_timeout_s=2, **fields)


def serving(answer: Answer) -> AbstractContextManager[str]:
    return answering(lambda who, method, path, asked: answer(path, asked))


class Mint:
    """Answers each request with another token, and remembers them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, path: str, asked: dict[str, Any]) -> tuple[int, Any]:
        self.asked.append((path, asked))
        status = {
            "token": f"{MINTED}-{len(self.asked)}",
            "expirationTimestamp": "2026-11-21T12:00:00Z",
        }
        return 201, {**asked, "status": status}


def token_of(settings: Settings) -> str:
    assert settings.kubeconfig
    (user,) = yaml.safe_load(settings.kubeconfig.read_text())["users"]
    return str(user["user"]["token"])


def test_each_has_a_private_kubeconfig_for_the_same_cluster(tmp_path: Path) -> None:
    mint = Mint()
    with serving(mint) as url:
        given = runner(tmp_path, url)
        found = Identities(given).settings_for(Identity.OBSERVER)
    ((path, asked),) = mint.asked
    assert path == "/api/v1/namespaces/drillbook-system/serviceaccounts/observer/token"
    assert asked["spec"]["expirationSeconds"] >= given.duration("max_drill").seconds
    assert found.kubeconfig
    assert stat.S_IMODE(found.kubeconfig.stat().st_mode) == 0o600
    assert stat.S_IMODE(found.kubeconfig.parent.stat().st_mode) == 0o700
    document = yaml.safe_load(found.kubeconfig.read_text())
    assert document["current-context"] == found.context == "one"
    (cluster,) = document["clusters"]
    assert cluster["cluster"] == {"server": url, "certificate-authority": str(tmp_path / "ca.crt")}
    assert "the runner's" not in found.kubeconfig.read_text()
    assert found.model_copy(update={"kubeconfig": given.kubeconfig, "context": None}) == given


def test_threads_share_one_token(tmp_path: Path) -> None:
    mint = Mint()
    with serving(mint) as url:
        identities = Identities(runner(tmp_path, url))
        found: list[Settings] = []
        threads = [
            threading.Thread(
                target=lambda: found.append(identities.settings_for(Identity.INJECTOR))
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(mint.asked) == 1
        assert {id(one) for one in found} == {id(found[0])}
        identities.settings_for(Identity.RESPONDER)
        assert len(mint.asked) == 2


def test_a_token_that_would_end_within_a_drill_is_asked_for_again(tmp_path: Path) -> None:
    now = [0.0]
    with serving(Mint()) as url:
        identities = Identities(runner(tmp_path, url, max_drill="10m"), lambda: now[0])
        first = identities.settings_for(Identity.OBSERVER)
        assert token_of(first) == f"{MINTED}-1"
        now[0] = 600
        assert identities.settings_for(Identity.OBSERVER) is first
        now[0] = 1400
        second = identities.settings_for(Identity.OBSERVER)
        assert second is not first
        assert token_of(second) == f"{MINTED}-2"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_no_token_is_a_refusal_that_says_how_to_install(tmp_path: Path, status: int) -> None:
    with serving(lambda path, asked: (status, {})) as url:
        identities = Identities(runner(tmp_path, url))
        with pytest.raises(Refused, match=r"drillbook-system/injector.*apply -k.*runner") as caught:
            identities.settings_for(Identity.INJECTOR)
    assert f"HTTP {status}" in str(caught.value)
    assert str(caught.value).endswith("Nothing was changed.")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "answer",
    [(500, {}), (201, {}), (201, []), (201, {"spec": {"audiences": []}, "status": {"token": ""}})],
)
def test_no_usable_answer_is_could_not_tell(tmp_path: Path, answer: tuple[int, Any]) -> None:
    with serving(lambda path, asked: answer) as url, pytest.raises(CouldNotTell):
        Identities(runner(tmp_path, url)).settings_for(Identity.INJECTOR)


@pytest.mark.parametrize(("there", "said"), [(False, True), (True, False)])
def test_an_administrator_uses_them_where_they_are(tmp_path: Path, there: bool, said: bool) -> None:
    """It needs none where there are none."""
    mint = Mint()
    with serving(mint if there else lambda path, asked: (404, {})) as url:
        given = runner(tmp_path, url, allow_cluster_admin=True)
        clients = connections(given)
        found = Identities(given).settings_for(Identity.INJECTOR)
    assert (found is given) is not there
    assert there is False or token_of(found).startswith(MINTED)
    cluster = records.Cluster(uid="u", name="c", version="v", environment="staging")
    assert with_whom(cluster, given, clients).cluster_admin is said


@pytest.mark.parametrize("status", [403, 404])
def test_a_set_that_is_not_whole_is_refused_by_override_too(tmp_path: Path, status: int) -> None:
    mint = Mint()

    def no_injector(path: str, asked: dict[str, Any]) -> tuple[int, Any]:
        return (status, {}) if "/injector/" in path else mint(path, asked)

    with serving(no_injector) as url:
        identities = Identities(runner(tmp_path, url, allow_cluster_admin=True))
        identities.settings_for(Identity.OBSERVER)
        with pytest.raises(Refused, match=f"injector.*HTTP {status}"):
            identities.settings_for(Identity.INJECTOR)


def test_no_token_lasts_for_longer_than_the_policy_allows(tmp_path: Path) -> None:
    mint, now = Mint(), [0.0]
    with serving(mint) as url:
        identities = Identities(
            runner(tmp_path, url, max_drill="1h", undo_within="1h"), lambda: now[0]
        )
        first = identities.settings_for(Identity.OBSERVER)
        assert mint.asked[0][1]["spec"] == {"expirationSeconds": 10800}
        now[0] = 5399
        assert identities.settings_for(Identity.OBSERVER) is first
        now[0] = 5400
        assert identities.settings_for(Identity.OBSERVER) is not first


def test_identities_share_what_the_drill_knows(tmp_path: Path) -> None:
    now = [0.0]
    with serving(Mint()) as url:
        given = runner(tmp_path, url)
        become = Identities(given, lambda: now[0]).settings_for
        clients = Connections(given, {"APP": "orders"}, become)
        observer = clients.acting_as(Identity.OBSERVER)
        assert clients.acting_as(Identity.OBSERVER) is observer
        clients.values["NAMESPACE"] = "drill-x"
        assert observer.values == {"APP": "orders", "NAMESPACE": "drill-x"}
        assert observer.environment()["KUBECONFIG"] == str(observer.settings.kubeconfig)
        assert observer.settings.kubeconfig != clients.settings.kubeconfig
        now[0] = 1e6
        assert clients.acting_as(Identity.OBSERVER) is not observer, "a new token: new connections"
