"""What a table is made of, and how it is laid out in cells of a terminal."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

from rich.cells import cell_len, set_cell_size

from anontui.tui.widgets.lineedit import printable

ELLIPSIS = "…"


class Cell(NamedTuple):
    """A text with a tone: good, busy, bad, warn, dim or accent."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a grid.

    Parameters
    ----------
    id, label
        Its name for the program and for people.
    width
        Cells it takes; None for a share of the room that is left.
    min_width
        It never gets narrower than this.
    right
        Align to the right, as numbers are.
    editable
        Cells can be edited in place.
    """

    id: str
    label: str
    width: int | None = None
    min_width: int = 4
    right: bool = False
    editable: bool = False


class Rows(Protocol):
    """Where a grid takes its rows from. Asked for visible rows only."""

    def __len__(self) -> int:
        """How many rows there are."""

    def key(self, index: int) -> Hashable:
        """Return what names this row as long as it lives."""

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Return the texts of this row, one for each column."""


class Place(NamedTuple):
    """Where a column stands, in cells from the left of the table."""

    start: int
    width: int

    @property
    def end(self) -> int:
        """Cell behind the column."""
        return self.start + self.width


@lru_cache(maxsize=64)
def arrange(columns: tuple[Column, ...], room: int) -> tuple[Place, ...]:
    """Divide ``room`` cells among the columns.

    All get their width, and those without one share what is left. Where that is too
    much, the gaps close, then the widest shrink, none below its minimum; a table that is
    still too wide stays so.
    """
    least = [column.min_width if column.width is None else column.width for column in columns]
    gap = 2 if sum(least) + 2 * (len(columns) - 1) <= room else 1
    room -= gap * (len(columns) - 1)
    widths = least.copy()
    while sum(widths) > room:
        slack = [w - min(w, c.min_width) for w, c in zip(widths, columns, strict=True)]
        if not any(slack):
            break
        widths[slack.index(max(slack))] -= 1
    flexible = sorted(
        (i for i, column in enumerate(columns) if column.width is None),
        key=lambda i: -least[i],
    )
    left = max(room - sum(w for i, w in enumerate(widths) if i not in flexible), 0)
    for n, i in enumerate(flexible):
        widths[i] = max(least[i], left // (len(flexible) - n))
        left -= widths[i]
    places: list[Place] = []
    start = 0
    for width in widths:
        places.append(Place(start, width))
        start += width + gap
    return tuple(places)


@lru_cache(maxsize=8192)
def fit(text: str, width: int, right: bool = False) -> str:
    """Return ``text`` as exactly ``width`` cells: padded, or cut with an ellipsis."""
    text = printable(text[: 4 * width + 4])
    size = cell_len(text)
    if size > width:
        return set_cell_size(set_cell_size(text, width - 1) + ELLIPSIS, width)
    pad = " " * (width - size)
    return pad + text if right else text + pad
