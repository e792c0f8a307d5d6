"""Drillbook: runbooks that prove themselves."""
