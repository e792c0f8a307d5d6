"""Who has which node until when; and a death at every point between two writes."""

from pathlib import Path

import pytest

from drillbook.model.errors import CouldNotTell, Refused, UndoFailed
from drillbook_staging.agent.change import State, Verb
from drillbook_staging.agent.keeper import RETRY_S
from tests.staging.agent_world import NOON, Killed, Points, World, asked, tick


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "agent")


# --------------------------------------------------------------------------- there and back


def test_a_change_is_on_the_disk_before_it_is_made(world: World) -> None:
    seen: list[State] = []
    world.on_change = lambda: seen.extend(each.state for each in world.on_disk())
    answer = world.keeper().apply(asked())
    assert seen == [State.PLANNED]
    assert (answer.state, world.away) == (State.APPLIED, {"node2": Verb.KILL_NODE})
    assert world.on_disk() == [answer]


def test_an_undo_leaves_nothing(world: World) -> None:
    keeper = world.keeper()
    keeper.apply(asked())
    assert [each.node for each in keeper.undo("drill-a")] == ["node2"]
    assert (world.away, world.on_disk(), keeper.held()) == ({}, [], [])
    assert keeper.undo("drill-a") == []


def test_a_drill_gets_all_of_its_nodes_back_and_nobody_elses(world: World) -> None:
    keeper = world.keeper()
    keeper.apply(asked(sequence=1))
    keeper.apply(asked("drill-b", node="node3", verb=Verb.CUT_NETWORK))
    keeper.undo("drill-a")
    assert world.away == {"node3": Verb.CUT_NETWORK}
    assert [each.drill for each in keeper.held()] == ["drill-b"]


def test_to_ask_twice_changes_once(world: World) -> None:
    keeper = world.keeper()
    first = keeper.apply(asked())
    world.on_change = lambda: pytest.fail("made a second time")
    assert keeper.apply(asked()) == first


# --------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("node", "expires", "why"),
    [
        ("node9", NOON + 30, r"no node 'node9'; there are node1, node2, node3"),
        ("../../etc", NOON + 30, r"no node"),
        ("node1", NOON + 30, r"control plane.*never"),
        ("node2", NOON - 1, r"has passed"),
        ("node2", NOON, r"has passed"),
        ("node2", NOON + 3601, r"more than 60 minutes ahead"),
    ],
)
def test_what_is_refused_changes_nothing(world: World, node: str, expires: float, why: str) -> None:
    with pytest.raises(Refused, match=why):
        world.keeper().apply(asked(node=node, expires=expires))
    assert (world.away, world.on_disk()) == ({}, [])


def test_a_node_that_somebody_has_is_refused(world: World) -> None:
    keeper = world.keeper()
    keeper.apply(asked())
    for drill, sequence in (("drill-b", 1), ("drill-a", 2)):
        with pytest.raises(Refused, match=r"somebody has it already: node2 \(kill-node by drill-a"):
            keeper.apply(asked(drill, sequence, verb=Verb.CUT_NETWORK))
    assert world.away == {"node2": Verb.KILL_NODE}


def test_one_number_is_one_change(world: World) -> None:
    keeper = world.keeper()
    keeper.apply(asked())
    with pytest.raises(Refused, match="change 1 of drill-a is another"):
        keeper.apply(asked(node="node3"))
    with pytest.raises(Refused, match="change 1 of drill-a is another"):
        keeper.apply(asked(verb=Verb.CUT_NETWORK))


def test_a_node_that_is_not_whole_is_left_alone(world: World) -> None:
    world.away["node2"] = Verb.CUT_NETWORK
    with pytest.raises(Refused, match="node2 is not whole as it is: undone cut-network"):
        world.keeper().apply(asked())


def test_without_a_journal_there_is_no_change(world: World) -> None:
    world.full = True
    keeper = world.keeper()
    with pytest.raises(Refused, match=r"cannot be written, so nothing was changed.*No space left"):
        keeper.apply(asked())
    assert (world.away, keeper.held()) == ({}, [])


def test_a_journal_that_cannot_be_read_is_not_an_empty_one(world: World) -> None:
    world.folder.mkdir()
    (world.folder / "drill-x-1.json").write_text("{")
    with pytest.raises(Refused, match=r"the journal cannot be read: .*drill-x-1\.json"):
        world.keeper().apply(asked())


# --------------------------------------------------------------------------- expiry


def test_what_is_not_renewed_is_undone(world: World) -> None:
    keeper = world.keeper()
    keeper.apply(asked())
    world.pass_time(29.9)
    tick(keeper)
    assert world.away
    world.pass_time(0.1)
    tick(keeper)
    assert (world.away, world.on_disk()) == ({}, [])


def test_a_renewal_holds_and_is_on_the_disk(world: World) -> None:
    keeper = world.keeper()
    keeper.apply(asked())
    world.pass_time(20)
    keeper.renew("drill-a", NOON + 60)
    assert [each.expires for each in world.on_disk()] == [NOON + 60]
    world.pass_time(39)
    tick(keeper)
    assert world.away
    world.pass_time(1)
    tick(keeper)
    assert world.away == {}


def test_a_wall_clock_that_is_set_back_does_not_prolong(world: World) -> None:
    keeper = world.keeper()
    keeper.apply(asked())
    world.pass_time(30)
    world.wall_s -= 86400
    tick(keeper)
    assert world.away == {}


def test_a_renewal_comes_too_late(world: World) -> None:
    keeper = world.keeper()
    with pytest.raises(Refused, match="nothing of drill-a is held"):
        keeper.renew("drill-a", NOON + 30)
    keeper.apply(asked())
    for expires in (NOON - 1, NOON + 3601):
        with pytest.raises(Refused, match="the expiry"):
            keeper.renew("drill-a", expires)
    world.pass_time(30)
    with pytest.raises(Refused, match="too late"):
        keeper.renew("drill-a", world.wall_s + 30)


def test_a_renewal_that_cannot_be_written_does_not_count(world: World) -> None:
    keeper = world.keeper()
    keeper.apply(asked())
    world.full = True
    with pytest.raises(OSError, match="No space left"):
        keeper.renew("drill-a", NOON + 60)
    world.pass_time(30)
    tick(keeper)
    assert world.away == {}


# --------------------------------------------------------------------------- an undo that fails


def test_an_undo_that_fails_says_why_and_is_tried_again(world: World) -> None:
    keeper = world.keeper()
    keeper.apply(asked())
    world.fails = "containerd does not listen"
    with pytest.raises(UndoFailed, match="node2 is not back: containerd does not listen"):
        keeper.undo("drill-a")
    (held,) = keeper.held()
    assert (held.state, held.said) == (State.UNDOING, "containerd does not listen")
    assert keeper.undo_what_is_over() == []  # not at once
    for _ in range(3):
        world.pass_time(RETRY_S)
        tick(keeper)
        assert world.away
    with pytest.raises(Refused, match="too late, this is being undone"):
        keeper.apply(asked())
    with pytest.raises(Refused, match="too late"):
        keeper.renew("drill-a", world.wall_s + 30)
    world.fails = ""
    world.pass_time(RETRY_S)
    tick(keeper)
    assert (world.away, keeper.held(), world.on_disk()) == ({}, [], [])


def test_an_undo_is_verified(world: World) -> None:
    class Liar(World):
        def restore(self, node: str) -> None:
            """Says that it has."""

    liar = Liar(world.folder)
    keeper = liar.keeper()
    keeper.apply(asked())
    with pytest.raises(UndoFailed, match="it lacks: undone kill-node"):
        keeper.undo("drill-a")
    assert keeper.held()


def test_a_full_disk_does_not_keep_a_node_away(world: World) -> None:
    keeper = world.keeper()
    keeper.apply(asked())
    world.full = True
    keeper.undo("drill-a")
    assert (world.away, world.on_disk()) == ({}, [])


def test_a_deed_that_failed_in_part_is_undone_like_any_other(world: World) -> None:
    keeper = world.keeper()

    def fill() -> None:
        world.full = True

    world.on_change = fill
    with pytest.raises(CouldNotTell, match=r"may have been done in part: .*No space left"):
        keeper.apply(asked())
    assert world.away
    world.pass_time(30)
    tick(keeper)
    assert (world.away, world.on_disk()) == ({}, [])


# --------------------------------------------------------------------------- killed


def test_the_next_agent_goes_on(world: World) -> None:
    first = world.keeper().apply(asked())
    keeper = world.keeper()
    assert keeper.held() == [first]
    tick(keeper)
    assert world.away  # it has not expired
    keeper.renew("drill-a", NOON + 60)
    world.pass_time(60)
    keeper = world.keeper()
    tick(keeper)
    assert (world.away, world.on_disk()) == ({}, [])


def there_and_back(world: World) -> None:
    keeper = world.keeper()
    keeper.apply(asked())
    keeper.undo("drill-a")


def test_a_death_at_any_point_leaves_nothing(world: World, tmp_path: Path) -> None:
    there_and_back(world)
    points = world.points.passed
    assert points == [
        "before PLANNED is written",
        "after PLANNED is written",
        "before the deed",
        "after the deed",
        "before APPLIED is written",
        "after APPLIED is written",
        "before UNDOING is written",
        "after UNDOING is written",
        "before the undo",
        "after the undo",
        "before UNDONE is written",
        "after UNDONE is written",
        "before the record is removed",
        "after the record is removed",
    ]
    for number, point in enumerate(points):
        dying = World(tmp_path / str(number), points=Points(number))
        with pytest.raises(Killed, match=point):
            there_and_back(dying)
        assert not dying.away or dying.on_disk(), f"{point}: a change that nobody knows of"
        dying.points = Points()
        dying.pass_time(30)
        tick(dying.keeper())
        assert (dying.away, dying.on_disk()) == ({}, []), point


def test_a_death_before_the_answer_can_be_asked_again(world: World, tmp_path: Path) -> None:
    for number in range(6):
        dying = World(tmp_path / str(number), points=Points(number))
        with pytest.raises(Killed):
            there_and_back(dying)
        dying.points = Points()
        assert dying.keeper().apply(asked()).state is State.APPLIED
        assert dying.away == {"node2": Verb.KILL_NODE}
