"""What changes a cluster: do it, write it down, undo it."""
