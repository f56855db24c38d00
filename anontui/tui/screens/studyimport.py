"""The plan of an import: which studies, through which server, into which project, to where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from anontui.tui.panes.studies import day
from anontui.tui.screens.dialog import Dialog
from anontui.tui.widgets.grid import Cell, Column, Grid

if TYPE_CHECKING:
    from anontui.idis.archives import FoundAnswer


@dataclass(frozen=True)
class Target:
    """Into which project, and to which folder or archive."""

    project: str
    destination: str


class _Rows:
    def __init__(self, studies: Sequence[FoundAnswer]) -> None:
        self._studies = studies

    def __len__(self) -> int:
        return len(self._studies)

    def key(self, index: int) -> str:
        """The study's UID."""
        return self._studies[index].study

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Accession number, date, what, counts, how much is imported already."""
        study = self._studies[index]
        return [
            study.accession,
            day(study.date),
            study.description,
            "" if study.series_count is None else str(study.series_count),
            "" if study.instances is None else f"{study.instances:,}",
            Cell(f"⚠ {study.imported:,} before", "warn") if study.imported else "",
        ]


class StudyImportScreen(Dialog[Target]):
    """Shows the plan; Enter imports.

    Parameters
    ----------
    studies
        What will be imported.
    archive, server
        Where they are, and who fetches them.
    target
        What is proposed.
    left_out
        How many of the marked studies are left to the mapping.
    """

    COLUMNS = (
        Column("accession", "accession", 14, min_width=8),
        Column("date", "date", 10, min_width=10),
        Column("description", "description", None, min_width=8),
        Column("series", "ser", 4, min_width=3, right=True),
        Column("instances", "inst", 6, min_width=4, right=True),
        Column("imported", "imported", 16, min_width=12),
    )

    def __init__(
        self,
        studies: Sequence[FoundAnswer],
        archive: str,
        server: str,
        target: Target,
        left_out: int,
    ) -> None:
        super().__init__("Import: nothing has been sent yet", "enter import · tab next · esc back")
        self._studies = studies
        count, total = len(studies), sum(one.instances or 0 for one in studies)
        series = sum(one.series_count or 0 for one in studies)
        what = f" ({series:,} series, {total:,} instances)" if total else ""
        self._question = (
            f"Import {count:,} stud{'y' if count == 1 else 'ies'}{what} "
            f"from {archive} through {server}?"
        )
        self._meaning = "The project gives the pseudonyms."
        if left_out:
            self._meaning += f" {left_out:,} more in the mapping: create their jobs there."
        self._project = Input(target.project, compact=True, select_on_focus=False)
        self._target = Input(
            target.destination,
            placeholder=r"\\server\share\folder, or the name of an archive",
            compact=True,
            select_on_focus=False,
        )
        self._wrong = Static("", classes="problem", markup=False)
        self._wrong.display = False
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """Question, what it means, where to, studies."""
        fields = (("project", self._project), ("to", self._target))
        lines = [Horizontal(Label(f"{n:>8} "), field, classes="field") for n, field in fields]
        question = Static(self._question, classes="question", markup=False)
        meaning = Static(self._meaning, classes="meaning", markup=False)
        grid = Grid(self.COLUMNS, _Rows(self._studies))
        return [question, meaning, *lines, self._wrong, grid]

    def on_input_submitted(self) -> None:
        """Enter imports, if it is said where to."""
        target = Target(self._project.value.strip(), self._target.value.strip())
        missing = [n for n, v in (("project", target.project), ("to", target.destination)) if not v]
        if missing:
            self._wrong.update(f"Fill in: {', '.join(missing)}")
            self._wrong.display = True
        else:
            self.dismiss(target)
            return
        (self._target if target.project else self._project).focus()

    def on_grid_activated(self) -> None:
        """Enter means the same in the list."""
        self.on_input_submitted()
