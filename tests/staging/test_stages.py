"""Which stages run, by what was found."""

import inspect

import pytest

from drillbook_staging import lifecycle
from drillbook_staging.lifecycle import REFRESH, STAGES, stages_for


def names(stages: tuple[lifecycle.Stage, ...]) -> list[str]:
    return [name for name, _ in stages]


def test_a_cluster_that_is_up_and_current_is_left_alone() -> None:
    assert stages_for(running=True, current=True) == ()


def test_a_changed_platform_is_applied_to_the_running_cluster() -> None:
    assert names(stages_for(running=True, current=False)) == [
        "engine",
        "platform",
        "ready",
        "host agent",
        "write down",
    ]


@pytest.mark.parametrize("current", [True, False])
def test_everything_else_is_set_up_anew(current: bool) -> None:
    assert stages_for(running=False, current=current) == STAGES


def test_what_was_left_goes_first_and_the_record_comes_last() -> None:
    assert names(STAGES)[0] == "clean up"
    assert names(STAGES)[-1] == names(REFRESH)[-1] == "write down"


def test_every_stage_has_a_name_of_its_own_and_says_what_it_does() -> None:
    assert len(set(names(STAGES))) == len(STAGES)
    assert all(inspect.getdoc(run) for _, run in STAGES)
