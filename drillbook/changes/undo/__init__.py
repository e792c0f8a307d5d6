"""A drill leaves nothing behind: the lease, the undo journal, and the undo itself. Every change has
a durable, typed record outside the drill's process (`journal`), and somebody alive to undo it by a
known time: the drill (`custody`), or, when its lease (`lease`) has expired, the reaper. Records are
data; a pure function decides what is done (`inverse`)."""
