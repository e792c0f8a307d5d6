"""Sentences about nodes. A node is named as the cluster has it, and the runbook's domain too:
`@domain:cluster/node/2`."""

from __future__ import annotations

from drillbook.book.sentences import given
from drillbook.model import Fault, Key, Where
from fixtures.faults import nodes as faults


@given("the node {string} takes no new pods")
def node_is_cordoned(where: Where, node: Key) -> Fault:
    return faults.node_is_cordoned(where, node)


@given("the node {string} is dead")
def node_is_dead(where: Where, node: Key) -> Fault:
    return faults.node_is_dead(where, node)


@given("the node {string} is cut off the network")
def node_is_cut_off(where: Where, node: Key) -> Fault:
    return faults.node_is_cut_off(where, node)
