"""A connection to the cluster as somebody, with a deadline."""
