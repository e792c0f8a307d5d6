"""The host agent of the embedded cluster: it takes a node away for a drill, and brings it back.
That must be undone when the drill, the API server or this agent itself was killed meanwhile: so it
keeps a journal on the disk, written before each change, and undoes at the agreed time unless the
drill renews it. `machine` has the deeds on the host, `keeper` the order of all."""
