"""The guards before a cluster is taken away, as far as no cluster is needed for them."""

from pathlib import Path

import pytest

from drillbook.model.errors import Refused
from drillbook_staging import tenants
from drillbook_staging.agent.change import Change, Verb
from drillbook_staging.agent.journal import Journal
from drillbook_staging.places import Places


def at(root: Path) -> Places:
    return Places(root / "state", root / "cache", root)


def test_a_refusal_names_the_namespaces_and_the_ways_out() -> None:
    text = tenants.refusal("`staging down`", ["drill-a", "drill-b"])
    assert "in the namespaces drill-a, drill-b; nothing was changed" in text
    assert "drillbook undo --dead --kept" in text
    assert "--force" in text
    assert "in the namespace drill-a;" in tenants.refusal("x", ["drill-a"])


def test_where_no_cluster_was_set_up_nobody_drills(tmp_path: Path) -> None:
    assert tenants.drills(at(tmp_path)) == []
    tenants.refuse_while_drilled(at(tmp_path), "`staging down`")


def test_a_cluster_that_cannot_answer_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "kubeconfig").write_text("")
    assert tenants.drills(at(tmp_path)) == []


def test_a_node_that_the_host_agent_has_away_is_no_reason_to_build_anew(tmp_path: Path) -> None:
    places = at(tmp_path)
    assert tenants.held(places) == []
    journal = Journal(places.agent)
    journal.write(
        Change(drill="drill-a", sequence=1, verb=Verb.KILL_NODE, node="node2", expires=1e9)
    )
    for refuse in (tenants.refuse_while_held, tenants.refuse_while_drilled):
        with pytest.raises(Refused, match=r"`staging up` would end .*node2 \(kill-node by drill-a"):
            refuse(places, "`staging up`")
    journal.remove(("drill-a", 1))
    tenants.refuse_while_drilled(places, "`staging up`")
    (places.agent / "drill-a-2.json").write_text("{")
    with pytest.raises(Refused, match=r"something that .*drill-a-2\.json stood for, unreadable"):
        tenants.refuse_while_held(places, "`staging up`")


def test_a_folder_with_somebody_elses_files_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "thesis.tex").write_text("years of work")
    with pytest.raises(Refused, match=r"holds what Drillbook did not write: thesis\.tex"):
        tenants.refuse_foreign(at(tmp_path))
