"""The one way to change a mapping: edits with undo and redo, and a save that loses nothing.

An editor lives in one thread. What takes long is worked out in another, of a snapshot, and
taken over here: :meth:`~MappingEditor.write`, :meth:`~MappingEditor.compare`,
:meth:`~MappingEditor.reread` and :meth:`~MappingEditor.twin` may run anywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as Dict
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Lock

from anontui.errors import ProjectError
from anontui.project import aside
from anontui.project.aside import Outside, Places, Snapshot
from anontui.project.changes import (
    Change,
    History,
    RowsChange,
    Run,
    State,
    Step,
    TextChange,
    WholeChange,
    neighbours,
)
from anontui.project.checks import problems_of
from anontui.project.columns import KNOWN, canonical
from anontui.project.dialect import lines_of, split_fields
from anontui.project.disk import WatchedFile
from anontui.project.journal import Draft, Journal, Recovered
from anontui.project.mapping import Mapping, Part
from anontui.project.merge import merge
from anontui.project.sections import check_text
from anontui.project.table import rewrite
from anontui.unc import ShareMap


class MappingEditor:
    """A mapping being edited, and the file it came from.

    Every edit is checked before anything changes (:class:`ProjectError`), is one step of
    undo, and keeps no more than the rows that it touches. Rows are counted from 0.

    Attributes
    ----------
    keys
        A number for each row, which stays with the row wherever it goes.
    path
        Where it is saved.
    revision
        Grows with every change.
    shares
        Makes local paths right, see :meth:`problems`.
    journal
        Where each step is noted until it is saved; None: nowhere.
    """

    def __init__(self, mapping: Mapping, path: Path) -> None:
        self.path = path
        self.revision = 0
        self.shares = ShareMap()
        self.keys = list(range(len(mapping.records)))
        self._new_keys = count(len(self.keys))
        self._history = History(State(mapping, self.keys))
        self._saved: Step | None = _NEVER
        self._file = WatchedFile(path, "mapping", mapping.dumps())
        self._writing = Lock()
        self._written = 0
        self._base = self._copy()
        self.journal: Journal | None = None

    @classmethod
    def load(cls, path: Path) -> MappingEditor:
        """Read a mapping file to edit it (errors as :meth:`Mapping.load`)."""
        file = WatchedFile(path, "mapping", b"")
        stat = file.stat()  # before reading: a change in between shall be noticed
        data = file.read()
        file.note(data, stat)
        editor = cls(Mapping.loads(data), path)
        editor._file, editor._saved = file, None
        return editor

    @property
    def mapping(self) -> Mapping:
        """What the mapping says now; another object after :meth:`reload`."""
        return self._history.state.mapping

    @property
    def state(self) -> State:
        """The mapping with the keys of its rows."""
        return self._history.state

    def rows_of(self, keys: Collection[object]) -> list[int]:
        """Return where the rows with these keys are, in order."""
        wanted = frozenset(keys)
        return [row for row, key in enumerate(self.keys) if key in wanted]

    def problems(self, row: int, typed: Dict[str, str] | None = None) -> dict[str, str]:
        """Return what is wrong with a row (see :func:`problems_of`)."""
        return problems_of(self.mapping, row, self.shares, typed)

    # -- edits -----------------------------------------------------------------------

    def set_cell(self, row: int, name: str, value: str) -> None:
        """Set one cell; a known column that the mapping lacks is added."""
        self.set_cells([(row, name, value)])

    def set_cells(self, cells: Iterable[tuple[int, str, str]]) -> None:
        """Set cells (row, column, text) in one step, as paste and fill down do.

        Spaces around a cell mean nothing, so a text that differs by them only is no change.
        """
        wanted = self._changed_cells(cells)
        if not wanted:
            return
        changes, positions = self._columns_for(name for row in wanted.values() for name in row)
        records, delimiter, runs = self.mapping.records, self.mapping.delimiter, []
        for start, stop in neighbours(wanted):
            keys = self.keys[start:stop]
            new = [
                rewrite(
                    records[row],
                    {positions[name]: text for name, text in wanted[row].items()},
                    delimiter,
                )
                for row in range(start, stop)
            ]
            runs.append(Run(start, keys, records[start:stop], keys, new))
        count = sum(map(len, wanted.values()))
        row = next(iter(wanted))
        one = f"edit {next(iter(wanted[row]))} of row {row + 1}"
        label = one if count == 1 else f"edit {count} cells"
        self._do(label, [*changes, RowsChange(runs)])

    def _changed_cells(self, cells: Iterable[tuple[int, str, str]]) -> dict[int, dict[str, str]]:
        """The texts that differ from what is there, by row and column."""
        wanted: dict[int, dict[str, str]] = {}
        for row, name, text in cells:
            wanted.setdefault(row, {})[canonical(name)] = text
        changed = {}
        for row, texts in wanted.items():
            there = self.mapping.named(row)
            if other := {n: text for n, text in texts.items() if there.get(n, "") != text.strip()}:
                changed[row] = other
        return changed

    def insert_rows(self, at: int, rows: Iterable[Dict[str, str]]) -> range:
        """Insert rows (texts by column name) before row ``at``; returns where they are.

        A known column that the mapping lacks is added. A row without any text is not in
        the file when it is read again.
        """
        filled = [{name: value for name, value in row.items() if value} for row in rows]
        changes, positions = self._columns_for(name for row in filled for name in row)
        width = max(len(self.mapping.columns), *(at + 1 for at in positions.values()), 1)
        empty = dict.fromkeys(range(width), "")
        records = [
            rewrite(
                self.mapping.line_end,
                empty | {positions[canonical(name)]: value for name, value in row.items()},
                self.mapping.delimiter,
            )
            for row in filled
        ]
        return self._insert(at, records, "insert", changes)

    def duplicate_rows(self, rows: Iterable[int]) -> range:
        """Insert a copy of the rows below the last of them; returns where the copies are."""
        rows = sorted(set(rows))
        copies = [self._parted(self.mapping.records[row])[0] for row in rows]
        return self._insert(rows[-1] + 1 if rows else 0, copies, "duplicate", [])

    def delete_rows(self, rows: Iterable[int]) -> None:
        """Delete rows; comments and empty lines below them stay."""
        rows = set(rows)
        keys, records = self.keys, self.mapping.records
        changes: list[Change] = []
        runs = []
        for start, stop in neighbours(rows):
            below = "".join(self._parted(record)[1] for record in records[start:stop])
            kept = slice(start, start)
            if below and start:  # the row above takes it over
                kept = slice(start - 1, start)
            elif below:
                text = self.mapping.columns_text() + below
                changes.append(TextChange("columns", self.mapping.parts["columns"], text))
            gone = slice(kept.start, stop)
            above = [record + below for record in records[kept]]
            runs.append(Run(kept.start, keys[gone], records[gone], keys[kept], above))
        if runs:
            self._do(f"delete {_counted(len(rows))}", [*changes, RowsChange(runs)])

    def add_column(self, name: str) -> None:
        """Name one more column; cells that had no name there come to belong to it."""
        check_text(name)
        if not name.strip() or self.mapping.column(name) is not None:
            raise ProjectError(
                "The mapping has that column already, or the name is empty",
                advice="Choose another name.",
            )
        self._do(f"add column {name}", [self._added_columns([name])])

    @contextmanager
    def one_step(self, label: str) -> Iterator[None]:
        """Make one step of undo of all that is done within; if it fails, nothing is done."""
        before = len(self._history.done)
        try:
            yield
        except ProjectError:
            while len(self._history.done) > before:
                self.undo()
            self._history.undone.clear()
            raise
        self._history.join(before, label)

    def set_option(self, name: str, value: str) -> None:
        """Set an option; an empty value takes it out."""
        if self.mapping.option(name) != value.strip():
            self._set_part(f"set {name}", "options", self.mapping.changed_options(name, value))

    def set_description(self, text: str) -> None:
        """Set the mapping's description."""
        self._set_part("set description", "description", self.mapping.changed_description(text))

    def undo(self) -> str | None:
        """Take the last step back; returns what it was, None if there is none."""
        step = self._history.undo()
        if step:
            self._changed([change.inverse() for change in reversed(step.changes)])
        return step.label if step else None

    def redo(self) -> str | None:
        """Do again what was undone last; returns what it was, None if there is none."""
        step = self._history.redo()
        if step:
            self._changed(step.changes)
        return step.label if step else None

    # -- the file --------------------------------------------------------------------

    @property
    def dirty(self) -> bool:
        """Whether there is something to save."""
        return self._saved is not self._history.last

    def changed_on_disk(self) -> bool:
        """Whether another program wrote the file since it was read or saved; cheap to ask."""
        return self._file.changed()

    def save(self, *, overwrite: bool = False) -> None:
        """Write the file, atomically.

        Raises
        ------
        FileChangedError
            If another program changed it meanwhile; ``overwrite`` replaces it all the same.
        ProjectError
            If it cannot be written.
        """
        snapshot = self.snapshot(to_save=True)
        self.write(snapshot, overwrite=overwrite)
        self.noted(snapshot)

    def reload(self) -> None:
        """Take over the file as it is now, in one step that undo takes back.

        Rows that are as before keep their keys (errors as :meth:`Mapping.load`; then
        nothing changes).
        """
        self.take(self.reread(self.snapshot()))

    def merge(self, take_theirs: Places | None = None) -> Outside:
        """Put together what was changed here and in the file, in one step of undo.

        What was changed here is then still to be saved. While there are clashes nothing
        changes, unless ``take_theirs`` decides them: it has the places where the file is right
        (errors as :meth:`Mapping.load`; then nothing changes either).
        """
        found = self.compare(self.snapshot(), take_theirs)
        self.take(found)
        return found

    # -- the same, with the work in another thread ---------------------------------------

    def snapshot(self, *, to_save: bool = False) -> Snapshot:
        """Return what there is now; ``to_save`` if it is to be written and :meth:`noted`."""
        if to_save and self.journal:
            self.journal.saving()
        return Snapshot(self._base, self._copy(), self._history.last, self.revision)

    def write(self, snapshot: Snapshot, *, overwrite: bool = False) -> None:
        """Write a snapshot, unless a later one was written (errors as :meth:`save`)."""
        with self._writing:
            if snapshot.revision >= self._written:
                self._file.write(snapshot.state.mapping.dumps(), overwrite=overwrite)
                self._written = snapshot.revision

    def noted(self, snapshot: Snapshot) -> None:
        """Take note that a snapshot was written."""
        self._saved, self._base = snapshot.step, snapshot.state
        if self.journal:
            self.journal.saved()

    def compare(self, snapshot: Snapshot, take_theirs: Places | None = None) -> Outside:
        """Merge a snapshot with the file, as :meth:`merge` does."""
        return aside.merged(snapshot, self._file, self._new_key, take_theirs)

    def is_known(self, outside: Outside, snapshot: Snapshot) -> bool:
        """Whether comparing again would find the same."""
        return (outside.snapshot.revision, outside.stat) == (snapshot.revision, self._file.stat())

    def reread(self, snapshot: Snapshot) -> Outside:
        """Read the file again, as :meth:`reload` does."""
        return aside.reread(snapshot, self._file, self._new_key)

    def take(self, outside: Outside) -> bool:
        """Take over what :meth:`compare` or :meth:`reread` found.

        Returns
        -------
        bool
            False if nothing changed: there are clashes, or edits were made meanwhile.
        """
        if not outside.is_decided or self.revision != outside.snapshot.revision:
            return False
        self._base = outside.base
        if self.journal:
            self.journal.rebase(outside.base)
        self._do(outside.label, [WholeChange(outside.snapshot.state, outside.state)])
        self._file.note(outside.content, outside.stat)
        self._saved = self._history.last if outside.is_clean else _NEVER
        return True

    def twin(self, snapshot: Snapshot) -> MappingEditor:
        """Return an editor of a snapshot, to work out edits on; :meth:`adopt` takes them over."""
        twin = MappingEditor(snapshot.state.mapping.copy(), self.path)
        twin.keys[:] = snapshot.state.keys
        twin.shares, twin._new_keys = self.shares, self._new_keys  # no key twice
        return twin

    def adopt(self, twin: MappingEditor, start: Snapshot) -> bool:
        """Do the steps of a twin that was made of ``start``.

        Returns
        -------
        bool
            False if nothing changed: edits were made meanwhile; :meth:`rebased` helps.
        """
        if self.revision != start.revision:
            return False
        for step in twin._history.done:
            self._do(step.label, step.changes)
        return True

    def rebased(self, twin: MappingEditor, start: Snapshot, now: Snapshot) -> MappingEditor:
        """Return a twin of ``now`` with what was done on one of ``start``.

        Where both changed one place, what was done meanwhile counts.
        """
        again = self.twin(now)
        if done := twin._history.done:
            both = merge(start.state, now.state, twin.mapping, self._new_key, keys=twin.keys)
            again._do(done[-1].label, [WholeChange(now.state, both.state)])
        return again

    def note_draft(self, draft: Draft | None) -> None:
        """Have the journal keep what is being typed, too; None: nothing is."""
        if self.journal:
            self.journal.draft(draft, self._base)

    def recover(self, kept: Recovered, label: str) -> None:
        """Take over what an app that was cut short had not saved, in one step.

        If the file was changed since, :meth:`changed_on_disk` tells so and :meth:`merge` helps.
        """
        self._new_keys = count(max((*self.keys, *kept.state.keys), default=0) + 1)
        self._base = kept.base
        if kept.base.mapping.dumps() != self.mapping.dumps():
            self._file.note(kept.base.mapping.dumps(), None)
        before = State(kept.base.mapping.copy(), kept.base.keys[:])
        self._do(label, [WholeChange(before, kept.state)])

    def _new_key(self) -> int:
        return next(self._new_keys)

    def _copy(self) -> State:
        return State(self.mapping.copy(), self.keys[:])

    # -- how -------------------------------------------------------------------------

    def _do(self, label: str, changes: list[Change]) -> None:
        self._history.do(Step(label, changes))
        self._changed(changes)

    def _changed(self, changes: Sequence[Change]) -> None:
        self.revision += 1
        if self.journal:
            self.journal.add(changes, self._base)

    def _set_part(self, label: str, part: Part, text: str) -> None:
        if text != (old := self.mapping.parts[part]):
            self._do(label, [TextChange(part, old, text)])

    def _insert(self, at: int, records: list[str], verb: str, changes: list[Change]) -> range:
        at = min(max(at, 0), len(self.keys))
        if records:
            keys = [self._new_key() for _ in records]
            rows = RowsChange([Run(at, [], [], keys, records)])
            self._do(f"{verb} {_counted(len(records))}", [*changes, rows])
        return range(at, at + len(records))

    def _columns_for(self, names: Iterable[str]) -> tuple[list[Change], dict[str, int]]:
        """Return where each column is, and the change that adds those that are not there."""
        width = len(self.mapping.columns)
        positions: dict[str, int] = {}
        added: list[str] = []
        for name in map(canonical, names):
            if name in positions:
                continue
            position = self.mapping.column(name)
            if position is None:
                if name not in KNOWN:
                    raise ProjectError(f"The mapping has no column {name}", advice="Add it first.")
                position = width + len(added)
                added.append(name)
            positions[name] = position
        if not added:
            return [], positions
        for row, cells in enumerate(self.mapping.rows, 1):
            if any(cell.strip() for cell in cells[width:]):
                raise ProjectError(
                    f"Row {row} has cells without a column name, so no column can be added",
                    advice="Name their column first.",
                )
        return [self._added_columns(added)], positions

    def _added_columns(self, names: list[str]) -> TextChange:
        names_at = dict(enumerate(names, len(self.mapping.columns)))
        text = rewrite(self.mapping.columns_text(), names_at, self.mapping.delimiter)
        return TextChange("columns", self.mapping.parts["columns"], text)

    def _parted(self, record: str) -> tuple[str, str]:
        """Part a record into the row with its line end, and what follows that is no row."""
        below = "".join(lines_of(split_fields(record, self.mapping.delimiter)[1])[1:])
        return record.removesuffix(below), below


_NEVER = Step("never saved", [])


def _counted(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows:,} rows"
