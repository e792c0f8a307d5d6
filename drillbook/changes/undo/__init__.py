"""A drill leaves nothing behind: the lease, the undo journal, and the undo itself.

For every change that can have reached the cluster there is a durable, typed record outside the
drill's process (`journal`), and somebody alive whose job it is to carry its inverse out by a known
time: the drill (`custody`), or, when its lease has expired (`lease`), the reaper. The records are
data, never code; what is done about one is decided by a pure function (`inverse`).
"""
