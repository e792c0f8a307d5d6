"""One drill, from its guard to its record."""
