"""Which drills may run side by side: every pair of domains, both ways round."""

import json
import re
from itertools import product

import pytest

from drillbook.model.domains import DOMAIN, Lock, clash, conflicts, from_text, locks, to_text
from drillbook.model.errors import Refused, RunbookProblem

DOMAINS = (
    "cluster",
    "cluster/namespace",
    "cluster/node",
    "cluster/node/2",
    "cluster/node/3",
    "cluster/node/2/disk",
    "cluster/postgres",
    "cluster/postgres/main",
)
TOGETHER = {
    ("cluster/namespace", "cluster/namespace"),
    ("cluster/namespace", "cluster/postgres"),
    ("cluster/namespace", "cluster/postgres/main"),
}
"""The pairs that may run at once. All others may not."""


@pytest.mark.parametrize(("one", "other"), list(product(DOMAINS, DOMAINS)))
def test_the_whole_matrix(one: str, other: str) -> None:
    together = (one, other) in TOGETHER or (other, one) in TOGETHER
    assert conflicts(locks(one, "drill-a"), locks(other, "drill-b")) is not together
    assert conflicts(locks(one, "drill-a"), locks(one, "drill-a")), "one namespace or one path"


def test_a_drill_locks_its_own_path_and_shares_its_parents() -> None:
    assert locks("cluster/node/2", "drill-a") == (
        Lock("cluster", exclusive=False),
        Lock("cluster/node", exclusive=False),
        Lock("cluster/node/2", exclusive=True),
        Lock("cluster/node/*", exclusive=False),
    )
    assert locks("cluster/postgres", "drill-a")[-1] == Lock("cluster/node/*", exclusive=False)
    assert locks("cluster/namespace", "drill-a")[1:3] == (
        Lock("cluster/namespace", exclusive=False),
        Lock("cluster/namespace/drill-a", exclusive=True),
    )


def test_a_clash_is_named_and_names_that_only_begin_alike_are_none() -> None:
    assert not conflicts(locks("cluster/postgres", "a"), locks("cluster/postgres-old", "b"))
    assert not conflicts(locks("cluster/nodes", "a"), locks("cluster/namespace", "b"))
    assert not Lock("cluster/node/2", exclusive=True).excludes(Lock("cluster/node/22", True))
    found = clash(locks("cluster/namespace", "drill-a"), locks("cluster/node/2", "drill-b"))
    assert found is not None
    assert [str(one) for one in found] == ["cluster/node/* (shared)", "cluster/node/2 (exclusive)"]


def test_a_list_without_its_shared_parents_still_excludes() -> None:
    """What another engine wrote is not trusted to be whole."""
    lonely = (Lock("cluster/node/2", exclusive=True),)
    for domain in ("cluster", "cluster/node", "cluster/node/2/disk", "cluster/namespace"):
        assert conflicts(lonely, locks(domain, "drill-a"))
        assert conflicts(locks(domain, "drill-a"), lonely)


@pytest.mark.parametrize(
    "domain",
    [
        *("", "node/2", "cluster/", "cluster//x", "cluster/Node", "cluster/node/*", "cluster/*"),
        *("cluster/namespace/x", "cluster/x/namespace", "cluster/namespace\n", "cluster/node/2 "),
    ],
)
def test_what_is_no_domain_has_no_locks(domain: str) -> None:
    assert not re.fullmatch(DOMAIN, domain, re.ASCII)
    with pytest.raises(RunbookProblem, match="is no path of a domain"):
        locks(domain, "drill-a")
    for path in ("", "node", "cluster/", "cluster/*/x", "/cluster", "cluster/-x"):
        with pytest.raises(ValueError, match="no path of a domain"):
            Lock(path, exclusive=True)


@pytest.mark.parametrize("domain", [*DOMAINS, "cluster/namespaces", "cluster/namespace-store"])
def test_locks_survive_their_annotation(domain: str) -> None:
    held = locks(domain, "drill-rb-spark-001-driver-oom-1a2b3c")
    assert from_text(to_text(held), "drill-a") == held
    assert json.loads(to_text(held))[0] == {"path": "cluster", "exclusive": domain == "cluster"}
    assert re.fullmatch(DOMAIN, domain, re.ASCII)


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "[]", "{}", "null", '["cluster"]', '[{"path": "cluster"}]'),
        '[{"path": "cluster", "exclusive": "yes"}]',
        '[{"path": "cluster", "exclusive": 1}]',
        '[{"path": "postgres", "exclusive": true}]',
        '[{"path": "cluster", "exclusive": true}',
    ],
)
def test_locks_that_cannot_be_read_refuse_and_name_their_lease(text: str | None) -> None:
    with pytest.raises(Refused, match=r"lease drill-rb-x-001 .*drillbook undo"):
        from_text(text, "drill-rb-x-001")
