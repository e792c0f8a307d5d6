"""What may be asked of the host agent, and what is refused in words."""

import json

import pytest

from drillbook.model.errors import Refused
from drillbook_staging.agent import requests
from drillbook_staging.agent.change import Verb
from drillbook_staging.agent.requests import LONGEST_LINE, Apply, Hello, List, Renew, Undo

APPLY = {
    "do": "apply",
    "drill": "drill-oom-1a2b",
    "sequence": 3,
    "verb": "cut-network",
    "node": "node2",
    "expires": 1_800_000_000,
}


def line(**changed: object) -> bytes:
    return json.dumps({**APPLY, **changed}).encode() + b"\n"


def test_each_request_is_read() -> None:
    found = requests.read(line())
    assert isinstance(found, Apply)
    assert (found.verb, found.node, found.sequence) == (Verb.CUT_NETWORK, "node2", 3)
    assert isinstance(requests.read(b'{"do": "hello"}'), Hello)
    assert isinstance(requests.read(b'{"do": "list"}'), List)
    assert isinstance(requests.read(b'{"do": "undo", "drill": "d"}'), Undo)
    assert isinstance(requests.read(b'{"do": "renew", "drill": "d", "expires": 1.5}'), Renew)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "the line: Invalid JSON"),
        (b"\xff\xfe", "the line: Invalid JSON"),
        (b"[1]", "the line"),
        (b'{"do": "apply"', "the line: Invalid JSON"),
        (b'{"do": "reboot"}', "'apply', 'renew'"),
        (b"{}", "Unable to extract tag"),
        (b'{"do": "undo"}', "undo.drill: Field required"),
        (line(verb="rm -rf /"), "apply.verb: .*'kill-node' or 'cut-network'"),
        (line(drill="../../etc/passwd"), "apply.drill"),
        (line(drill=""), "apply.drill"),
        (line(drill="a" * 64), "apply.drill"),
        (line(drill="drill\n"), "apply.drill"),
        (line(sequence=-1), "apply.sequence"),
        (line(sequence="1"), "apply.sequence"),
        (line(sequence=1.5), "apply.sequence"),
        (line(expires="soon"), "apply.expires"),
        (line(expires=None), "apply.expires"),
        (line(expires=float("nan")), "apply.expires"),
        (line(expires=float("inf")), "apply.expires"),
        (line(command="id"), "apply.command: Extra inputs"),
        (b"[" * LONGEST_LINE, "the line"),
        (b" " * (LONGEST_LINE + 1), "longer than 65536 bytes"),
    ],
)
def test_anything_else_is_refused_by_name(text: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        requests.read(text)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(Refused, match=r"apply\.verb.*apply\.expires"):
        requests.read(line(verb="x", expires="y"))
