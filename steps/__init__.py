"""Sentences -> values, one module per system. pytest follows `pytest_plugins` from here."""

pytest_plugins = [
    "steps.alerts",
    "steps.drill",
    "steps.kubernetes",
    "steps.nodes",
    "steps.object_store",
    "steps.postgresql",
    "steps.redis",
    "steps.registry",
    "steps.spark",
]
