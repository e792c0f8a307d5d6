"""A drill namespace's name."""

import re

from drillbook.changes.faults.namespace import fresh_name


def test_names_are_dns_labels_and_never_the_same() -> None:
    names = {fresh_name("RB-SPARK-001", "a-very-long-cause-" * 5) for _ in range(20)}
    assert len(names) == 20
    assert all(len(f"{name}-999") <= 63 for name in names), "its records' names are labels too"
    assert all(re.fullmatch(r"drill-[a-z0-9-]{1,49}[a-z0-9]", name) for name in names)
