"""What the engine's own tests share."""

pytest_plugins = ["pytester"]
