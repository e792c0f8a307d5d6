"""Tables for people, whole wherever they are read."""

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of equally many cells below each other, whole whatever the terminal's width."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def tell(console: Console, lines: Iterable[object]) -> None:
    """Print each on a line of its own as it is: no markup, no colours, no line cut."""
    for line in lines:
        console.print(str(line), markup=False, highlight=False, soft_wrap=True)
