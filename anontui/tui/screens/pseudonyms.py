"""Pseudonyms that are made up, shown before they are taken over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import events
from textual.widget import Widget
from textual.widgets import Input, Static

from anontui.errors import AnonTUIError
from anontui.operations.pseudonyms import Proposals, propose
from anontui.tui.screens.dialog import Dialog
from anontui.tui.table import AT_ONCE
from anontui.tui.widgets.grid import Cell, Column, Grid

if TYPE_CHECKING:
    from anontui.operations.workspace import Workspace
    from anontui.project.mapping import Mapping
    from anontui.tui.worker import Task


class ProposalRows:
    """A row for each pseudonym that would be given."""

    def __init__(self, found: Proposals) -> None:
        self._found = found.rows

    def __len__(self) -> int:
        return len(self._found)

    def key(self, index: int) -> int:
        """The mapping's row."""
        return self._found[index].row

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Number, source, what it has, what it would get."""
        one = self._found[index]
        return [
            Cell(str(one.row + 1), "dim"),
            one.source,
            Cell(one.before or "–", "dim"),
            Cell(one.pseudonym, "good"),
        ]


class PseudonymScreen(Dialog[Proposals]):
    """A recipe is typed, and what would come of it shows at once.

    Parameters
    ----------
    workspace, mapping, rows, taken
        As for :func:`~anontui.operations.pseudonyms.propose`.
    unknown
        How many jobs there are of which the server has not told yet.
    """

    def __init__(
        self,
        workspace: Workspace,
        mapping: Mapping,
        rows: Collection[int] | None,
        taken: Collection[str],
        *,
        unknown: int = 0,
    ) -> None:
        super().__init__(
            "Make up pseudonyms", "enter give them · ^r also new ones for rows that have one · esc"
        )
        self._workspace, self._mapping, self._about, self._taken = workspace, mapping, rows, taken
        self._replace, self._unknown = False, unknown
        self._found: Proposals | None = None
        self._working: Task | None = None
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """The recipe, what it means, and what would come of it."""
        help_ = (
            "A pattern (# for each digit of a number): LUNG-###     8 letters and digits: random\n"
            "A list, one on each line: the name of a .txt, .csv or .xlsx file"
        )
        columns = (
            Column("row", "row", 5, right=True),
            Column("source", "source", None, min_width=16),
            Column("before", "has", 12),
            Column("pseudonym", "would get", 16),
        )
        self._recipe = Input(_likely(self._mapping), compact=True, select_on_focus=False)
        self._word = Static(classes="meaning", markup=False)
        self._grid = Grid(columns, empty="No row would get one.")
        return [
            Static(help_, classes="meaning", markup=False),
            self._recipe,
            self._word,
            self._grid,
        ]

    def on_mount(self) -> None:
        """Show what the first recipe gives."""
        self._look()

    def on_input_changed(self) -> None:
        """Show what would come of it."""
        self._look()

    def _look(self) -> None:
        """Work it out, in the background where the rows are many."""
        if self._working is not None:
            self._working.replace()
            self._working = None
        self._found = None
        work = partial(
            propose,
            self._workspace,
            self._mapping,
            self._recipe.value,
            rows=self._about,
            replace=self._replace,
            taken=self._taken,
        )
        if len(self._mapping.records) > AT_ONCE:
            self._word.update("…")
            app: Any = self.app
            self._working = app.start("propose", work, self._show, self._fail, label="Making up")
            return
        try:
            self._show(work())
        except AnonTUIError as error:
            self._fail(error)

    def _fail(self, error: AnonTUIError) -> None:
        self._word.update(f"✖ {error.sentence()}")
        self._grid.set_rows(ProposalRows(Proposals(())))

    def _show(self, found: Proposals) -> None:
        self._found = found
        count = len(found.rows)
        words = [f"{count} row{'s'[: count != 1]} would get one"]
        words += [f"{found.kept} keep theirs"] if found.kept else []
        words += [f"{found.sourceless} have no source"] if found.sourceless else []
        about = " of the marked rows" if self._about is not None else ""
        unknown = (
            f" ⚠ {self._unknown} jobs are not known yet; one of them may have the same."
            if self._unknown
            else ""
        )
        self._word.update(f"{', '.join(words)}{about}.{unknown}")
        self._grid.set_rows(ProposalRows(found))

    def on_key(self, event: events.Key) -> None:
        """Arrows look through the rows; ^r also replaces."""
        match event.key:
            case "ctrl+r":
                self._replace = not self._replace
                self._look()
            case "down" | "up":
                self._grid.action_move(1 if event.key == "down" else -1)
            case "pagedown" | "pageup":
                self._grid.action_page(1 if event.key == "pagedown" else -1)
            case _:
                return
        event.stop()

    def on_input_submitted(self) -> None:
        """Take them over, if they are in order."""
        if self._found is not None and self._found.rows:
            self.dismiss(self._found)


def _likely(mapping: Mapping) -> str:
    """Return the pattern that the pseudonyms follow already, or a first one."""
    for row in range(min(len(mapping.records), 1000)):
        name = mapping.cell(row, "pseudo_id") or mapping.cell(row, "pseudo_name")
        head = name.rstrip("0123456789")
        if name != head and "#" not in head:
            return head + "#" * (len(name) - len(head))
    return "PATIENT-###"
