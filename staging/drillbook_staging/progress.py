"""Progress of long work: a spinner on a terminal, plain lines elsewhere; seconds of each stage."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn


@dataclass
class Progress:
    """Says what runs and how long it took. Stages may overlap."""

    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))
    monotonic: Callable[[], float] = time.monotonic
    out: Callable[[str], None] | None = None
    """Who is told instead of the console."""
    every_s: float = 20.0
    """How often a stage that is still at work says so where there is no terminal."""
    seconds: dict[str, float] = field(default_factory=dict)
    _bars: Bars | None = None
    _begin: float = field(init=False)

    def __post_init__(self) -> None:
        self._begin = self.monotonic()

    @property
    def elapsed_s(self) -> float:
        return self.monotonic() - self._begin

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Draw spinners while inside, on a terminal."""
        if not self.console.is_terminal:
            yield
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Bars(*columns, console=self.console, transient=True) as self._bars:
            yield
        self._bars = None

    def say(self, text: str) -> None:
        if self.out is None:
            self.console.print(text, markup=False)
        else:
            self.out(text)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage. Nothing is printed as done when it raises."""
        begin = self.monotonic()
        with self._shown(name, begin):
            yield
        self.seconds[name] = self.monotonic() - begin
        self.say(f"  {self.seconds[name]:6.1f} s  {name}")

    @contextmanager
    def _shown(self, name: str, begin: float) -> Iterator[None]:
        if self._bars is not None:
            task = self._bars.add_task(name)
            try:
                yield
            finally:
                self._bars.remove_task(task)
            return
        self.say(f"           {name} ...")
        ended = threading.Event()
        beat = threading.Thread(target=self._beat, args=(name, begin, ended), daemon=True)
        beat.start()
        try:
            yield
        finally:
            ended.set()
            beat.join()

    def _beat(self, name: str, begin: float, ended: threading.Event) -> None:
        while not ended.wait(self.every_s):
            self.say(f"  {self.monotonic() - begin:6.1f} s  {name}: still at work")
