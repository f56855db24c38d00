"""Everything that the app told and did since it was opened, the newest first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from anontui.tui import manners
from anontui.tui.screens.dialog import Dialog
from anontui.tui.widgets.grid import Cell, Column, Grid

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI
    from anontui.tui.history import Entry

TONES = {"$error": ("✖", "bad"), "$warning": ("!", "warn"), "$success": ("✔", "good")}


class _Rows:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    def key(self, index: int) -> int:
        """The place in the list."""
        return index

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Time, sign, text."""
        entry = self._entries[index]
        sign, tone = TONES.get(entry.tone, ("·", "dim"))
        clock = time.strftime("%H:%M:%S", time.localtime(entry.at))
        often = f"  ({entry.count} times)" if entry.count > 1 else ""
        return [Cell(clock, "dim"), Cell(sign, tone), f"{entry.text}{often}"]


class ActivityScreen(Dialog[None]):
    """The list, and below it all of the entry under the cursor."""

    def __init__(self, app: AnonTUI) -> None:
        self._anontui = app
        self._entries = list(reversed(app.activity.entries))
        count = len(self._entries)
        super().__init__(
            f"Activity · {count} message{'s'[: count != 1]}",
            "y copy this · Y copy all · esc back",
        )
        self.add_class("wide")
        columns = (
            Column("time", "time", 8),
            Column("sign", "", 1, min_width=1),
            Column("what", "what", None, min_width=20),
        )
        self._grid = Grid(columns, _Rows(self._entries), empty="Nothing was told yet.")
        self._detail = Static("", classes="detail", markup=False)

    def parts(self) -> list[Widget]:
        """The list and the details."""
        return [self._grid, self._detail]

    def on_mount(self) -> None:
        """Begin with the newest."""
        self._grid.focus()
        self.on_grid_cursor_moved()

    def on_grid_cursor_moved(self) -> None:
        """Show the details of what is under the cursor."""
        entry = self._entry()
        text = _whole(entry) if entry else ""
        self._detail.update(Content(text))

    def on_key(self, event: events.Key) -> None:
        """Copy."""
        entry = self._entry()
        if event.key == "y" and entry is not None:
            event.stop()
            manners.copy(self._anontui, _whole(entry), "the message")
        elif event.key == "Y":
            event.stop()
            manners.copy(self._anontui, "\n".join(map(_line, self._entries)), "all messages")

    def _entry(self) -> Entry | None:
        key = self._grid.cursor_key
        return self._entries[key] if isinstance(key, int) else None


def _whole(entry: Entry) -> str:
    return f"{entry.text}\n{entry.detail}".strip()


def _line(entry: Entry) -> str:
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at))
    return f"{clock}  {' '.join(_whole(entry).split())}"
