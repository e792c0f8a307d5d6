"""Where a run is told: lines that stay, and on a terminal lines that move."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.live import Live
from rich.text import Text

REDRAW_S = 0.5
Say = Callable[[str], None]
Moving = Callable[[list[str]], None]


class Lasting(Console):
    """A console whose reader may go: rich ends the process then, which would end the drills."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


@contextmanager
def telling(console: Lasting) -> Iterator[tuple[Say, Moving | None]]:
    """How to say a line, and how to show what moves; None where nobody would see it move."""

    def say(text: str) -> None:
        with suppress(OSError):
            console.print(text, markup=False, highlight=False, soft_wrap=True)

    if not console.is_terminal:
        yield say, None
        return
    drawn = 0.0

    def moving(lines: list[str]) -> None:
        nonlocal drawn
        if time.monotonic() - drawn >= REDRAW_S:
            drawn = time.monotonic()
            with suppress(OSError):
                live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)

    with Live(console=console, transient=True, auto_refresh=False) as live:
        yield say, moving
