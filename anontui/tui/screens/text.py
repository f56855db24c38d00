"""A text to read."""

from __future__ import annotations

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from anontui.tui.screens.dialog import Dialog


class TextScreen(Dialog[None]):
    """Shows a text that may be longer than the screen."""

    def __init__(self, title: str, text: Content) -> None:
        super().__init__(title)
        self._text = text
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """The text."""
        return [VerticalScroll(Static(self._text), can_focus=True)]
