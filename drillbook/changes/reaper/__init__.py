"""The reaper: a process in the cluster that undoes what dead drills left. It takes no orders."""
