"""Sentences -> values, one module per system. pytest follows `pytest_plugins` from here."""

pytest_plugins = ["steps.alerts", "steps.drill", "steps.kubernetes", "steps.spark"]
