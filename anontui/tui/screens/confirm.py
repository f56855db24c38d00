"""A yes or no before something that changes jobs or files."""

from __future__ import annotations

from textual import events
from textual.widget import Widget
from textual.widgets import Input, Static

from anontui.tui.screens.dialog import Dialog


class ConfirmScreen(Dialog[bool]):
    """Asks; where ``word`` is given it must be typed, so that nothing large happens by a slip.

    Parameters
    ----------
    question
        With count and server in it.
    meaning
        What follows from a yes.
    verb
        What Enter will do.
    word
        The word to type; empty where Enter is enough.
    """

    def __init__(self, question: str, meaning: str, verb: str, word: str = "") -> None:
        super().__init__(verb, "enter yes · esc no")
        self._question, self._meaning, self._word = question, meaning, word

    def parts(self) -> list[Widget]:
        """Question, meaning, and the field for the word."""
        parts: list[Widget] = [
            Static(self._question, classes="question", markup=False),
            Static(self._meaning, classes="meaning", markup=False),
        ]
        if self._word:
            parts.append(Static(f"Type  {self._word}  to go on:", markup=False))
            parts.append(Input(compact=True))
        return parts

    def on_key(self, event: events.Key) -> None:
        """Enter or y means yes, where no word is asked for; Esc or n no."""
        if not self._word and event.key in ("enter", "y", "n"):
            event.stop()
            self.dismiss(event.key != "n")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The right word means yes; another one changes nothing."""
        if event.value.strip().lower() == self._word:
            self.dismiss(True)
        else:
            event.input.value = ""
