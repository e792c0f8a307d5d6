"""The deeds on the host: a node's process killed, its cable cut, and the node whole again."""

import time
from dataclasses import dataclass

from drillbook_staging import network, node
from drillbook_staging.addresses import MAX_NODES, Node, nodes
from drillbook_staging.agent.change import Verb
from drillbook_staging.errors import StageFailed
from drillbook_staging.shell import Shell


@dataclass(frozen=True)
class Machine:
    """This host. Its methods raise StageFailed and OSError."""

    shell: Shell

    def nodes(self) -> tuple[str, ...]:
        """Those that `up` made a folder for, by number."""
        made = (each for each in nodes(MAX_NODES) if self.shell.places.node(each.name).is_dir())
        return tuple(each.name for each in made)

    def lacks(self, name: str) -> list[str]:
        """What a node lacks to be whole; its kubelet comes back by itself, and is not asked."""
        return node.lacks(self.shell.places, _node(name))

    def change(self, verb: Verb, name: str) -> None:
        """Take a node away; safe to repeat."""
        {Verb.KILL_NODE: node.kill, Verb.CUT_NETWORK: network.cut}[verb](self.shell, _node(name))

    def restore(self, name: str) -> None:
        """Make a node whole, from whatever state it is in: cut, dead, half started, or whole.
        Returns once its containerd listens. A kubelet that was cut off begins anew."""
        which = _node(name)
        process = node.started(self.shell.places, which)
        if process and network.has_cable(which):
            network.plug(self.shell, which)
            node.end_kubelet(process)
        else:
            process = node.restart(self.shell, which)
            until = time.monotonic() + node.START_WITHIN_S
            while lacks := node.lacks(self.shell.places, which):
                if time.monotonic() > until:
                    raise StageFailed(
                        f"{which.name} was started, and {node.START_WITHIN_S:g} s later it lacks: "
                        f"{', '.join(lacks)}. Its log: {self.shell.log}"
                    )
                time.sleep(0.05)
        node.await_containerd(self.shell, which, process)


def _node(name: str) -> Node:
    return Node(int(name.removeprefix("node")))
