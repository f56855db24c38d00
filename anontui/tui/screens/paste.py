"""What pasting would do, where that is more than to fill cells that are there."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widget import Widget

from anontui.project.mapping import Mapping
from anontui.project.pasting import Paste
from anontui.tui.screens.confirm import ConfirmScreen
from anontui.tui.widgets.grid import Cell, Column, Grid


class PasteRows:
    """The rows that would change or come; what would be new in them stands out."""

    def __init__(self, paste: Paste, mapping: Mapping, names: Sequence[str]) -> None:
        self._mapping, self._names = mapping, names
        self._changed: dict[int, dict[str, str]] = {}
        for row, name, text in paste.cells:
            self._changed.setdefault(row, {})[name] = text
        self._there = list(self._changed)
        self._new = paste.rows

    def __len__(self) -> int:
        return len(self._there) + len(self._new)

    def key(self, index: int) -> int:
        """Its place in the list."""
        return index

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Number, or a plus for a new row; then the columns."""
        if index >= len(self._there):
            new = self._new[index - len(self._there)]
            return [Cell("+", "good"), *(Cell(new.get(name, ""), "good") for name in self._names)]
        row = self._there[index]
        cells: list[str | Cell] = [Cell(str(row + 1), "dim")]
        for name in self._names:
            before = self._mapping.cell(row, name)
            text = self._changed[row].get(name, before)
            cells.append(Cell(text or "(emptied)", "good") if text != before else text)
        return cells


class PasteScreen(ConfirmScreen):
    """Enter pastes, Esc does not."""

    def __init__(self, paste: Paste, mapping: Mapping) -> None:
        self._paste, self._mapping = paste, mapping
        new, lost = len(paste.rows), paste.lost
        words = [f"{len(paste.cells)} cells of rows that are there"] if paste.cells else []
        words += [f"{new} new row{'s'[: new != 1]} at the end"] if new else []
        meaning = "The first line names the columns. " if paste.by_name else ""
        if lost:
            meaning += f"{lost} cell{'s'[: lost != 1]} right of the last column are left out."
        super().__init__(f"Paste into {' and '.join(words)}?", meaning, "Paste")
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """The question, and how the rows would look."""
        names = ["source", "pseudo_id", "pseudo_name", "description"]
        names += dict.fromkeys(
            name
            for name in (
                *(n for _, n, _ in self._paste.cells),
                *(n for r in self._paste.rows for n in r),
            )
            if name not in names
        )
        columns = [
            Column("#", "#", 4, right=True),
            *(Column(name, name, None, min_width=8) for name in names),
        ]
        grid = Grid(columns, PasteRows(self._paste, self._mapping, names))
        question, meaning, *_ = super().parts()
        return [question, grid, meaning] if self._meaning else [question, grid]
