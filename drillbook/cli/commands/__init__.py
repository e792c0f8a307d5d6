"""What the command line's words do, one module per job; `drillbook.cli.app` only parses."""
