"""Tables for people, whole wherever they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of equally many cells below each other, whole whatever the terminal's width."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
