"""What to look for in an archive: six fields in three lines, and a line that says what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label, Static

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI

TABLES = (".xlsx", ".csv", ".txt")
HINT = "enter searches · tab goes to the next field · esc to the list"
_LINES = (
    (("accession", "numbers, or a file of them: list.xlsx"), ("modality", "CT")),
    (("patient id", "* and ? are wildcards"), ("name", "Family^*")),
    (("dates", "2024, 2024-03, 2024-03-01, 2022-2024"), ("study uid", "1.2.840…")),
)
"""The fields of each line, and what shows in them while they are empty."""


class Field(Input):
    """A field that takes a pasted column of a spreadsheet whole, as words."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(
            placeholder=hint, compact=True, select_on_focus=False, id=name.replace(" ", "-")
        )

    def on_paste(self, event: events.Paste) -> None:
        """Take all lines, not the first alone."""
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(" ".join(event.text.split()))


class SearchForm(Vertical):
    """The form. Enter searches, Esc leaves it."""

    class Left(Message):
        """The user is done with the form; ``search`` tells whether to look for what it says."""

        def __init__(self, *, search: bool) -> None:
            super().__init__()
            self.search = search

    def __init__(self) -> None:
        super().__init__(classes="form")
        self._fields = {name: Field(name, hint) for line in _LINES for name, hint in line}
        self._last = self._fields["accession"]
        self.note = Static(classes="note", markup=False)

    def compose(self) -> ComposeResult:
        """Line by line."""
        for line in _LINES:
            with Horizontal(classes="fields"):
                for at, (name, _) in enumerate(line):
                    yield Label(name, classes=f"of-{at}")
                    yield self._fields[name]
        yield self.note

    def __getitem__(self, name: str) -> str:
        """What stands in a field."""
        return self._fields[name].value.strip()

    @property
    def in_use(self) -> bool:
        """True while the user types in it."""
        return any(field.has_focus for field in self._fields.values())

    @property
    def is_empty(self) -> bool:
        """True if nothing is asked for."""
        return not any(self[name] for name in self._fields)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The accession numbers, each once."""
        text = self["accession"]
        for sign in ",;":
            text = text.replace(sign, " ")
        return tuple(dict.fromkeys(text.split()))

    @property
    def file(self) -> str:
        """The name of a file of accession numbers; empty if they stand there themselves."""
        text = self["accession"]
        return text if text.lower().endswith(TABLES) else ""

    def take_focus(self) -> None:
        """Go on in the field that was left."""
        self._last.focus(scroll_visible=False)

    def clear(self) -> None:
        """Empty all fields."""
        for field in self._fields.values():
            field.value = ""
        self.say("")

    def say(self, text: str, *, wrong: bool = False) -> None:
        """Say something below the fields; with nothing to say, how to go on."""
        self.note.update(text or (HINT if self.in_use else ""))
        self.note.set_class(wrong, "wrong")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember the field; other keys mean something now."""
        if isinstance(event.widget, Field):
            self._last = event.widget
        self._anontui.front.keybar.refresh()

    def on_descendant_blur(self) -> None:
        """Other keys mean something now."""
        self._anontui.front.keybar.refresh()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Count the numbers."""
        event.stop()
        count = 0 if self.file else len(self.numbers)
        self.say(f"{count:,} accession numbers" if count > 1 else "")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter searches."""
        event.stop()
        self.post_message(self.Left(search=True))

    def on_key(self, event: events.Key) -> None:
        """Move among the fields, leave, or do what the key is bound to; the rest is text."""
        fields = list(self._fields.values())
        step = {"tab": 1, "shift+tab": -1, "down": 2, "up": -2}.get(event.key)
        if event.key == "escape":
            event.stop()
            self.post_message(self.Left(search=False))
        elif step is not None:
            event.stop()
            event.prevent_default()
            at = fields.index(self._last) + step
            if at >= len(fields) and event.key == "down":
                self.post_message(self.Left(search=False))
            else:
                fields[at % len(fields)].focus(scroll_visible=False)
        elif not event.is_printable and event.key != "enter":
            action = self._anontui.registry.for_key(event.key, "search")
            if action is not None and action.pane == "search":
                event.stop()
                event.prevent_default()
                self._anontui.run_action_named(action)

    @property
    def _anontui(self) -> AnonTUI:
        from anontui.tui.app import AnonTUI

        assert isinstance(self.app, AnonTUI)  # noqa: S101 - tells the type checker
        return self.app
