"""The rows of a mapping as a grid shows them."""

from __future__ import annotations

from collections.abc import Sequence

from anontui.project.changes import State
from anontui.project.checks import problems_of
from anontui.tui.widgets.columns import Cell, Column
from anontui.unc import ShareMap


class MappingRows:
    """All rows of a mapping; a cell with a problem is marked.

    Parameters
    ----------
    state, shares
        The mapping with the keys of its rows, and what makes local paths right.
    columns
        The grid's; the first is for the row's number.
    """

    def __init__(self, state: State, shares: ShareMap, columns: Sequence[Column]) -> None:
        self._mapping, self._keys, self._shares = state.mapping, state.keys, shares
        self._names = [column.id for column in columns[1:]]

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, index: int) -> int:
        """The editor's key of the row."""
        return self._keys[index]

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Number, then the columns."""
        texts = self._mapping.named(index)
        problems = problems_of(self._mapping, index, self._shares)
        cells: list[str | Cell] = [Cell(str(index + 1), "dim")]
        for name in self._names:
            text = texts.get(name, "")
            cells.append(Cell(f"⚠ {text or 'missing'}", "warn") if name in problems else text)
        return cells

    def text(self, index: int, column: int) -> str:
        """What a cell holds, without what is said of it."""
        if column == 0:
            return str(index + 1)
        return self._mapping.cell(index, self._names[column - 1])
