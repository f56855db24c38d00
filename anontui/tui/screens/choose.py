"""One of a few things, shown at once as the cursor comes to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.widget import Widget

from anontui.tui.screens.dialog import Dialog
from anontui.tui.widgets.grid import Cell, Column, Grid


class _Rows:
    def __init__(self, options: Sequence[tuple[str, str]], now: str) -> None:
        self._options, self._now = options, now

    def __len__(self) -> int:
        return len(self._options)

    def key(self, index: int) -> str:
        """The option's name."""
        return self._options[index][0]

    def cells(self, index: int) -> Sequence[str | Cell]:
        """A sign at what holds now, name, what it is."""
        name, about = self._options[index]
        return [Cell("●" if name == self._now else "", "accent"), name, Cell(about, "dim")]


class ChooseScreen(Dialog[str]):
    """Asks for one of ``options`` (names, and what they are).

    ``look`` is called with each as the cursor comes to it, and with ``now`` again if the user
    backs out.
    """

    def __init__(
        self,
        title: str,
        options: Sequence[tuple[str, str]],
        now: str,
        look: Callable[[str], None],
    ) -> None:
        super().__init__(title, "enter take it · esc leave it")
        self._now, self._look = now, look
        columns = (
            Column("now", "", 1, min_width=1),
            Column("name", "name", 15),
            Column("about", "", None, min_width=10),
        )
        self._grid = Grid(columns, _Rows(options, now))
        self._at = [name for name, _ in options].index(now)

    def parts(self) -> list[Widget]:
        """The options."""
        return [self._grid]

    def on_mount(self) -> None:
        """Begin at what holds now."""
        self._grid.focus()
        self._grid.move_cursor(row=self._at)

    def on_grid_cursor_moved(self) -> None:
        """Show how it would be."""
        self._look(str(self._grid.cursor_key))

    def on_grid_activated(self) -> None:
        """Take it."""
        self._now = str(self._grid.cursor_key)
        self.dismiss(self._now)

    def on_screen_suspend(self) -> None:
        """Whatever was looked at, what holds now is shown."""
        self._look(self._now)
