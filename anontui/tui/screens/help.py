"""Help: every key, those of the pane with the focus first."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from anontui.tui.actions import Action, why_not
from anontui.tui.screens.dialog import Dialog

MOVING = (
    ("↑ ↓ j k", "Move the cursor"),
    ("page up/down", "Move by a page"),
    ("home end g G", "Go to the first or last row"),
)
WITH_IDS = 110
"""From this many columns on there is room for the actions' ids."""


class HelpScreen(Dialog[None]):
    """The keys, drawn from the action registry."""

    def __init__(self, pane: str) -> None:
        super().__init__(f"Keys of {pane}, then the others", "↑ ↓ read on · esc back")
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """The current pane's keys, those of everywhere, then the other panes'."""
        from anontui.tui.app import AnonTUI

        app = self.app
        assert isinstance(app, AnonTUI)  # noqa: S101 - tells the type checker
        current = app.main.current
        others = [pane for pane in app.main.panes if pane is not current]
        groups = [(f"{current.number} {current.label}", app.registry.of_pane(current.id or ""))]
        groups.append(("Everywhere", app.registry.of_pane("")))
        groups += [(f"{p.number} {p.label}", app.registry.of_pane(p.id or "")) for p in others]
        ids = max(map(len, app.registry.actions)) if app.size.width >= WITH_IDS else 0
        lines: list[Content] = []
        for title, actions in groups:
            lines.append(Content.assemble((title, "bold $primary")))
            if title == "Everywhere":
                lines += [_line(keys, "", ids, name, "") for keys, name in MOVING]
            for a in actions:
                reason, keys = why_not(a, app), " ".join(a.signs) or "-"
                lines.append(_line(keys, a.id, ids, a.name, reason if ids else ""))
                if reason and not ids:
                    lines.append(_line("", "", ids, "", reason))
            lines.append(Content(""))
        lines.append(Content.assemble(("-", "bold $accent"), *_without_key(app.registry.actions)))
        return [VerticalScroll(Static(Content("\n").join(lines)), can_focus=True)]


def _without_key(actions: dict[str, Action]) -> list[str | tuple[str, str]]:
    palette = " ".join(actions["app.palette"].signs)
    command = " ".join(actions["app.command"].signs)
    return [
        (
            f" no key of its own: it is in the palette ({palette}) and the "
            f"command line ({command}). ",
            "$text-muted",
        ),
        ("Every key can be changed in the settings, by the action's id.", "$text-muted"),
    ]


def _line(keys: str, id_: str, ids: int, name: str, reason: str) -> Content:
    gap = "  " if name else ""
    tail = (f"{gap}not now: {reason}", "$text-disabled") if reason else ("", "")
    middle = (f"{id_:<{ids}}  ", "$text-muted") if ids else ("", "")
    return Content.assemble((f"{keys:>14}  ", "bold $accent"), middle, name, tail)
