"""Help: every key, those of the pane with the focus first."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from anontui.tui.actions import Action, key_sign, why_not
from anontui.tui.screens.dialog import Dialog

MOVING = (
    ("↑ ↓ j k", "Move the cursor"),
    ("page up/down", "Move by a page"),
    ("home end g G", "Go to the first or last row"),
)


class HelpScreen(Dialog[None]):
    """The keys, drawn from the action registry."""

    def __init__(self) -> None:
        super().__init__("Keys")
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """The current pane's keys, those of everywhere, then the other panes'."""
        from anontui.tui.app import AnonTUI

        app = self.app
        assert isinstance(app, AnonTUI)  # noqa: S101 - tells the type checker
        current = app.front.current
        others = [pane for pane in app.front.panes if pane is not current]
        groups = [(f"{current.number} {current.label}", app.registry.of_pane(current.keys))]
        groups.append(("Everywhere", app.registry.of_pane("")))
        groups += [(f"{p.number} {p.label}", app.registry.of_pane(p.id or "")) for p in others]
        lines: list[Content] = []
        for title, actions in groups:
            lines.append(Content.assemble((title, "bold $primary")))
            if title == "Everywhere":
                lines += [_line(keys, name, "") for keys, name in MOVING]
            lines += [_of(action, why_not(action, app)) for action in actions]
            lines.append(Content(""))
        return [VerticalScroll(Static(Content("\n").join(lines)), can_focus=True)]


def _of(action: Action, reason: str) -> Content:
    keys = " ".join(map(key_sign, filter(None, action.key.split(",")))) or "^p"
    return _line(keys, action.name, reason)


def _line(keys: str, name: str, reason: str) -> Content:
    tail = (f"  not now: {reason}", "$text-disabled") if reason else ("", "")
    return Content.assemble((f"{keys:>14}  ", "bold $accent"), name, tail)
