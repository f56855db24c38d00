"""Adding studies to the mapping: with pseudonyms that are made up, or to be given by hand."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from anontui.tui.screens.dialog import Dialog


class AddScreen(Dialog[bool]):
    """Asks; True: make pseudonyms up. ``meaning`` tells what else the user should know."""

    def __init__(self, studies: int, patients: int, meaning: str = "") -> None:
        super().__init__("Add to the mapping", "enter make them up · e leave them empty · esc back")
        self._question = (
            f"Add {_count(studies, 'study', 'studies')} of "
            f"{_count(patients, 'patient', 'patients')} to the mapping?"
        )
        self._meaning = meaning

    def parts(self) -> list[Widget]:
        """The question, and the two ways."""
        ways = (
            ("enter", "make up a pseudonym for each patient"),
            ("e", "leave the pseudonyms empty, I fill them in there"),
        )
        lines = [Content.assemble((f"{key:>5}  ", "bold $accent"), what) for key, what in ways]
        parts: list[Widget] = [Static(self._question, classes="question", markup=False)]
        if self._meaning:
            parts.append(Static(self._meaning, classes="meaning", markup=False))
        return [*parts, Static(Content("\n").join(lines))]

    def on_key(self, event: events.Key) -> None:
        """Enter or e."""
        if event.key in ("enter", "e"):
            event.stop()
            self.dismiss(event.key == "enter")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
