"""The files that the active server holds back, for its admins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from anontui.errors import AnonTUIError, CallRefused
from anontui.tui.screens.stage import TableStage
from anontui.tui.widgets.grid import Cell, Column

if TYPE_CHECKING:
    from anontui.operations.quarantine import HeldFile
    from anontui.settings import Server
    from anontui.tui.boxes import Boxes

SIGNS = {
    "waiting": ("◌ waiting", "warn"),
    "released": ("✔ released", "good"),
    "rejected": ("⊘ rejected", "dim"),
}


class HeldRows:
    """Held files as rows."""

    def __init__(self, files: Sequence[HeldFile]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def key(self, index: int) -> str:
        """The entry's id."""
        return self.files[index].id

    def cells(self, index: int) -> Sequence[str | Cell]:
        """State, job, project, when, why, size."""
        from anontui.tui.panes.files import human

        one = self.files[index]
        reason = one.reason or one.code
        return [
            Cell(*SIGNS.get(one.state, (one.state, ""))),
            str(one.job_id),
            one.project,
            Cell(one.time[:16].replace("T", " "), "dim"),
            Cell(reason, "" if one.state == "waiting" else "dim"),
            Cell(human(one.size), "dim"),
        ]


class QuarantineScreen(TableStage):
    """The list; Enter looks at a file, and the marked ones are decided on together."""

    scope = "quarantine"
    label = "Held files"
    columns = (
        Column("state", "state", 10),
        Column("job", "job", 6, right=True),
        Column("project", "project", 20, min_width=8),
        Column("since", "held since", 16, min_width=10),
        Column("why", "why", None, min_width=20),
        Column("size", "size", 8, right=True),
    )
    dropped = frozenset({"project", "size"})
    filter_words = "filter, as why:ultrasound job:1041 or state:waiting"

    def __init__(self, server: Server) -> None:
        super().__init__(f"Asking {server.name}…")
        self.server = server
        self.state = "waiting"
        self.files: dict[str, HeldFile] = {}
        self.loaded = False
        self.drawn: dict[str, Boxes] = {}
        """Boxes by the ids of files that were looked at and left."""

    def begin(self) -> None:
        """Ask the server."""
        super().begin()
        self.ask()

    def about(self) -> list[str | tuple[str, str]]:
        """How many there are, of which state."""
        if not self.loaded:
            return [("…", "$text-muted")]
        count = len(self.files)
        word = {"waiting": "waiting for a decision", "": "waiting and decided"}[self.state]
        return [f"{count} {word}", *self.counted()]

    def ask(self) -> None:
        """Ask for the list again."""
        from anontui.tui.acts.quarantine import with_client

        state = self.state

        def work() -> list[HeldFile]:
            from anontui.operations.quarantine import held_files

            return with_client(
                self.anontui, self.server, lambda client: held_files(client, state=state)
            )

        self.anontui.start("held", work, self._show, self._failed, f"Asking {self.server.name}")

    def switch_decided(self) -> None:
        """Show those that were decided on too, or only those that wait."""
        self.state = "" if self.state else "waiting"
        self.ask()

    def _show(self, files: list[HeldFile]) -> None:
        if not self.is_attached:
            return
        self.loaded = True
        self.files = {one.id: one for one in files}
        empty = (
            f"✔ Nothing waits on {self.server.name}.\n\n"
            "What a policy's filters hold back comes here.\n"
            "{quarantine.decided} shows what was decided before."
        )
        self.show_rows(HeldRows(files), empty)

    def _failed(self, error: AnonTUIError) -> None:
        if self.is_attached:
            self.loaded = True
            self.files = {}
            self.show_problem(only_admins(error, self.server.name, "look at held files"))

    def cursor_moved(self) -> None:
        """Tell all of the file under the cursor."""
        one = self.files.get(str(self.grid.cursor_key))
        if one is None:
            self.detail.update("")
            return
        words = [f"{one.id} · {one.project} · {one.reason or one.code}"]
        if one.who:
            words.append(f"{one.state} by {one.who}{f': {one.note}' if one.note else ''}")
        elif one.has_copy:
            words.append(
                self.anontui.registry.with_keys(
                    "{quarantine.show} shows the picture. It may show who the patient is."
                )
            )
        else:
            words.append("The server has no copy of it: look at its source.")
        self.detail.update("\n".join(words))
        self.refresh_lines()

    # -- needs and deeds -----------------------------------------------------------------

    def activated(self) -> None:
        """A double click looks at the file, if that may be."""
        self.anontui.run_action_named(self.anontui.registry.actions["quarantine.show"])

    def no_copy(self) -> str:
        """Need: a file under the cursor that can be looked at."""
        one = self.files.get(str(self.grid.cursor_key))
        if one is None:
            return "there is no file"
        return "" if one.has_copy else "the server has no copy of it (any more)"

    def none_waits(self) -> str:
        """Need: a file that waits, marked or under the cursor."""
        return "" if self.waiting() else "no file that waits is chosen"

    def waiting(self) -> list[str]:
        """The ids that an action is about: what is marked or under the cursor, and waits."""
        chosen = [self.files[key] for key in self.chosen() if key in self.files]
        return [one.id for one in chosen if one.state == "waiting"]

    def order(self) -> list[HeldFile]:
        """The files as they are shown, for going from one to the next."""
        rows = self.rows()
        indices = self.grid.order if self.grid.order is not None else range(len(rows))
        return [self.files[str(rows.key(at))] for at in indices]


def only_admins(error: AnonTUIError, server: str, what: str) -> AnonTUIError:
    """Say it plainly where a server refuses somebody who is no admin."""
    if isinstance(error, CallRefused) and "is for admins" in error.message:
        return AnonTUIError(
            f"Only admins of {server} may {what}",
            advice="Ask whoever runs it: anontui serve user add NAME --role admin",
        )
    return error
