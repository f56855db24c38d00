"""Help: every key, those of what has the focus first."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from anontui.tui.actions import Registry, why_not
from anontui.tui.screens.dialog import Dialog

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI

MOVING = (
    ("↑ ↓ j k", "Move the cursor"),
    ("page up/down", "Move by a page"),
    ("home end g G", "Go to the first or last row"),
)
KEYS = 14
"""Cells for an action's keys."""
WITH_IDS = 110
"""From this many columns on there is room for the actions' ids."""
BESIDE = 8
"""Columns of the box for its frame and its margins."""


class HelpScreen(Dialog[None]):
    """The keys of the screen that is open, drawn from the action registry."""

    def __init__(self, app: AnonTUI) -> None:
        self._anontui = app
        _, title = app.here.groups()[0]
        super().__init__(
            f"Keys of {title.lstrip('1234 ')}, then the others", "↑ ↓ read on · esc back"
        )
        self._text = Static()
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """The text."""
        self._text.update(self._keys())
        return [VerticalScroll(self._text, can_focus=True)]

    def on_resize(self) -> None:
        """Break the lines for the width there is now."""
        self._text.update(self._keys())

    def _keys(self) -> Content:
        """The current group's keys, those of everywhere, then the other panes'."""
        app = self._anontui
        groups = [(title, app.registry.of_pane(group)) for group, title in app.here.groups()]
        wide = app.size.width >= WITH_IDS
        ids = max(len(action.id) for _, group in groups for action in group) if wide else 0
        table = _Table(ids, min(int(app.size.width * 0.92), 140) - BESIDE)
        lines: list[Content] = []
        for title, actions in groups:
            lines.append(Content.assemble((title, "bold $primary")))
            if title == "Everywhere":
                for keys, name in MOVING:
                    lines += table.lines(keys, "", name, "")
            for action in actions:
                keys = " ".join(action.signs) or "-"
                lines += table.lines(keys, action.id, action.name, why_not(action, app))
            lines.append(Content(""))
        lines.append(_without_key(app.registry))
        return Content("\n").join(lines)


class _Table:
    """Lines of keys, ids (if ``ids`` cells are kept for them) and what they do."""

    def __init__(self, ids: int, width: int) -> None:
        self._ids = ids
        self._indent = KEYS + 2 + (ids + 2 if ids else 0)
        self._room = max(width - self._indent, 20)

    def lines(self, keys: str, id_: str, name: str, reason: str) -> list[Content]:
        """Return the line of an action, and those that its name and its reason go on in."""
        first, *more = textwrap.wrap(name, self._room)
        middle = (f"{id_:<{self._ids}}  ", "$text-muted") if self._ids else ("", "")
        found = [Content.assemble((f"{keys:>{KEYS}}  ", "bold $accent"), middle, first)]
        found += [Content(" " * self._indent + text) for text in more]
        if not reason:
            return found
        told = f"not now: {reason}"
        if found[-1].cell_length + len(told) + 2 <= self._indent + self._room:
            found[-1] += Content.assemble((f"  {told}", "$text-disabled"))
            return found
        indent = " " * self._indent
        return found + [
            Content.assemble((indent + text, "$text-disabled"))
            for text in textwrap.wrap(told, self._room)
        ]


def _without_key(registry: Registry) -> Content:
    palette = " ".join(registry.actions["app.palette"].signs)
    command = " ".join(registry.actions["app.command"].signs)
    return Content.assemble(
        (f"{'-':>{KEYS}}  ", "bold $accent"),
        (f"no key: in palette ({palette}) and command line ({command})\n", "$text-muted"),
        (f"{'':>{KEYS}}  ", ""),
        ("Keys are changed in the settings, by the action's id.", "$text-muted"),
    )
