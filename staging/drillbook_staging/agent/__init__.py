"""The host agent of the embedded cluster: it takes a node away for a drill, and brings it back.

What a drill does to a node from outside (its process killed, its cable cut) cannot be undone
through the Kubernetes API, and must be undone when the drill, the API server or this agent itself
was killed meanwhile. So the agent keeps a journal on the disk, written before each change, and
undoes at the time that was agreed unless the drill renews it.

`change` is the data, `requests` what may be asked, `journal` the disk, `machine` the deeds on the
host, `keeper` the order of all that, `server` the socket, `launch` how `staging up` starts it.
"""
