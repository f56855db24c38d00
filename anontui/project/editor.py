"""The one way to change a mapping: edits with undo and redo, and a save that loses nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from itertools import count, groupby
from pathlib import Path
from typing import TypeAlias, TypeVar

from anontui.errors import FileChangedError, ProjectError
from anontui.project import files
from anontui.project.checks import problems_of
from anontui.project.columns import KNOWN, canonical
from anontui.project.dialect import lines_of, split_fields
from anontui.project.mapping import Mapping, Part
from anontui.project.sections import check_text
from anontui.project.table import rewrite

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Text:
    """A change of a part above the rows."""

    part: Part
    old: str
    new: str

    def apply(self, editor: MappingEditor) -> None:
        editor.mapping.set_part(self.part, self.new)

    def inverse(self) -> _Text:
        return _Text(self.part, self.new, self.old)


@dataclass(frozen=True, slots=True)
class _Run:
    """Neighbouring rows (keys and records) that others take the place of.

    ``at`` is the first row's index before any run of the same change.
    """

    at: int
    old_keys: list[int]
    old: list[str]
    new_keys: list[int]
    new: list[str]


@dataclass(frozen=True, slots=True)
class _Rows:
    """A change of rows: runs in order, none overlapping."""

    runs: list[_Run]

    def apply(self, editor: MappingEditor) -> None:
        spans = [(run.at, run.at + len(run.old)) for run in self.runs]
        _splice(editor.keys, spans, [run.new_keys for run in self.runs])
        _splice(editor.mapping.records, spans, [run.new for run in self.runs])

    def inverse(self) -> _Rows:
        shift, runs = 0, []
        for run in self.runs:
            runs.append(_Run(run.at + shift, run.new_keys, run.new, run.old_keys, run.old))
            shift += len(run.new) - len(run.old)
        return _Rows(runs)


@dataclass(frozen=True, slots=True)
class _Reload:
    """Another mapping in place of the whole."""

    old_keys: list[int]
    old: Mapping
    new_keys: list[int]
    new: Mapping

    def apply(self, editor: MappingEditor) -> None:
        editor.mapping = self.new
        editor.keys[:] = self.new_keys

    def inverse(self) -> _Reload:
        return _Reload(self.new_keys, self.new, self.old_keys, self.old)


_Change: TypeAlias = _Text | _Rows | _Reload


@dataclass(frozen=True, slots=True)
class _Step:
    """What one undo takes back."""

    label: str
    changes: list[_Change]


class MappingEditor:
    """A mapping being edited, and the file it came from.

    Every edit is checked before anything changes (:class:`ProjectError`), is one step of
    undo, and keeps no more than the rows that it touches.

    Attributes
    ----------
    mapping
        What it says now. Another object after :meth:`reload`.
    keys
        A number for each row, which stays with the row wherever it goes.
    path
        Where it is saved.
    revision
        Grows with every change.
    """

    def __init__(self, mapping: Mapping, path: Path) -> None:
        self.mapping = mapping
        self.path = path
        self.revision = 0
        self._new_keys = count(len(mapping.records))
        self.keys = list(range(len(mapping.records)))
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._saved: _Step | None = _NEVER
        self._disk_digest = _digest(mapping.dumps())
        self._disk_stat: object = None

    @classmethod
    def load(cls, path: Path) -> MappingEditor:
        """Read a mapping file to edit it (errors as :meth:`Mapping.load`)."""
        stat = _stat(path)  # before reading: a change in between shall be noticed
        data = files.read_bytes(path, "mapping")
        editor = cls(Mapping.loads(data), path)
        editor._mark_saved(data, stat)
        return editor

    # -- edits -----------------------------------------------------------------------

    def set_cell(self, row: int, name: str, value: str) -> None:
        """Set one cell; a known column that the mapping lacks is added."""
        self.set_cells([(row, name, value)])

    def set_cells(self, cells: Iterable[tuple[int, str, str]]) -> None:
        """Set cells (row, column, text) in one step, as paste and fill down do.

        Spaces around a cell mean nothing, so a text that differs by them only is no change.
        """
        wanted = [
            (row, name, value)
            for row, name, value in cells
            if self.mapping.cell(row, name) != value.strip()
        ]
        changes, positions = self._columns_for(name for _, name, _ in wanted)
        rows: dict[int, dict[int, str]] = {}
        for row, name, value in wanted:
            rows.setdefault(row, {})[positions[canonical(name)]] = value
        if not rows:
            return
        records, delimiter = self.mapping.records, self.mapping.delimiter
        runs = []
        for start, stop in _neighbours(rows):
            keys = self.keys[start:stop]
            new = [rewrite(records[row], rows[row], delimiter) for row in range(start, stop)]
            runs.append(_Run(start, keys, records[start:stop], keys, new))
        (row, name, _), *more = wanted
        label = f"edit {len(wanted)} cells" if more else f"edit {canonical(name)} of row {row + 1}"
        self._do(label, [*changes, _Rows(runs)])

    def insert_rows(self, at: int, rows: Iterable[Dict[str, str]]) -> range:
        """Insert rows (texts by column name) before row ``at``; returns where they are.

        A known column that the mapping lacks is added. A row without any text is not in
        the file when it is read again.
        """
        rows = list(rows)
        changes, positions = self._columns_for(
            name for row in rows for name, value in row.items() if value
        )
        width = max(len(self.mapping.columns), *(at + 1 for at in positions.values()), 0)
        empty = dict.fromkeys(range(width), "")
        return self._insert(
            at,
            [
                rewrite(
                    self.mapping.line_end,
                    empty | {positions[canonical(name)]: row[name] for name in row if row[name]},
                    self.mapping.delimiter,
                )
                for row in rows
            ],
            "insert",
            changes,
        )

    def duplicate_rows(self, rows: Iterable[int]) -> range:
        """Insert a copy of the rows below the last of them; returns where the copies are."""
        rows = sorted(set(rows))
        copies = [self._parted(self.mapping.records[row])[0] for row in rows]
        return self._insert(rows[-1] + 1 if rows else 0, copies, "duplicate", [])

    def delete_rows(self, rows: Iterable[int]) -> None:
        """Delete rows; comments and empty lines below them stay."""
        keys, records = self.keys, self.mapping.records
        changes: list[_Change] = []
        runs = []
        total = 0
        for start, stop in _neighbours(set(rows)):
            total += stop - start
            below = "".join(self._parted(record)[1] for record in records[start:stop])
            if not below:
                runs.append(_Run(start, keys[start:stop], records[start:stop], [], []))
            elif start:
                kept = start - 1
                runs.append(
                    _Run(
                        kept,
                        keys[kept:stop],
                        records[kept:stop],
                        [keys[kept]],
                        [records[kept] + below],
                    )
                )
            else:
                runs.append(_Run(start, keys[:stop], records[:stop], [], []))
                header = self.mapping.parts["columns"]
                changes.append(_Text("columns", header, self.mapping.columns_text() + below))
        if runs:
            self._do(f"delete {_counted(total)}", [*changes, _Rows(runs)])

    def add_column(self, name: str) -> None:
        """Name one more column; cells that had no name there come to belong to it."""
        check_text(name)
        if not name.strip() or self.mapping.column(name) is not None:
            raise ProjectError(
                "The mapping has that column already, or the name is empty",
                advice="Choose another name.",
            )
        self._do(f"add column {name}", [self._added_columns([name])])

    def set_option(self, name: str, value: str) -> None:
        """Set an option; an empty value takes it out."""
        if self.mapping.option(name) != value.strip():
            self._set_part(f"set {name}", "options", self.mapping.changed_options(name, value))

    def set_description(self, text: str) -> None:
        """Set the mapping's description."""
        self._set_part("set description", "description", self.mapping.changed_description(text))

    # -- undo ------------------------------------------------------------------------

    def undo(self) -> str | None:
        """Take the last step back; returns what it was, None if there is none."""
        if not self._done:
            return None
        step = self._done.pop()
        for change in reversed(step.changes):
            change.inverse().apply(self)
        self._undone.append(step)
        self.revision += 1
        return step.label

    def redo(self) -> str | None:
        """Do again what was undone last; returns what it was, None if there is none."""
        if not self._undone:
            return None
        step = self._undone.pop()
        self._apply(step)
        return step.label

    # -- the file --------------------------------------------------------------------

    @property
    def dirty(self) -> bool:
        """Whether there is something to save."""
        return self._saved is not (self._done[-1] if self._done else None)

    def changed_on_disk(self) -> bool:
        """Whether the file is not what was read or saved last; cheap while it is untouched.

        A file that is gone or cannot be read does not count: there is nothing to take over.
        """
        stat = _stat(self.path)
        if stat is None or stat == self._disk_stat:
            return False
        try:
            changed = _digest(files.read_bytes(self.path, "mapping")) != self._disk_digest
        except ProjectError:
            return False
        if not changed:
            self._disk_stat = stat
        return changed

    def save(self, *, overwrite: bool = False) -> None:
        """Write the file, atomically.

        Raises
        ------
        FileChangedError
            If another program changed it meanwhile; ``overwrite`` replaces it all the same.
        ProjectError
            If it cannot be written.
        """
        data = self.mapping.dumps()
        if not overwrite and _stat(self.path) is not None:
            disk = files.read_bytes(self.path, "mapping")
            if disk != data and _digest(disk) != self._disk_digest:
                raise FileChangedError(
                    f"{self.path.name} was changed by another program",
                    advice="Reload it (undo brings your version back), or save over it.",
                )
        files.write_bytes(self.path, data, "mapping")
        self._mark_saved(data, _stat(self.path))

    def save_draft(self) -> Path:
        """Write the mapping beside its file under a new name, and return that.

        For when the app has to end while the file may not be written over.
        """
        names = (f"{self.path.stem}.unsaved{n or ''}{self.path.suffix}" for n in count())
        draft = next(path for path in map(self.path.with_name, names) if not path.exists())
        files.write_bytes(draft, self.mapping.dumps(), "draft")
        return draft

    def reload(self) -> None:
        """Take over the file as it is now, in one step that undo takes back.

        Rows that are as before keep their keys (errors as :meth:`Mapping.load`; then
        nothing changes).
        """
        stat = _stat(self.path)
        data = files.read_bytes(self.path, "mapping")
        mapping = Mapping.loads(data)
        known: dict[str, list[int]] = {}
        for key, record in zip(reversed(self.keys), reversed(self.mapping.records), strict=True):
            known.setdefault(record, []).append(key)
        keys = [
            known[record].pop() if known.get(record) else next(self._new_keys)
            for record in mapping.records
        ]
        self._do("reload", [_Reload(self.keys[:], self.mapping, keys, mapping)])
        self._mark_saved(data, stat)

    def problems(self, row: int) -> dict[str, str]:
        """Return what is wrong with a row (see :func:`problems_of`)."""
        return problems_of(self.mapping, row)

    # -- how -------------------------------------------------------------------------

    def _do(self, label: str, changes: list[_Change]) -> None:
        step = _Step(label, changes)
        self._undone.clear()
        self._apply(step)

    def _apply(self, step: _Step) -> None:
        for change in step.changes:
            change.apply(self)
        self._done.append(step)
        self.revision += 1

    def _set_part(self, label: str, part: Part, text: str) -> None:
        if text != (old := self.mapping.parts[part]):
            self._do(label, [_Text(part, old, text)])

    def _insert(self, at: int, records: list[str], verb: str, changes: list[_Change]) -> range:
        at = min(max(at, 0), len(self.keys))
        if records:
            keys = [next(self._new_keys) for _ in records]
            rows = _Rows([_Run(at, [], [], keys, records)])
            self._do(f"{verb} {_counted(len(records))}", [*changes, rows])
        return range(at, at + len(records))

    def _columns_for(self, names: Iterable[str]) -> tuple[list[_Change], dict[str, int]]:
        """Return where each column is, and the change that adds those that are not there."""
        positions: dict[str, int] = {}
        added: list[str] = []
        for name in map(canonical, names):
            if name in positions:
                continue
            position = self.mapping.column(name)
            if position is None:
                if name not in KNOWN:
                    raise ProjectError(f"The mapping has no column {name}", advice="Add it first.")
                position = len(self.mapping.columns) + len(added)
                added.append(name)
            positions[name] = position
        if not added:
            return [], positions
        width = len(self.mapping.columns)
        for row, cells in enumerate(self.mapping.rows):
            if any(cell.strip() for cell in cells[width:]):
                raise ProjectError(
                    f"Row {row + 1} has cells without a column name, so no column can be added",
                    advice="Name their column first.",
                )
        return [self._added_columns(added)], positions

    def _added_columns(self, names: list[str]) -> _Text:
        width = len(self.mapping.columns)
        text = rewrite(
            self.mapping.columns_text(), dict(enumerate(names, width)), self.mapping.delimiter
        )
        return _Text("columns", self.mapping.parts["columns"], text)

    def _parted(self, record: str) -> tuple[str, str]:
        """Part a record into the row with its line end, and what follows that is no row."""
        rest = split_fields(record, self.mapping.delimiter)[1]
        below = "".join(lines_of(rest)[1:])
        return record.removesuffix(below), below

    def _mark_saved(self, data: bytes, stat: object) -> None:
        self._saved = self._done[-1] if self._done else None
        self._disk_digest = _digest(data)
        self._disk_stat = stat


_NEVER = _Step("never saved", [])


def _splice(items: list[T], spans: list[tuple[int, int]], news: list[list[T]]) -> None:
    """Replace spans (in order) in place: many that shift the rest in one pass."""
    if len(spans) == 1 or all(b - a == len(new) for (a, b), new in zip(spans, news, strict=True)):
        for (start, stop), new in zip(spans, news, strict=True):
            items[start:stop] = new
        return
    out: list[T] = []
    done = 0
    for (start, stop), new in zip(spans, news, strict=True):
        out += items[done:start]
        out += new
        done = stop
    items[:] = out + items[done:]


def _neighbours(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Return the runs (start, stop) of neighbouring numbers, in order."""
    runs = []
    for _, group in groupby(enumerate(sorted(rows)), key=lambda pair: pair[1] - pair[0]):
        members = [row for _, row in group]
        runs.append((members[0], members[-1] + 1))
    return runs


def _counted(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows:,} rows"


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
