"""An input file before its rows are taken: which column is what, and what is passed over."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.widget import Widget
from textual.widgets import Static

from anontui.errors import ProjectError
from anontui.project.inputfile import (
    ACCESSION_NUMBER,
    PATH,
    PSEUDO_NAME,
    InputTable,
    Sheet,
    guessed,
    table_of,
)
from anontui.tui.screens.dialog import Dialog
from anontui.tui.widgets.grid import Cell, Column, Grid

WORDS = {PATH: "folder", ACCESSION_NUMBER: "accession number", PSEUDO_NAME: "pseudonym"}
_TURNS: tuple[str | None, ...] = (None, PATH, ACCESSION_NUMBER, PSEUDO_NAME)


class SampleRows:
    """What each column is taken for, and the file's rows."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.kinds: dict[int, str] = {}
        self.passed: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.sheet.rows) + 1

    def key(self, index: int) -> int:
        """The row's number in the file; 0 for the line that says what the columns are."""
        return self.sheet.rows[index - 1].number if index else 0

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Number, then the cells; what counts stands out."""
        width = len(self.sheet.header)
        if not index:
            kinds = [self.kinds.get(at) for at in range(width)]
            said = [Cell(f"▸ {WORDS[k]}", "good") if k else Cell("not used", "dim") for k in kinds]
            return [Cell("", "dim"), *said]
        row = self.sheet.rows[index - 1]
        number = Cell(str(row.number), "dim")
        if row.number in self.passed:
            number = Cell(f"⚠ {row.number}", "warn")
        texts = [*row.cells[:width], *[""] * (width - len(row.cells))]
        return [number, *(Cell(t, "" if at in self.kinds else "dim") for at, t in enumerate(texts))]


def _one_source(sheet: Sheet) -> dict[str, int]:
    """Guess; where there are folders and accession numbers, that which fewer rows lack."""
    places = guessed(sheet)
    if PATH in places and ACCESSION_NUMBER in places:
        filled = {
            kind: sum(bool("".join(row.cells[places[kind] :][:1]).strip()) for row in sheet.rows)
            for kind in (PATH, ACCESSION_NUMBER)
        }
        del places[min(filled, key=lambda kind: filled[kind])]
    return places


def _in_words(reason: str) -> str:
    for kind, word in WORDS.items():
        reason = reason.replace(f"no {kind}", f"no {word}")
    return reason


class ImportScreen(Dialog[InputTable]):
    """Shows a file's columns; space says of the cursor's what it is.

    Parameters
    ----------
    name
        The file's name.
    sheet
        Its table.
    """

    def __init__(self, name: str, sheet: Sheet) -> None:
        super().__init__(
            f"Import {name}", "← → column · space what it is · enter take the rows · esc"
        )
        self._rows = SampleRows(sheet)
        try:
            self._rows.kinds = {at: kind for kind, at in _one_source(sheet).items()}
        except ProjectError as error:  # two columns of one kind: the user says which
            self._doubt = error.sentence()
        else:
            self._doubt = ""
        self._word = Static(classes="question", markup=False)
        self._detail = Static(classes="detail", markup=False)
        self._table: InputTable | None = None
        self.add_class("wide")

    def parts(self) -> list[Widget]:
        """What comes of it, the sample, what is passed over."""
        header = self._rows.sheet.header
        columns = [
            Column("row", "row", 6, right=True),
            *(
                Column(f"c{at}", name.strip() or "(no name)", None, min_width=10)
                for at, name in enumerate(header)
            ),
        ]
        self._grid = Grid(columns, self._rows, cell_cursor=True)
        self._grid.move_cursor(column=min(self._rows.kinds, default=0) + 1)
        return [self._word, self._grid, self._detail]

    def on_mount(self) -> None:
        """Tell what comes of it."""
        self._look()

    def _look(self) -> None:
        rows = self._rows
        places = {kind: at for at, kind in rows.kinds.items()}
        self._table, rows.passed = None, {}
        missing = self._doubt or "Say which column has the folders or the accession numbers (space)"
        if PATH in places and ACCESSION_NUMBER in places:
            missing = "Take the folders or the accession numbers, not both"
        elif PATH in places or ACCESSION_NUMBER in places:
            table, passed = table_of(rows.sheet, places)
            rows.passed = dict(passed)
            count = len(table.rows)
            what = WORDS[PATH if PATH in places else ACCESSION_NUMBER]
            with_ = " with pseudonyms" if PSEUDO_NAME in places else ", without pseudonyms"
            missing = f"{count} {what}{'s'[: count != 1]}{with_}"
            self._table = table if count else None
        self._word.update(f"{'✔' if self._table else '✖'} {missing}")
        self._detail.update(self._passed())
        self._grid.refresh_rows([rows.key(at) for at in range(min(len(rows), 1000))])

    def _passed(self) -> str:
        rows = self._rows
        unused = [
            name.strip() or "(no name)"
            for at, name in enumerate(rows.sheet.header)
            if at not in rows.kinds
        ]
        words = []
        passed = [f"what is above row {rows.sheet.number}"] if rows.sheet.number > 1 else []
        if rows.passed:
            some = [f"row {at} {_in_words(why)}" for at, why in list(rows.passed.items())[:3]]
            more = f" and {len(rows.passed) - 3} more" if len(rows.passed) > 3 else ""
            passed.append(f"{'; '.join(some)}{more}")
        if passed:
            words.append(f"Passed over: {'; '.join(passed)}.")
        if unused:
            words.append(f"Not used: {', '.join(unused)}.")
        return " ".join(words)

    def on_key(self, event: events.Key) -> None:
        """Say what a column is; take the rows."""
        if event.key == "enter":
            event.prevent_default()
            if self._table is not None:
                self.dismiss(self._table)
        elif event.key == "space":
            self._turn(self._grid.cursor_column - 1)
        else:
            return
        event.stop()

    def _turn(self, at: int) -> None:
        """Take a column for the next thing that no other is taken for."""
        if at < 0:
            return
        kinds, self._doubt = self._rows.kinds, ""
        free = [k for k in _TURNS if k is None or k not in kinds.values() or kinds.get(at) == k]
        kind = free[(free.index(kinds.get(at)) + 1) % len(free)]
        kinds.pop(at, None)
        if kind is not None:
            kinds[at] = kind
        self._look()
