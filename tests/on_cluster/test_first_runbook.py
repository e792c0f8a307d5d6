"""One real drill, from the fault to the page."""

import pytest

from tests.on_cluster.checkouts import FEATURE, ROOT, Checkout

pytestmark = [pytest.mark.cluster, pytest.mark.drill]


def test_the_first_cause_of_the_first_runbook_proves_itself() -> None:
    code, said = Checkout(ROOT).drill(FEATURE, "--cause", "driver-oom", "--control", "plain")
    assert code == 0, said
