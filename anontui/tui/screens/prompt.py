"""One line of text from the user."""

from __future__ import annotations

from textual.widget import Widget
from textual.widgets import Input

from anontui.tui.screens.dialog import Dialog


class PromptScreen(Dialog[str]):
    """Asks for one value; Esc leaves it as it is."""

    def __init__(self, title: str, value: str = "") -> None:
        super().__init__(title, "enter take it · esc leave it")
        self._value = value

    def parts(self) -> list[Widget]:
        """The field, with the present value in it."""
        return [Input(self._value, compact=True, select_on_focus=False)]

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the value back."""
        self.dismiss(event.value.strip())
