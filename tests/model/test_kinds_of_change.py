"""A change says what it means, or is none."""

import pytest

from drillbook.model import Delete, Patch, Scale, Target


@pytest.mark.parametrize("place", [{}, {"name": ""}, {"name": "pg-0", "selector": "app=pg"}])
def test_a_target_is_one_object_or_those_of_a_selector(place: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a name or a label selector"):
        Target(api_version="v1", kind="Pod", **place)


def test_a_change_of_one_object_names_it() -> None:
    many = Target(api_version="v1", kind="Pod", selector="app=pg")
    for change in (
        lambda: Patch(target=many, patch={}),
        lambda: Scale(target=many, replicas=0),
        lambda: Delete(target=many),
    ):
        with pytest.raises(ValueError, match="needs its name"):
            change()
