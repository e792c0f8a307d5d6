"""What git says of the checkout."""

import subprocess
from pathlib import Path

# What a drill's own outputs change says nothing about what was drilled.
_OUTPUTS = (":!reports", ":!runbooks")


def commit(root: Path) -> str:
    """The commit, `+dirty` behind it when the tree differs; `unknown` where git cannot tell."""
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    if head is None:
        return "unknown"
    changed = _git(root, "status", "--porcelain", "--", ".", *_OUTPUTS)
    return head if changed == "" else f"{head}+dirty"


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
