"""The command line: any action by its name, with completion and history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget

from anontui.errors import AnonTUIError
from anontui.tui import commanding
from anontui.tui.actions import why_not
from anontui.tui.widgets.lineedit import LineEdit

if TYPE_CHECKING:
    from anontui.tui.actions import Action
    from anontui.tui.app import AnonTUI

SHOWN = 8
"""As many actions are shown above the line."""


class CommandScreen(ModalScreen[None]):
    """A line at the foot of the screen, and above it what it may become.

    It takes its keys itself, so that those typed before it is drawn are not lost.
    """

    def __init__(self, app: AnonTUI) -> None:
        super().__init__()
        self._anontui = app
        self.line = LineEdit()
        self.problem = ""
        self._list = _Matches(self)
        self._field = _Field(self)

    def compose(self) -> ComposeResult:
        """The actions, then the line."""
        with Vertical(classes="command"):
            yield self._list
            yield self._field

    @property
    def found(self) -> list[Action]:
        """What the text may become."""
        command = commanding.parse(self._anontui.registry, self.line.text)
        if command is not None and command.text:
            return [command.action]
        app = self._anontui
        return commanding.matches(app.registry, self.line.text, app.here.keys)

    def on_key(self, event: events.Key) -> None:
        """Edit the line, or do what it says."""
        event.stop()
        event.prevent_default()
        history, text = self._anontui.commands, self.line.text
        self.problem = ""
        match event.key:
            case "escape":
                self._leave()
            case "enter":
                self._run()
            case "backspace" if not text:
                self._leave()
            case "tab":
                self.line = LineEdit(commanding.completed(self._anontui, text))
            case "up":
                self.line = LineEdit(history.older(text))
            case "down":
                self.line = LineEdit(history.newer(text))
            case _:
                self.line.press(event.key, event.character)
        self._draw()

    def on_paste(self, event: events.Paste) -> None:
        """Take in what is pasted."""
        event.stop()
        self.line.insert(event.text)
        self._draw()

    def _draw(self) -> None:
        self._field.refresh()
        self._list.refresh(layout=True)

    def _leave(self) -> None:
        self._anontui.commands.rewind()
        self.dismiss(None)

    def _run(self) -> None:
        app, text = self._anontui, self.line.text.strip()
        if not text:
            self._leave()
            return
        if text.isdecimal():
            if app.here.table is None:
                self.problem = "There is no table here, whose rows have numbers."
                return
            app.commands.add(text)
            self.dismiss(None)
            app.here.table.grid.move_cursor(row=int(text) - 1)
            return
        try:
            command = commanding.meant(app.registry, text)
        except AnonTUIError as error:
            self.problem = error.sentence()
            return
        app.commands.add(text)
        self.dismiss(None)
        app.call_later(app.run_action_named, command.action, command.text)


class _Matches(Widget):
    """What the text may become: name, what it does, its key, or why it cannot be done now."""

    def __init__(self, screen: CommandScreen) -> None:
        super().__init__()
        self._screen = screen

    def render(self) -> Content:
        """Draw a line an action, and one for those that do not fit."""
        screen = self._screen
        if screen.problem:
            return Content.assemble(" ", (screen.problem, "$error"))
        found, app = screen.found, screen._anontui
        if not found:
            return Content.assemble(" ", ("No command has this in its name.", "$warning"))
        room = max(len(action.id) for action in found[:SHOWN])
        lines = []
        for action in found[:SHOWN]:
            reason = why_not(action, app)
            tail = f"not now: {reason}" if reason else " ".join(action.signs)
            tone = "$text-disabled" if reason else "$text"
            line = Content.assemble(
                (f" {action.id:<{room}}  ", tone if reason else "bold $accent"),
                (action.name, tone),
                (f"  {tail}", "$text-disabled" if reason else "$text-muted"),
            )
            lines.append(line.truncate(max(self.size.width, 20), ellipsis=True))
        more = len(found) - SHOWN
        if more > 0:
            lines.append(Content.assemble((f" {more} more", "$text-muted")))
        return Content("\n").join(lines)

    def get_content_height(self, *_: object) -> int:
        """As many lines as there are to draw."""
        if self._screen.problem:
            return 1
        count = len(self._screen.found)
        return min(max(count, 1), SHOWN) + (count > SHOWN)


class _Field(Widget):
    """The line itself."""

    def __init__(self, screen: CommandScreen) -> None:
        super().__init__()
        self._screen = screen

    def render(self) -> Content:
        """Draw the text with its cursor, and what the keys do."""
        screen = self._screen
        hints = " tab complete · ↑ before · enter do it · esc back "
        hints = hints if self.size.width >= 100 else " enter do it · esc back "
        before, under, after = screen.line.view(max(self.size.width - len(hints) - 2, 1))
        return Content.assemble(
            (" :", "bold $accent"), before, (under, "reverse"), after, (hints, "$text-muted")
        )
