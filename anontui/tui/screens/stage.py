"""A screen of its own beside the four panes: one line above, two below, a table or picture between.

Its keys are actions of the registry, under the screen's ``scope`` in the place of a pane.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input, Static

from anontui.errors import AnonTUIError
from anontui.tui.fullscreen import FullScreen
from anontui.tui.table import Table
from anontui.tui.widgets.bars import Line, spread
from anontui.tui.widgets.grid import Rows
from anontui.tui.widgets.view import NoRows

NAMES = 12
"""Cells for the names of facts at the side."""


class Stage(FullScreen):
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

    def __init__(self) -> None:
        super().__init__()
        self.head: StageHead = StageHead(self)

    def parts(self) -> ComposeResult:
        """What stands between head and strip."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Head, parts, strip, keys."""
        yield self.head
        with Container(classes="stage"):
            yield from self.parts()
        yield self.strip
        yield self.keybar

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
        super().refresh_lines()
        self.head.redraw()

    # Textual calls the handlers of all classes: those here call what subclasses may replace.

    def on_mount(self) -> None:
        """Begin."""
        self.begin()

    def begin(self) -> None:
        """The screen was opened."""

    def on_resize(self, event: events.Resize) -> None:
        """Drop the side where there is no room for it."""
        self.set_class(event.size.width < self.NARROW, "narrow")
        self.resized()

    def resized(self) -> None:
        """The screen has another size."""

    def project_loaded(self) -> None:
        """The project's files or the settings were read again."""

    # -- keys ----------------------------------------------------------------------------

    @property
    def keys(self) -> str:
        """The screen's own group."""
        return self.scope

    @property
    def last(self) -> tuple[tuple[str, str], ...]:
        """The way back stands where it is seen; in small, help tells of the others."""
        back, *others = ("app.back", "back"), *super().last
        return (back, others[-1]) if self.has_class("narrow") else (back, *others)

    def groups(self) -> list[tuple[str, str]]:
        """The screen's own, then those of everywhere."""
        return [(self.scope, self.label), ("", "Everywhere")]

    async def take_key(self, event: events.Key) -> bool:
        """Do what a key means; in a field it is text."""
        if isinstance(self.focused, Input):
            return await self.take_in_field(event)
        if event.key == "ctrl+q":
            return False
        done = await self.do_key(event.key, self.focused)
        if not done and event.key == "escape":  # whatever keys the user has given: a way out
            self.back()
        return True

    async def take_in_field(self, event: events.Key) -> bool:
        """Do what a key means in a field; False leaves it to the field."""
        return False

    def back(self) -> None:
        """Leave, or take one thing back."""
        self.dismiss(None)


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


class TableStage(Table, Stage):
    """A stage around one table, and a few lines on the row under its cursor."""

    dropped: ClassVar[frozenset[str]] = frozenset()
    """Columns for which there is no room on a narrow screen; what they tell is said below."""

    def __init__(self, empty: str = "") -> None:
        super().__init__()
        self._rows: Rows = NoRows()
        self._was_tight = False
        self.grid.empty = empty
        self.detail = Static("", classes="detail", markup=False)

    def parts(self) -> ComposeResult:
        """The table, and all of what is under the cursor."""
        yield self.grid
        yield self.detail

    def begin(self) -> None:
        """Have the table take the keys."""
        self.grid.focus()

    def rows(self) -> Rows:
        """What is shown."""
        return self._rows

    @property
    def table(self) -> Table:
        """Itself."""
        return self

    def resized(self) -> None:
        """Leave out the columns for which there is no room; the user may have them all the same."""
        if self.is_tight != self._was_tight:
            self._was_tight = self.is_tight
            hidden = self.grid.arrangement.hidden
            hidden = hidden | self.dropped if self.is_tight else hidden - self.dropped
            self.set_layout(replace(self.grid.arrangement, hidden=hidden))

    @property
    def is_tight(self) -> bool:
        """True where not all columns have room."""
        return self.has_class("narrow")

    def show_rows(self, rows: Rows, empty: str = "") -> None:
        """Show other rows under the same filter; ``empty`` if there are none."""
        self._rows = rows
        self.grid.empty = self.anontui.registry.with_keys(empty)
        self.grid.set_rows(rows)
        self.filter_by(self.filter_text)
        self.cursor_moved()

    def show_problem(self, error: AnonTUIError) -> None:
        """Say in the table's place what is wrong, and what to do."""
        parts = filter(None, (f"✖ {error.message}", error.cause, error.advice))
        self.show_rows(NoRows())
        self.grid.empty = "\n\n".join(textwrap.fill(part, 72) for part in parts)

    def ask_filter(self) -> None:
        """Let the user type a filter."""
        from anontui.tui.widgets.filterline import FilterLine

        line = FilterLine(self)
        self.mount(line, before=self.strip)
        line.focus()

    def lines_changed(self) -> None:
        """The head counts marks, and shows the filter."""
        self.refresh_lines()

    def back(self) -> None:
        """Drop the marks, else the filter, else leave."""
        if not self.drop_one():
            super().back()


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
