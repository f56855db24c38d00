"""What is looked for in an archive, and what was found: studies, and their series below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.app import ComposeResult

from anontui.errors import AnonTUIError
from anontui.tui.filtering import sort_key
from anontui.tui.panes.archives import trouble, wrapped
from anontui.tui.panes.pane import Pane
from anontui.tui.widgets.columns import Cell, Column
from anontui.tui.widgets.searchform import SearchForm

if TYPE_CHECKING:
    from pathlib import Path

    from anontui.idis.archives import Found, FoundAnswer
    from anontui.idis.model import Job
    from anontui.operations.archives import Search
    from anontui.tui.screens.pacs import PacsScreen
    from anontui.tui.worker import Task

MOST = 5_000
"""Studies that are shown at most."""
HOW = "Nothing was looked for yet.\n\nFill in the form (f) and press enter."
NOTHING = (
    "{node} has no study like that.\n\n"
    "Ask for less: fewer fields, more days,\n* for what may differ. f goes to the form."
)
ASKING = "Asking {node}…\n\nesc cancels."
AGAIN = "Enter in the form (f) searches again."
CANCELLED = f"The search was cancelled.\n\n{AGAIN}"


class Key(NamedTuple):
    """What names a row: a study, or one of its series."""

    study: str
    series: str = ""


class StudyRows:
    """Studies, each with its series below it while it is open."""

    def __init__(
        self,
        studies: Sequence[FoundAnswer],
        series: dict[str, tuple[FoundAnswer, ...]],
        jobs: dict[str, Job],
    ) -> None:
        self.answers: list[FoundAnswer] = []
        for study in studies:
            self.answers += [study, *series.get(study.study, ())]
        self._open, self._jobs = series, jobs

    def __len__(self) -> int:
        return len(self.answers)

    def key(self, index: int) -> Key:
        """Study, and series if it is one."""
        one = self.answers[index]
        return Key(one.study, one.series)

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Patient, study, counts, and how much of it is imported."""
        one = self.answers[index]
        count = "" if one.instances is None else f"{one.instances:,}"
        if one.series:
            number = "" if one.number is None else str(one.number)
            name = Cell(f"  └ {number}", "dim")
            what = Cell(one.description, "dim")
            return [name, "", "", "", what, Cell(one.modality, "dim"), "", Cell(count, "dim"), ""]
        sign = "▾" if one.study in self._open else "▸"
        return [
            f"{sign} {one.patient_id}",
            one.patient_name.replace("^", " ").strip(),
            day(one.date),
            one.accession,
            one.description,
            "/".join(one.modalities),
            "" if one.series_count is None else str(one.series_count),
            count,
            imported(one, self._jobs.get(one.study) or self._jobs.get(one.accession)),
        ]


def day(date: str) -> str:
    """A date as people read it: ``20240301`` → ``2024-03-01``."""
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 else date


def imported(study: FoundAnswer, job: Job | None) -> Cell:
    """How many of a study's instances the server has had, or how far its job is."""
    if job is not None and not job.status.is_final:
        down = job.files_downloaded or 0
        return Cell(f"◐ {down:,}", "busy") if down else Cell("◌ waiting", "dim")
    if not study.imported:
        return Cell("", "")
    if study.instances is None or study.imported >= study.instances:
        return Cell(f"✔ {study.imported:,}", "good")
    return Cell(f"◑ {study.imported:,}", "warn")


class StudiesPane(Pane):
    """Search form and results."""

    shows_identity = True
    not_sorted = "series stand below their study; studies sort by themselves"
    label = "Studies"
    number = 2
    columns = (
        Column("patient", "patient id", 14, min_width=10),
        Column("name", "name", None, min_width=9),
        Column("date", "date", 10, min_width=10),
        Column("accession", "accession", 16, min_width=8),
        Column("description", "description", None, min_width=7),
        Column("mod", "mod", 6, min_width=3),
        Column("series", "ser", 4, min_width=3, right=True),
        Column("instances", "inst", 6, min_width=4, right=True),
        Column("imported", "imported", 9, min_width=8),
    )
    empty = HOW

    def __init__(self) -> None:
        super().__init__()
        self.form = SearchForm(self.leave_form)
        self.studies: list[FoundAnswer] = []
        self.series: dict[str, tuple[FoundAnswer, ...]] = {}
        self.not_found: tuple[str, ...] = ()
        self.source = ""
        """The archive that has what is shown."""
        self.asked_file: Path | None = None
        """The file that the accession numbers came from."""
        self._wanted: Search | None = None
        self._more = self._failed = False
        self._words = HOW
        self._asked: Task | None = None
        self._sorted = -1, False

    @property
    def keys(self) -> str:
        """Other keys mean something while the form is typed in."""
        return "search" if self.form.in_use else "studies"

    def take_focus(self) -> None:
        """Take the keys: in the form until something was found, and while it is typed in."""
        if self.form.in_use:
            return
        if self.studies:
            super().take_focus()
        else:
            self.form.take_focus()

    def leave_form(self) -> None:
        """Go from the form to what was found."""
        self.screen.set_focus(self.grid, scroll_visible=False)

    def compose(self) -> ComposeResult:
        """The form above what was found."""
        yield self.form
        yield from super().compose()

    @property
    def _pacs(self) -> PacsScreen:
        from anontui.tui.screens.pacs import PacsScreen

        assert isinstance(self.screen, PacsScreen)  # noqa: S101 - tells the type checker
        return self.screen

    def rows(self) -> StudyRows:
        """What was found."""
        return StudyRows(self.studies, self.series, self._pacs.imports.by_source())

    def title(self) -> list[str | tuple[str, str]]:
        """Which archive, how many studies; nothing of what they are."""
        node = self._pacs.archives.node() if self.is_attached else None
        parts: list[str | tuple[str, str]] = []
        if node is not None:
            sign, told = self._pacs.archives.rows().state(self._pacs.archives.echoes.get(node.name))
            tone = {"good": "$success", "bad": "$error"}.get(told.tone, "$text-muted")
            parts.append((f"{sign.text} {node.name}", tone))
        if self.is_searching:
            parts.append((f"searching {self.source}", "$warning"))
        elif self._failed:
            parts.append(("✖ the search failed", "$error"))
        elif self.studies:
            other = f" in {self.source}" if node is None or node.name != self.source else ""
            more = " of more" if self._more else ""
            parts.append((f"{len(self.studies):,}{more} found{other}", "$text"))
        if self.not_found:
            count = len(self.not_found)
            parts.append((f"{count:,} number{'s'[: count != 1]} not found", "$warning"))
        return parts

    def archive_changed(self) -> None:
        """Another archive is the one to search, or it told how it is doing; or there is none."""
        archives = self._pacs.archives
        self.grid.empty = self._words if archives.nodes else archives.grid.empty
        self.show_title()

    # -- searching -----------------------------------------------------------------------

    @property
    def is_searching(self) -> bool:
        """True while an archive is asked for studies."""
        return self._asked is not None

    def search(self, wanted: Search, file: Path | None = None) -> None:
        """Look for studies, perhaps of a file's numbers; what was found before goes."""
        self.cancel()
        node = self._pacs.archives.node()
        assert node is not None  # noqa: S101 - the action needs one
        self.source, self.asked_file, self._wanted = node.name, file, wanted

        def done(found: Found) -> None:
            if self._waits_for(task):
                self._end(found, NOTHING.format(node=node.name))
                self._pacs.searched()

        def failed(error: AnonTUIError) -> None:
            if self._waits_for(task):
                self._end(None, f"{wrapped(trouble(error))}\n\n{AGAIN}", failed=True)

        def dropped() -> None:
            if self._waits_for(task):
                self._end(None, CANCELLED)

        self._end(None, ASKING.format(node=node.name))
        task = self._asked = self._pacs.ask(wanted, node.name, done, failed, dropped)
        self.show_title()

    def _waits_for(self, task: Task) -> bool:
        """True if what comes of a task is still wanted: no newer one, and the app not closing."""
        return task is self._asked and self.is_attached

    def ask_imported(self) -> None:
        """Search once more without a word, to see what is imported now."""
        wanted, source, shown = self._wanted, self.source, self.studies
        if wanted is None or self.is_searching or not shown:
            return

        def done(found: Found) -> None:
            if self.studies is shown and self.is_attached:
                counts = {one.study: one for one in found.answers}
                self.studies = [counts.get(one.study, one) for one in shown]
                self.refresh_rows()

        self._pacs.ask(wanted, source, done, lambda _: None, lambda: None, label="")

    def cancel(self) -> bool:
        """Stop searching; False if nothing was searched for."""
        if self._asked is None:
            return False
        self._asked.cancel()
        self._end(None, CANCELLED)
        return True

    def forget(self) -> None:
        """Another server is asked from now on."""
        self.cancel()
        self._end(None, HOW)

    def _end(self, found: Found | None, empty: str, *, failed: bool = False) -> None:
        """Show what was found, or why there is nothing."""
        self._asked, self._failed = None, failed
        self.studies, self.series = list(found.answers) if found else [], {}
        self.not_found = found.not_found if found else ()
        self._more = found.more if found else False
        self._words = self.grid.empty = empty
        self._sort()

    def refresh_rows(self) -> None:
        """A study opened or closed, or a job of one went on."""
        self.grid.set_rows(self.rows())
        self.apply_filter()
        self.show_title()

    # -- rows ----------------------------------------------------------------------------

    def sort(self, *, reverse: bool = False) -> None:
        """Sort by the next column, or the other way round."""
        at, down = self._sorted
        self._sorted = (
            (at, not down) if reverse else ((at + 2) % (len(self.columns) + 1) - 1, False)
        )
        self._sort()

    def _sort(self) -> None:
        at, down = self._sorted
        if at >= 0:
            rows = StudyRows(self.studies, {}, {})
            cells = (rows.cells(row)[at] for row in range(len(rows)))
            texts = (cell if isinstance(cell, str) else cell.text for cell in cells)
            keys = {
                one.study: sort_key(text.replace(",", ""))  # a thousand is 1,000 there
                for one, text in zip(self.studies, texts, strict=True)
            }
            self.studies.sort(key=lambda one: keys[one.study], reverse=down)
        sign = "▼" if down else "▲"
        self.grid.columns = [
            replace(column, label=f"{column.label}{sign}") if n == at else column
            for n, column in enumerate(self.columns)
        ]
        self.refresh_rows()

    def toggle_series(self) -> None:
        """Show the series of the study under the cursor, or hide them."""
        study = self.key.study
        if study in self.series:
            del self.series[study]
            self.grid.move_cursor(key=Key(study))
            self.refresh_rows()
            return

        def done(found: Found) -> None:
            if self.is_attached and any(one.study == study for one in self.studies):
                self.series[study] = tuple(sorted(found.answers, key=lambda one: one.number or 0))
                self.refresh_rows()

        self._pacs.ask_series(study, self.source, done)

    def marked(self) -> list[FoundAnswer]:
        """The marked studies, else the one under the cursor; a marked series means its study."""
        wanted = {key.study for key in self.chosen()}
        return [one for one in self.studies if one.study in wanted]

    def activated(self) -> None:
        """A double click shows the series."""
        self.toggle_series()

    def none_found(self) -> str:
        """Need: a study under the cursor."""
        return "" if self.key is not None else "no study was found yet"

    def remember(self) -> dict[str, Any]:
        """Nothing: what was found is identity."""
        return {}
