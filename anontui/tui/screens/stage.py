"""A screen of its own beside the four panes: one line above, two below, a table or picture between.

Its keys are actions of the registry, under the screen's ``scope`` in the place of a pane.
"""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from anontui.errors import AnonTUIError, UsageError
from anontui.tui.actions import Action, key_sign, why_not
from anontui.tui.filtering import compile_filter
from anontui.tui.widgets.bars import ActivityStrip, Line, spread
from anontui.tui.widgets.grid import Cell, Column, Grid, Rows

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI

ALSO = ("app.palette", "app.command", "app.activity", "app.theme", "app.mouse")
"""What works here as it does in the panes."""


NAMES = 12
"""Cells for the names of facts at the side."""


class Stage(Screen[None]):
    """A screen with a head, its parts, the activity strip and its keys; Esc leaves it."""

    AUTO_FOCUS = None
    scope: ClassVar[str]
    label: ClassVar[str]
    DEFAULT_CSS = """
    Stage > .stage { height: 1fr; }
    Stage .side {
        width: 34; height: 1fr; padding: 0 1; border-left: solid $border;
    }
    Stage .detail { height: auto; max-height: 6; padding: 0 2; color: $text-muted; }
    Stage.narrow .side { display: none; }
    """
    NARROW = 104

    def __init__(self, app: AnonTUI) -> None:
        super().__init__()
        self.anontui = app
        self.head = StageHead(self)
        self.strip = ActivityStrip()
        self.keys = StageKeys(self)

    def parts(self) -> ComposeResult:
        """What stands between head and strip."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Head, parts, strip, keys."""
        yield self.head
        with Container(classes="stage"):
            yield from self.parts()
        yield self.strip
        yield self.keys

    def about(self) -> list[str | tuple[str, str]]:
        """What the head says behind the screen's name."""
        return []

    def state_line(self) -> list[str | tuple[str, str]]:
        """What stands at the right end of the head: by default the active server."""
        sign, word, tone = self.anontui.model.connection()
        name = self.anontui.model.server_name()
        return [(f"{sign} ", tone), (name, "bold"), (f" {word} ", tone)]

    def refresh_lines(self) -> None:
        """Draw the lines around the parts again."""
        for line in (self.head, self.strip, self.keys):
            line.redraw()

    # Textual calls the handlers of all classes: those here call what subclasses may replace.

    def on_mount(self) -> None:
        """Begin."""
        self.begin()

    def begin(self) -> None:
        """The screen was opened."""

    def on_resize(self, event: events.Resize) -> None:
        """Drop the side where there is no room for it."""
        self.set_class(event.size.width < self.NARROW, "narrow")
        self.lay_out()

    def lay_out(self) -> None:
        """The screen has another size."""

    @property
    def actions(self) -> list[Action]:
        """What can be done here, in the order of the key bar."""
        return self.anontui.registry.of_pane(self.scope)

    def on_key(self, event: events.Key) -> None:
        """Do what a key means here."""
        self.take_key(event)

    def take_key(self, event: events.Key) -> None:
        """Run the key's action, help or leave; in a field most keys are text."""
        if isinstance(self.focused, Input):
            if event.key == "escape":
                event.stop()
                self.leave_input()
            return
        registry = self.anontui.registry
        action = registry.for_key(event.key, self.scope)
        if action is not None and (action.pane == self.scope or action.id in ALSO):
            event.stop()
            event.prevent_default()
            self.anontui.run_action_named(action)
            self.refresh_lines()
        elif action is not None and action.id == "app.help":
            event.stop()
            self.help()
        elif event.key == "escape":
            event.stop()
            self.back()

    def leave_input(self) -> None:
        """Esc in a field: by default the screen is left."""
        self.back()

    def back(self) -> None:
        """Leave, or take one thing back."""
        self.dismiss(None)

    def help(self) -> None:
        """Show the keys of this screen."""
        from anontui.tui.acts.common import show_text

        lines = []
        for action in self.actions:
            reason = why_not(action, self.anontui)
            tail = (f"  not now: {reason}", "$text-muted") if reason else ("", "")
            keys = " ".join(action.signs) or "-"
            lines.append(Content.assemble((f"{keys:>22}  ", "bold $accent"), action.name, tail))
        lines.append(Content.assemble((f"{'esc':>22}  ", "bold $accent"), "Back"))
        show_text(self.anontui, f"Keys of {self.label}", Content("\n").join(lines))


class StageHead(Line):
    """The app's badge, the screen's name and what it says of itself."""

    DEFAULT_CSS = "StageHead { background: $surface; }"

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def says(self) -> Content:
        """Draw the line for the width there is."""
        left: list[str | tuple[str, str]] = [
            (" anontui ", "bold $background on $primary"),
            "  ",
            (self._stage.label, "bold"),
        ]
        for part in self._stage.about():
            left += [("  ·  ", "$text-muted"), part]
        right = Content.assemble(*self._stage.state_line())
        return spread(Content.assemble(*left), right, self.size.width)


class StageKeys(Line):
    """The keys that mean something here; a key that is disabled now is dimmed."""

    DEFAULT_CSS = "StageKeys { background: $surface; }"

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def says(self) -> Content:
        """Draw as many hints as fit; back and help always do."""
        app = self._stage.anontui
        last = Content.empty()
        keys = app.registry.actions["app.help"].signs[:1]
        for key, word in [("esc", "back"), *((key, "help") for key in keys)]:
            last += Content.assemble((f" {key}", "bold $accent"), (f" {word} ", "$text-muted"))
        line = Content.empty()
        for action in self._stage.actions:
            if not action.label or not action.key:
                continue
            off = bool(why_not(action, app))
            hint = Content.assemble(
                (f" {key_sign(action.key)}", "$text-disabled" if off else "bold $accent"),
                (f" {action.label} ", "$text-disabled" if off else "$text-muted"),
            )
            if line.cell_length + hint.cell_length + last.cell_length > self.size.width:
                break
            line += hint
        return spread(line, last, self.size.width)


class Chosen:
    """Rows of which only some cells are shown."""

    def __init__(self, rows: Rows, kept: tuple[int, ...]) -> None:
        self._rows, self._kept = rows, kept

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> Hashable:
        """As it is."""
        return self._rows.key(index)

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Those that are kept."""
        cells = self._rows.cells(index)
        return [cells[at] for at in self._kept]


class TableStage(Stage):
    """A stage around one table, which can be filtered."""

    columns: ClassVar[Sequence[Column]]
    dropped: ClassVar[frozenset[str]] = frozenset()
    """Columns for which there is no room on a narrow screen; what they tell is said below."""

    def __init__(self, app: AnonTUI, rows: Rows, empty: str = "") -> None:
        super().__init__(app)
        self.rows: Rows = rows
        self.grid = Grid(self.columns, rows, empty=empty)
        self.filter_text = ""

    def begin(self) -> None:
        """Have the table take the keys."""
        self.grid.focus()

    def lay_out(self) -> None:
        """Leave out the columns for which there is no room."""
        left_out = self.dropped if self.is_tight else frozenset()
        shown = [one for one in self.columns if one.id not in left_out]
        if self.dropped and list(self.grid.columns) != shown:
            self.grid.columns = shown
            self.grid.set_rows(Chosen(self.rows, self._kept(shown)))
            self.filter_by(self.filter_text)

    @property
    def is_tight(self) -> bool:
        """True where not all columns have room."""
        return self.has_class("narrow")

    def _kept(self, shown: Sequence[Column]) -> tuple[int, ...]:
        return tuple(n for n, one in enumerate(self.columns) if one in shown)

    def show_rows(self, rows: Rows, empty: str = "") -> None:
        """Show other rows under the same filter; ``empty`` if there are none."""
        self.rows = rows
        self.grid.empty = empty
        kept = self._kept(self.grid.columns)
        self.grid.set_rows(Chosen(rows, kept) if len(kept) < len(self.columns) else rows)
        self.filter_by(self.filter_text)
        self.refresh_lines()

    def show_problem(self, error: AnonTUIError) -> None:
        """Say in the table's place what is wrong, and what to do."""
        from anontui.tui.widgets.view import NoRows

        parts = filter(None, (error.message, error.cause, error.advice))
        self.show_rows(NoRows(), "\n\n".join(parts))

    def ask_filter(self) -> None:
        """Let the user type a filter."""
        from anontui.tui.widgets.filterline import FilterLine

        line = FilterLine(self)
        self.mount(line, before=self.strip)
        line.focus()

    def leave_input(self) -> None:
        """The filter line leaves itself."""

    def filter_by(self, text: str) -> None:
        """Show only the rows that match; an empty text shows all."""
        self.filter_text = text.strip()
        try:
            self.grid.order = self.filtered()
        except UsageError as error:
            self.anontui.say(error.sentence(), "$warning")
        self.refresh_lines()

    def filtered(self) -> list[int] | None:
        """Which rows match the filter; None for all."""
        if not self.filter_text:
            return None
        matches = compile_filter(self.filter_text, [column.id for column in self.columns])
        rows = self.rows
        return [at for at in range(len(rows)) if matches(_texts(rows.cells(at)))]

    def chosen(self) -> list[Any]:
        """Keys of the marked rows in their order, else the cursor's."""
        marks = self.grid.marks
        if marks:
            return [key for key in map(self.rows.key, range(len(self.rows))) if key in marks]
        return [self.grid.cursor_key] if self.grid.cursor_key is not None else []

    def mark(self) -> None:
        """Mark or unmark the row under the cursor and go on to the next."""
        self.grid.toggle_mark()
        self.grid.move_cursor(row=self.grid.cursor_row + 1)

    def back(self) -> None:
        """Drop the marks, else the filter, else leave."""
        if self.grid.marks:
            self.grid.clear_marks()
        elif self.filter_text:
            self.filter_by("")
        else:
            super().back()

    def on_grid_marks_changed(self) -> None:
        """Count the marks."""
        self.refresh_lines()

    def counted(self) -> list[str | tuple[str, str]]:
        """Marks and filter, for the title."""
        parts: list[str | tuple[str, str]] = []
        if self.grid.marks:
            parts.append((f"{len(self.grid.marks)} marked", "bold $accent"))
        if self.filter_text:
            shown = len(self.grid.order) if self.grid.order is not None else 0
            parts.append((f"/{self.filter_text} · {shown} shown", "$warning"))
        return parts


def _texts(cells: Sequence[str | Cell]) -> list[str]:
    return [cell if isinstance(cell, str) else cell.text for cell in cells]


def facts_panel(facts: Sequence[tuple[str, str]], width: int) -> Content:
    """Names and texts, for the side of a stage; a text that is too long goes on below."""
    lines = []
    for name, text in facts:
        if len(text) <= width - NAMES - 1:
            lines.append(Content.assemble((f"{name:<{NAMES}} ", "$text-muted"), text))
            continue
        lines.append(Content.assemble((name, "$text-muted")))
        lines += map(
            Content, textwrap.wrap(text, width - 2, initial_indent="  ", subsequent_indent="  ")[:4]
        )
    return Content("\n").join(lines)
