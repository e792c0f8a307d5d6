"""The tools that responders and steps both call; each is a command line with `--help`."""
