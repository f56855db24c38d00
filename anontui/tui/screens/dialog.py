"""The frame of every question: a titled box in the middle, Esc backs out."""

from __future__ import annotations

from typing import TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """A modal box with its title above, its key hints below, and a subclass's widgets inside."""

    def __init__(self, title: str, hints: str = "esc back") -> None:
        super().__init__()
        self.box = Vertical(classes="box")
        self.box.border_title = Content(title).markup
        self.box.border_subtitle = Content(hints).markup

    def parts(self) -> list[Widget]:
        """What stands in the box, from top to bottom."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Put the parts into the box."""
        with self.box:
            yield from self.parts()

    def on_key(self, event: events.Key) -> None:
        """Esc backs out without an answer (textual calls a subclass's handler beside this one)."""
        if event.key == "escape":
            event.stop()
            self.dismiss(None)
