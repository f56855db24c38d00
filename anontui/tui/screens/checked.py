"""One line of text that is checked while it is typed."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Input, Static

from anontui.errors import AnonTUIError
from anontui.tui.screens.dialog import Dialog


class CheckedPrompt(Dialog[str]):
    """Asks for a value; what ``check`` raises is told below it, and Enter waits until it is right.

    Parameters
    ----------
    title, about
        What is asked for, and what it means.
    value
        What stands there at first.
    check
        Raises :class:`~anontui.errors.AnonTUIError` for what cannot be.
    secret
        Show dots in the place of letters.
    """

    def __init__(
        self,
        title: str,
        about: str,
        value: str,
        check: Callable[[str], object],
        *,
        secret: bool = False,
    ) -> None:
        super().__init__(title, "enter take it · esc leave it")
        self._about, self._check = about, check
        self._field = Input(value, password=secret, compact=True, select_on_focus=False)
        self._verdict = Static("", classes="verdict", markup=False)

    DEFAULT_CSS = """
    CheckedPrompt .verdict { margin-top: 1; height: auto; min-height: 1; color: $success; }
    CheckedPrompt .verdict.wrong { color: $error; }
    """

    def parts(self) -> list[Widget]:
        """Meaning, field, verdict."""
        about = Static(self._about, classes="meaning", markup=False)
        return [about, self._field, self._verdict]

    def compose(self) -> ComposeResult:
        """The parts, the first verdict told at once."""
        yield from super().compose()
        self._judge(self._field.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Check what stands there now."""
        self._judge(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the value back if it is right."""
        if self._judge(event.value):
            self.dismiss(event.value.strip())

    def _judge(self, text: str) -> bool:
        try:
            self._check(text.strip())
        except AnonTUIError as error:
            self._verdict.update(f"✖ {error.sentence()}")
            self._verdict.add_class("wrong")
            return False
        self._verdict.update("✔")
        self._verdict.remove_class("wrong")
        return True
