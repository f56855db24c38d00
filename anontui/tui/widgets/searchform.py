"""What to look for in an archive: six fields in three lines, and a line that says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label, Static

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI

TABLES = (".xlsx", ".csv", ".txt")
STEPS = {"tab": 1, "shift+tab": -1, "down": 2, "up": -2}
HINT = "enter searches · tab goes to the next field · esc to the list"
_LINES = (
    (("accession", "numbers, or a file of them: list.xlsx"), ("modality", "CT")),
    (("patient id", "* and ? are wildcards"), ("name", "Family^*")),
    (("dates", "2024, 2024-03, 2024-03-01, 2022-2024"), ("study uid", "1.2.840…")),
)
"""The fields of each line, and what shows in them while they are empty."""


class Field(Input):
    """A field that takes a pasted column of a spreadsheet whole, as words."""

    known = ""
    """What stood in it when the form looked last."""

    def __init__(self, form: SearchForm, name: str, hint: str) -> None:
        super().__init__(
            placeholder=hint, compact=True, select_on_focus=False, id=name.replace(" ", "-")
        )
        self._form = form

    def on_paste(self, event: events.Paste) -> None:
        """Take all lines, not the first alone."""
        event.prevent_default()
        event.stop()
        self.replace(" ".join(event.text.split()), *self.selection)
        self._form.edited(self)


class SearchForm(Vertical):
    """The form; its screen gives it the keys.

    Parameters
    ----------
    leave
        Gives the keys back.
    """

    def __init__(self, leave: Callable[[], object]) -> None:
        super().__init__(classes="form")
        self.leave = leave
        self._fields = {name: Field(self, name, hint) for line in _LINES for name, hint in line}
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
        return self.is_attached and isinstance(self.screen.focused, Field)

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
        self._focus(self._last)

    def clear(self) -> None:
        """Empty all fields."""
        for field in self._fields.values():
            field.value = field.known = ""
        self.say("")

    def say(self, text: str, *, wrong: bool = False) -> None:
        """Say something below the fields; with nothing to say, how to go on."""
        self.note.update(text or (HINT if self.in_use else ""))
        self.note.set_class(wrong, "wrong")

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember the field that the mouse chose; other keys mean something now."""
        if isinstance(event.widget, Field) and event.widget is self.screen.focused:
            self._last = event.widget
        self._anontui.front.keybar.redraw()

    def on_descendant_blur(self) -> None:
        """Other keys mean something now."""
        self._anontui.front.keybar.redraw()

    async def press(self, event: events.Key) -> bool:
        """Take a key at once, so that none that was typed fast overtakes another.

        Returns
        -------
        bool
            False if it means nothing here.
        """
        app, field, fields = self._anontui, self._last, list(self._fields.values())
        if event.key in STEPS:
            at = fields.index(field) + STEPS[event.key]
            if at >= len(fields) and event.key == "down":
                self.leave()
            else:
                self._focus(fields[at % len(fields)])
            return True
        action = app.registry.for_key(event.key, "search")
        if event.is_printable and event.character:
            field.replace(event.character, *field.selection)
        elif action is not None and (action.pane or action.id == "app.back"):
            app.run_action_named(action)
        else:
            bindings = field._bindings.key_to_bindings.get(event.key, ())
            if not any([await app.run_action(binding.action, field) for binding in bindings]):
                return False
        self.edited(field)
        return True

    def edited(self, field: Field) -> None:
        """Count the numbers that stand there now."""
        if field.value != field.known:
            field.known = field.value
            count = 0 if self.file else len(self.numbers)
            self.say(f"{count:,} accession numbers" if count > 1 else "")

    def _focus(self, field: Field) -> None:
        self._last = field
        self.screen.set_focus(field, scroll_visible=False)

    @property
    def _anontui(self) -> AnonTUI:
        from anontui.tui.app import AnonTUI

        assert isinstance(self.app, AnonTUI)  # noqa: S101 - tells the type checker
        return self.app
