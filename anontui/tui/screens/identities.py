"""Who is who on the active server, for its admins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Label

from anontui.errors import AnonTUIError
from anontui.tui.screens.quarantine import only_admins
from anontui.tui.screens.stage import TableStage
from anontui.tui.widgets.grid import Cell, Column
from anontui.tui.widgets.view import NoRows

if TYPE_CHECKING:
    from anontui.operations.identities import Person
    from anontui.settings import Server

HINT = (
    "Type an id, a name, a UID, an accession number or a pseudonym, then enter.\n\n"
    "Upper and lower case are alike; * stands for any characters, such as LUNG-0*\n\n"
    "Every look-up is in the server's audit."
)


class PersonRows:
    """Studies of patients as rows."""

    def __init__(self, people: Sequence[Person]) -> None:
        self.people = people

    def __len__(self) -> int:
        return len(self.people)

    def key(self, index: int) -> int:
        """The place in the answer."""
        return index

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Pseudonym, patient, name, date, accession, instances, project."""
        one = self.people[index]
        return [
            Cell(one.pseudonym, "accent"),
            one.patient,
            one.name,
            Cell(one.date, "dim"),
            one.accession,
            Cell(one.instances, "dim"),
            Cell(one.project, "dim"),
        ]


class IdentitiesScreen(TableStage):
    """A field to ask in, and the answer below it."""

    scope = "identities"
    label = "Who is who"
    shows_identity = True
    columns = (
        Column("pseudonym", "pseudonym", 14, min_width=8),
        Column("patient", "patient id", 14, min_width=8),
        Column("name", "name", None, min_width=10),
        Column("date", "date", 10, min_width=8),
        Column("accession", "accession", 16, min_width=8),
        Column("instances", "files", 6, right=True),
        Column("project", "project", 20, min_width=6),
    )
    DEFAULT_CSS = """
    IdentitiesScreen .ask { height: 1; margin: 1 2; }
    IdentitiesScreen .ask Input { width: 1fr; }
    IdentitiesScreen .detail { height: 5; }
    """

    def __init__(self, server: Server) -> None:
        super().__init__(HINT)
        self.server = server
        self.found: list[Person] | None = None
        self.field = Input(placeholder="whom to look up", compact=True)

    def parts(self) -> ComposeResult:
        """Field, table, details."""
        with Horizontal(classes="ask"):
            yield Label(" look up ")
            yield self.field
        yield from super().parts()

    def begin(self) -> None:
        """Begin in the field."""
        self.field.focus()

    def about(self) -> list[str | tuple[str, str]]:
        """How many were found."""
        if self.found is None:
            return []
        count = len(self.found)
        return [f"{count} stud{'y' if count == 1 else 'ies'} found", *self.counted()]

    def state_line(self) -> list[str | tuple[str, str]]:
        """Beside the server: whose eyes this is for."""
        return [("shows who patients are  ", "bold $warning"), *super().state_line()]

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask the server."""
        from anontui.tui.acts.quarantine import with_client

        text = event.value

        def work() -> list[Person]:
            from anontui.operations.identities import find

            return with_client(self.anontui, self.server, lambda client: find(client, text))

        def done(found: list[Person]) -> None:
            if self.is_attached:
                self.found = found
                empty = "Nobody is found.\n\nParts of a text are found with *, such as: Jan*"
                self.show_rows(PersonRows(found), empty)
                if found:
                    self.grid.focus()

        def failed(error: AnonTUIError) -> None:
            if self.is_attached:
                self.found = None
                self.show_problem(only_admins(error, self.server.name, "look up who is who"))

        self.show_rows(NoRows(), f"Asking {self.server.name}…")
        self.anontui.start("held", work, done, failed)

    async def take_in_field(self, event: events.Key) -> bool:
        """From the field down into the answer, or out; what types nothing has its meaning."""
        if self.focused is not self.field:
            return False
        if event.key in ("down", "tab"):
            if len(self.rows()):
                self.grid.focus()
            return True
        is_text = event.is_printable or event.key in self.field._bindings.key_to_bindings
        return not is_text and event.key != "ctrl+q" and await self.do_key(event.key, None)

    def ask_again(self) -> None:
        """Go back to the field."""
        self.field.focus()

    def cursor_moved(self) -> None:
        """Tell all of the study under the cursor."""
        key = self.grid.cursor_key
        if not self.found or not isinstance(key, int):
            self.detail.update("")
            return
        one = self.found[key]
        offset = f"{one.offset} days" if one.offset else ""
        pairs = (
            ("study", f"{one.study}  →  {one.new_study}"),
            ("date", f"{one.date}  moved by {offset}" if offset else one.date),
            ("series", f"{one.series}, {one.instances} files in {one.project}"),
        )
        lines = [
            Content.assemble((f"{name:>8}  ", "$text-muted"), (t, "$text")) for name, t in pairs
        ]
        self.detail.update(Content("\n").join(lines))

    def export(self) -> None:
        """Say how everybody is exported: no web API gives that out."""
        from anontui.tui.acts.common import show_text

        show_text(
            self.anontui,
            "Export of all identities",
            Content(
                "No server gives the whole table out over the network.\n\n"
                f"Whoever runs {self.server.name} writes it on its own machine, to a file that\n"
                "only they can read (the PHI index of RSNA's DICOM Anonymizer, CSV):\n\n"
                "    anontui identities export FILE --data FOLDER\n\n"
                "The folder is the one that the server was started with."
            ),
        )
