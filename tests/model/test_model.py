"""Words, commands and durations."""

import subprocess
from typing import Any

import pytest

from drillbook.model import (
    Component,
    Delete,
    Duration,
    Joined,
    Patch,
    Probe,
    Scale,
    Target,
    Var,
    command,
    join,
    resolve,
    shell,
)
from drillbook.model.matchers import equals
from drillbook.sources import Http

APP = Var("APP")


def test_a_word_with_a_variable_stays_one_argument() -> None:
    line = str(command("printf", "%s|", join("deployment/", APP), "a b", "$(id)", "x;y"))
    done = subprocess.run(
        ["bash", "-eu", "-c", line],
        env={"APP": "o r; id $(id)", "PATH": "/bin:/usr/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "deployment/o r; id $(id)|a b|$(id)|x;y|"


def test_words_are_joined_printed_and_resolved() -> None:
    assert join("a", "b") == "ab"
    assert join("a", join("b", APP), "") == Joined(("ab", APP))
    assert join(APP) == APP
    assert shell(join("deployment/", APP)) == 'deployment/"$APP"'
    assert command("a", APP, join("b", Var("NS"))).variables == {"APP", "NS"}
    assert resolve(join("x-", APP), {"APP": "orders"}) == "x-orders"
    with pytest.raises(KeyError):
        resolve(APP, {})


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("3m", 180), ("500ms", 0.5), ("1h", 3600), ("2d", 172800)]
)
def test_durations(text: str, seconds: float) -> None:
    assert Duration(text).seconds == seconds
    for wrong in ("90", f"-{text}", f" {text}", "NaN", "", "1.5m"):
        with pytest.raises(ValueError, match="not a duration"):
            Duration(wrong)


READY = Probe(source=Http(url="http://x"), expect=equals("200"))
GOOD = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("bad", "part"),
    [
        (None, "manifest 2 of 'it' is empty"),
        ({}, "no apiVersion and no kind and no metadata.name"),
        ({**GOOD, "kind": 1}, "has no kind"),
        ({**GOOD, "metadata": None}, "has no metadata.name"),
        ({**GOOD, "metadata": {"name": ""}}, "has no metadata.name"),
    ],
)
def test_a_workload_is_made_of_named_objects(bad: Any, part: str) -> None:
    assert Component(title="it", manifests=(GOOD,), ready=(READY,)).manifests == (GOOD,)
    with pytest.raises(ValueError, match=part):
        Component(title="it", manifests=(GOOD, bad), ready=(READY,))


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
