"""The kill points are the code's own: every write has one on either side."""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import drillbook
from drillbook.changes.undo import killpoints

PACKAGE = Path(drillbook.__file__).parent
ELSEWHERE = ("staging", "book", "cli", "evidence", "model", "pages")
"""The embedded cluster itself is no change of a drill; its host agent keeps a journal. The others
know no client library, not even by way of others: an import contract holds that."""
MUTATING = frozenset(
    {"create", "patch", "replace", "delete", "apply", "delete_collection", "undo", "exec_in_pod"}
)
"""What `Objects` and `HostAgent` call their writes."""
HARMLESS = frozenset(
    {
        # Modules and values of our own, whose writes are marked where they are made.
        *("leases", "self", "namespace", "self.namespace", "undoer", "self.undoer", "os", "new"),
        # Texts.
        *("text", "core", "literal", "token['field']", "operation", "query", "quoted"),
    }
)
"""What such calls may be made on without being a write to the cluster; strings aside."""
RAW = ("create_", "patch_", "replace_", "delete_", "connect_", "server_side_apply")
"""How the client library's own writes begin: nobody but `Objects` makes any."""
RAW_ALLOWED = {
    "cluster/objects.py",
    "cluster/in_pod.py",
    # Tokens and access reviews are asked for by creating what nobody keeps.
    "cluster/which.py",
    "cluster/identities.py",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = str(path.relative_to(PACKAGE))
        if not name.startswith(ELSEWHERE):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def writes_of(function: ast.AST) -> list[ast.Call]:
    """The calls in a function that write to the cluster or ask the host's agent to."""
    return [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in MUTATING
        and not _is_harmless(node.func.value)
    ]


def _is_harmless(receiver: ast.AST) -> bool:
    """What is not known to be harmless is a write: `self._as_whom(x).delete(...)` as well."""
    if isinstance(receiver, ast.Call) and isinstance(receiver.func, ast.Attribute):
        return receiver.func.attr in {"replace", "join"} or ast.unparse(receiver.func) == "prose"
    return ast.unparse(receiver) in HARMLESS or ast.unparse(receiver).startswith("prose(")


def mark_of(function: ast.FunctionDef) -> str | None:
    for one in function.decorator_list:
        if isinstance(one, ast.Call) and getattr(one.func, "id", "") == "writes":
            argument = one.args[0]
            return str(argument.value) if isinstance(argument, ast.Constant) else None
    return None


def unmarked(name: str, tree: ast.Module) -> list[str]:
    return [
        f"{name}:{call.lineno}: {function.name} writes and is not marked @writes(...)"
        for function in functions(tree)
        if mark_of(function) is None
        for call in writes_of(function)
    ]


def test_every_write_has_its_kill_points() -> None:
    missing = [problem for name, tree in sources() for problem in unmarked(name, tree)]
    assert not missing, "\n".join(missing)


def test_every_marked_function_does_one_write() -> None:
    many = [
        f"{name}: {function.name} does {len(writes_of(function))} writes"
        for name, tree in sources()
        for function in functions(tree)
        if mark_of(function) is not None and len(writes_of(function)) != 1
    ]
    assert not many, "\n".join(many)


def test_nobody_writes_past_the_marked_ones() -> None:
    raw = [
        f"{name}:{node.lineno}: {node.func.attr}"
        for name, tree in sources()
        if name not in RAW_ALLOWED
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith(RAW)
        and node.func.attr not in {"create_drill", "delete_drill"}  # our own, marked themselves
    ]
    assert not raw, "\n".join(raw)


@pytest.mark.parametrize("receiver", ["objects", "self._as_whom(x)", "Objects(c)", "found"])
def test_a_write_without_a_mark_is_found(receiver: str) -> None:
    tree = ast.parse(f"def f(objects):\n    {receiver}.delete(1)\n")
    assert unmarked("x.py", tree) == ["x.py:2: f writes and is not marked @writes(...)"]


def test_the_list_is_the_codes_own_and_a_name_is_taken_once() -> None:
    marked = {mark_of(f) for _, tree in sources() for f in functions(tree)} - {None}
    code = (
        "import drillbook.cli.app, drillbook.drill.live_drill, drillbook.changes.reaper.loop\n"
        "from drillbook.changes.undo.killpoints import points\n"
        "print(*sorted({one.partition(':')[0] for one in points()}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    assert set(done.stdout.split()) == marked
    with pytest.raises(ValueError, match=r"record\.plan"):
        killpoints.writes("record.plan")


def test_the_process_ends_at_the_point_that_was_named(tmp_path: Path) -> None:
    code = (
        "from drillbook.changes.undo.killpoints import writes\n"
        "@writes('test.write')\n"
        "def write(): print('written', flush=True)\n"
        "write(); write(); print('never', flush=True)"
    )
    trace = tmp_path / "trace"
    environment = {killpoints.AT: "test.write:before#2", killpoints.TRACE: str(trace)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE.parent,
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "written\n")
    assert trace.read_text().split() == [
        "test.write:before#1",
        "test.write:after#1",
        "test.write:before#2",
    ]
