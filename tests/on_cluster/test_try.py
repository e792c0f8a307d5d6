"""Sentences on a real incident that stands: each answer told apart, and nothing changed."""

import pytest

from tests.on_cluster.checkouts import WRONG, Checkout
from tests.on_cluster.killing import GRACE_S
from tests.waiting import await_

pytestmark = pytest.mark.cluster

STANDS_S = 45


def test_one_sentence_is_asked_of_an_incident_that_stands(idle: Checkout) -> None:
    code, said = idle.drill(*WRONG, "--until", "diagnosis", "--leave-standing", f"{STANDS_S}s")
    assert code == 0, said
    (name,) = idle.namespaces()
    log = 'the log of the shell of "idle" contains "the mode is {}"'
    for sentence, code, words in (
        (log.format("wrong"), 0, "answer: the mode is wrong\n"),
        (log.format("right"), 1, "it does not hold"),
        ('the alert "SparkDriverCrashLoop" fires within 90s', 0, "firing at Prometheus, listed"),
        ('the alert "SparkDriverCrashLoop" is silent within 90s', 1, "expect: an empty list"),
        ('the mode of "idle" is put right', 3, "is a When sentence"),
    ):
        found = idle.run("try", sentence, "--in", name)
        assert found[0] == code, found
        assert words in found[1]
    code, said = idle.run("try", log.format("wrong"), "--in", f"{name}-0")
    assert (code, f"There is: {name}" in said) == (2, True), said
    await_("the reaper undoes it", lambda: not idle.namespaces(), STANDS_S + GRACE_S)
