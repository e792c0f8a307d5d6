"""The suite's own plugins: the engine's hooks, what a drill stands on, and the sentences."""

pytest_plugins = ["drillbook.plugin", "fixtures", "steps"]
