"""Which rows a grid shows, and in which order."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from anontui.tui.widgets.columns import Cell, Rows


class NoRows:
    """Rows of an empty table."""

    def __len__(self) -> int:
        return 0

    def key(self, index: int) -> Hashable:
        """There is none."""
        raise IndexError(index)

    def cells(self, index: int) -> Sequence[str | Cell]:
        """There are none."""
        raise IndexError(index)


class View:
    """Rows as they are shown: all of them, or those that ``order`` names, in its order.

    Of each row all cells show, or those that ``shown`` names.
    """

    def __init__(
        self,
        rows: Rows | None = None,
        order: Sequence[int] | None = None,
        shown: tuple[int, ...] | None = None,
    ) -> None:
        self.rows: Rows = NoRows() if rows is None else rows
        self.order = order
        self.shown = shown

    def __len__(self) -> int:
        return len(self.rows if self.order is None else self.order)

    def key(self, row: int) -> Hashable:
        """Return the key of a row that is shown."""
        return self.rows.key(row if self.order is None else self.order[row])

    def cells(self, row: int) -> tuple[str | Cell, ...]:
        """Return the texts of a row that is shown."""
        cells = self.rows.cells(row if self.order is None else self.order[row])
        return tuple(cells if self.shown is None else [cells[i] for i in self.shown])

    def at(self, row: int) -> int:
        """Return which row of the provider is shown there; one beyond the last stays what it is."""
        return row if self.order is None or row >= len(self.order) else self.order[row]

    def shown_at(self, at: int) -> int | None:
        """Return where a row of the provider is shown, if it is."""
        if self.order is None:
            return at if at < len(self.rows) else None
        try:
            return self.order.index(at)
        except ValueError:
            return None

    def keys(self) -> Iterator[Hashable]:
        """Keys of all rows that are shown."""
        return map(self.rows.key, range(len(self.rows)) if self.order is None else self.order)

    def find(self, key: Hashable, near: int) -> int | None:
        """Return where the row with this key is shown, if it is; at once where it is ``near``."""
        if near < len(self) and self.key(near) == key:
            return near
        return next((row for row, other in enumerate(self.keys()) if other == key), None)

    def drop_stale_order(self) -> None:
        """Show all rows if the order names some that are not there any more."""
        if self.order and max(self.order) >= len(self.rows):
            self.order = None
