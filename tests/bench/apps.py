"""The small apps that the benchmarks compare: ``python -m tests.bench.apps NAME``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Label, ListItem, ListView, Static


class Bare(App[None]):
    """The least a Textual app can be."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "quit", priority=True)]

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static("\n".join(line(at) for at in range(40)))


class Echo(Bare):
    """The least answer to a key: one line is written anew."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("down,up", "count")]
    turn = 0

    def compose(self) -> ComposeResult:
        """A line that changes above one that does not."""
        self.answer = Static(line(0))
        yield self.answer
        yield from super().compose()

    def action_count(self) -> None:
        """Write the line."""
        self.turn += 1
        self.answer.update(line(self.turn), layout=False)


class Scrolled(Bare):
    """A text that scrolls."""

    def compose(self) -> ComposeResult:
        """A thousand lines."""
        self.animation_level = "none"
        with VerticalScroll(can_focus=True):
            yield Static("\n".join(line(at) for at in range(1000)))


class Listed(Bare):
    """Textual's own list, all of it in view."""

    def compose(self) -> ComposeResult:
        """As many items as fit."""
        yield ListView(*(ListItem(Label(line(at))) for at in range(39)))


def line(at: int) -> str:
    """A line of text like a row of the grid."""
    return "  ".join(text.ljust(16) for text in texts(at))


def texts(at: int) -> list[str]:
    """The texts of a row."""
    return [str(at), "DONE", str(at * 37 % 400), f"LUNG-{at:06}", "2026-02-12 10:02", f"study {at}"]


def grid_app(count: int) -> App[None]:
    """Return an app with one grid; ``r`` changes five cells, ``f`` does and lets them flash."""
    from anontui.tui.widgets.grid import Cell, Column, Grid

    class Rows:
        turn = 0

        def __len__(self) -> int:
            return count

        def key(self, index: int) -> int:
            return index

        def cells(self, index: int) -> Sequence[str | Cell]:
            first, _, *rest = texts(index)
            done = (index * 7 + self.turn * (index % 8 == 0)) % 2
            status = Cell("✔ DONE", "good") if done else Cell("◐ UPLOADED", "busy")
            return [first, status, *rest[:-2], Cell(rest[-2], "dim"), rest[-1]]

    class Gridded(Bare):
        BINDINGS: ClassVar[list[BindingType]] = [
            Binding("r", "change(False)"),
            Binding("f", "change(True)"),
        ]

        def compose(self) -> ComposeResult:
            columns = [
                Column("id", "id", 8, right=True),
                Column("status", "status", 10),
                Column("files", "files", 6, right=True),
                Column("pseudonym", "pseudonym", 14),
                Column("date", "date", 16),
                Column("what", "what"),
            ]
            self.rows = Rows()
            self.grid = Grid(columns, self.rows)
            yield self.grid

        def action_change(self, flash: bool) -> None:
            self.rows.turn += 1
            (self.grid.flash if flash else self.grid.refresh_rows)(range(0, 40, 8))

    return Gridded()


def main(name: str) -> None:
    """Run an app by its name: bare, echo, list, scroll, or grid:ROWS."""
    if name.startswith("grid:"):
        grid_app(int(name.removeprefix("grid:"))).run()
    else:
        {"bare": Bare, "echo": Echo, "list": Listed, "scroll": Scrolled}[name]().run()


if __name__ == "__main__":
    main(sys.argv[1])
