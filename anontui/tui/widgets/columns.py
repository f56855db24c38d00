"""What a table is made of, and how it is laid out in cells of a terminal."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, runtime_checkable

from rich.cells import cell_len, set_cell_size

from anontui.tui.widgets.lineedit import printable

ELLIPSIS = "…"
MIN_WIDTH = 3
"""No user makes a column narrower."""


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
    middle
        What is too long loses its middle: of UIDs the end tells one from another.
    """

    id: str
    label: str
    width: int | None = None
    min_width: int = 4
    right: bool = False
    editable: bool = False
    middle: bool = False


@dataclass(frozen=True)
class Layout:
    """All columns of a grid, and how the user wants them.

    Parameters
    ----------
    columns
        All there are.
    hidden
        Ids of those that do not show; never all.
    widths
        Cells that the user gave to columns, by id.
    sort
        Id of the column that the rows are sorted by; empty for none.
    falling
        The greatest first.
    """

    columns: tuple[Column, ...]
    hidden: frozenset[str] = frozenset()
    widths: tuple[tuple[str, int], ...] = ()
    sort: str = ""
    falling: bool = False

    def shown(self) -> tuple[tuple[Column, ...], tuple[int, ...] | None]:
        """The columns that show, as they are to be drawn, and their places among all."""
        shown = [i for i, column in enumerate(self.columns) if column.id not in self.hidden]
        if len(shown) == len(self.columns) and not self.widths and not self.sort:
            return self.columns, None
        widths = dict(self.widths)
        drawn = []
        for column in (self.columns[i] for i in shown):
            width = widths.get(column.id)
            sign = (" ▼" if self.falling else " ▲") if column.id == self.sort else ""
            fixed = {} if width is None else {"width": width, "min_width": min(width, 4)}
            drawn.append(replace(column, label=column.label + sign, **fixed))  # type: ignore[arg-type]  # a Column's own
        return tuple(drawn), tuple(shown)

    def resized(self, column: Column, width: int) -> Layout:
        """Give a column a width, in cells."""
        widths = dict(self.widths) | {column.id: max(width, MIN_WIDTH)}
        return replace(self, widths=tuple(widths.items()))

    def toggled(self, column_id: str) -> Layout:
        """Hide a column, or show it again; the last one stays."""
        hidden = self.hidden ^ {column_id}
        is_left = any(column.id not in hidden for column in self.columns)
        return replace(self, hidden=hidden) if is_left else self

    def sorted_by(self, column_id: str) -> Layout:
        """Sort by a column; the same once more the other way, and then not at all."""
        if self.sort != column_id:
            return replace(self, sort=column_id, falling=False)
        return replace(self, falling=True) if not self.falling else replace(self, sort="")

    def plain(self) -> dict[str, Any]:
        """What to remember of it, as JSON can hold it."""
        return {
            "hidden": sorted(self.hidden),
            "widths": dict(self.widths),
            "sort": self.sort,
            "falling": self.falling,
        }

    def recalled(self, plain: object) -> Layout:
        """Return it as it was remembered, as far as that makes sense."""
        if not isinstance(plain, dict):
            return self
        ids = {column.id for column in self.columns}
        hidden, widths = plain.get("hidden"), plain.get("widths")
        hidden = {i for i in ids if i in hidden} if isinstance(hidden, list) else set()
        widths = widths if isinstance(widths, dict) else {}
        sizes = {k: w for k, w in widths.items() if k in ids and type(w) is int and w >= MIN_WIDTH}
        sort = plain.get("sort")
        return replace(
            self,
            hidden=frozenset(hidden) if hidden < ids else frozenset(),
            widths=tuple(sizes.items()),
            sort=sort if isinstance(sort, str) and sort in ids else "",
            falling=plain.get("falling") is True,
        )


class Rows(Protocol):
    """Where a grid takes its rows from. Asked for visible rows only."""

    def __len__(self) -> int:
        """How many rows there are."""

    def key(self, index: int) -> Hashable:
        """Return what names this row as long as it lives."""

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Return the texts of this row, one for each column."""


@runtime_checkable
class TextRows(Rows, Protocol):
    """Rows that say what a cell holds, which can be another text than it shows."""

    def text(self, index: int, column: int) -> str:
        """Return what a cell holds."""


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
def fit(text: str, width: int, right: bool = False, middle: bool = False) -> str:
    """Return ``text`` as exactly ``width`` cells: padded, or cut with an ellipsis."""
    if middle:
        text = shortened(text, width)
    text = printable(text[: 4 * width + 4])
    size = cell_len(text)
    if size > width:
        return set_cell_size(set_cell_size(text, width - 1) + ELLIPSIS, width)
    pad = " " * (width - size)
    return pad + text if right else text + pad


def shortened(text: str, most: int) -> str:
    """Return ``text`` with at most so many characters, an ellipsis in the place of its middle."""
    if len(text) <= most or most < 3:
        return text
    end = (most - 1) // 2
    return text[: most - 1 - end] + ELLIPSIS + text[-end:]
