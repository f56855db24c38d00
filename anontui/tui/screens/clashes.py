"""What was changed here and by another program, each in another way: which is right?"""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.widget import Widget
from textual.widgets import Static

from anontui.project.merge import DESCRIPTION, ROW, Clash, texts
from anontui.tui.screens.dialog import Dialog
from anontui.tui.widgets.grid import Cell, Column, Grid

Places = frozenset[tuple[int | None, str]]

_NAMES = {ROW: "whole row", DESCRIPTION: "description"}


class ClashRows:
    """A row for each clash; what counts is marked."""

    def __init__(self, clashes: Sequence[Clash], keys: Sequence[int]) -> None:
        self.clashes = clashes
        self.theirs: set[int] = set()
        self._rows = {key: str(row) for row, key in enumerate(keys, 1)}

    def __len__(self) -> int:
        return len(self.clashes)

    def key(self, index: int) -> int:
        """Its place in the list."""
        return index

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Row, column, what it was, what is here, what is there."""
        clash = self.clashes[index]
        was, ours, theirs = texts(clash)
        row = "" if clash.key is None else self._rows.get(clash.key, "gone")
        right, wrong = ("● ", "good"), ("  ", "dim")
        (mine, my_tone), (other, their_tone) = (
            (wrong, right) if index in self.theirs else (right, wrong)
        )
        return [
            Cell(row, "dim"),
            Cell(_NAMES.get(clash.name, clash.name), "accent"),
            Cell(was, "dim"),
            Cell(f"{mine}{ours}", my_tone),
            Cell(f"{other}{theirs}", their_tone),
        ]


class ClashScreen(Dialog[Places]):
    """Left takes what is here, right what is there; capitals of them take all."""

    def __init__(self, clashes: Sequence[Clash], keys: Sequence[int]) -> None:
        hints = "← here · → on disk · H, T all · enter take these · esc later"
        super().__init__("Changed here and by another program", hints)
        self._rows = ClashRows(clashes, keys)
        self._detail = Static("", classes="detail", markup=False)
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """What it is about, the clashes, and the one under the cursor in full."""
        count = len(self._rows)
        question = (
            f"{count} place{'s'[: count != 1]} can hold one text only. Everything else that was "
            "changed, here or there, is kept."
        )
        columns = (
            Column("row", "row", 4, right=True),
            Column("column", "column", 12),
            Column("was", "it was", None, min_width=8),
            Column("ours", "  here", None, min_width=8),
            Column("theirs", "  on disk", None, min_width=8),
        )
        self._grid = Grid(columns, self._rows)
        self._explain(0)
        return [Static(question, classes="question", markup=False), self._grid, self._detail]

    def on_grid_cursor_moved(self, event: Grid.CursorMoved) -> None:
        """Tell in full what the row's cells may have cut."""
        self._explain(event.row)

    def _explain(self, row: int) -> None:
        was, ours, theirs = texts(self._rows.clashes[row])
        self._detail.update(f"it was   {was}\nhere     {ours}\non disk  {theirs}")

    def on_key(self, event: events.Key) -> None:
        """Choose."""
        here, everything = self._grid.cursor_row, range(len(self._rows))
        theirs = self._rows.theirs
        match event.key:
            case "left":
                theirs.discard(here)
            case "right":
                theirs.add(here)
            case "H":
                theirs.clear()
            case "T":
                theirs.update(everything)
            case "enter":
                self.dismiss(frozenset(self._rows.clashes[i].place for i in theirs))
            case _:
                return
        event.stop()
        event.prevent_default()
        self._grid.refresh_rows(everything)
