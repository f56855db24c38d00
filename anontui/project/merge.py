"""Two people, or two programs, change one mapping: what both did, in one.

Theirs is the ground, as the other program wrote it; what was changed here is done to it
again. Changes of different cells go together. Where both changed one cell, each to
something else, there is a clash, and only a person can tell who is right. The same holds
where one changed whose row it is (its source) and the other its pseudonym.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from anontui.project.changes import State
from anontui.project.columns import KNOWN, canonical
from anontui.project.mapping import Mapping

_Cells = frozenset[tuple[str, str]]

ROW = ""
"""Stands for a column where the clash is about a whole row."""
DESCRIPTION = "## Description ##"
"""Stands for an option where the clash is about the mapping's description."""
_PSEUDONYMS = ("pseudo_id", "pseudo_name")


@dataclass(frozen=True, slots=True)
class Clash:
    """A place that both changed, each in another way.

    Attributes
    ----------
    key
        The row's key; None for an option or the description.
    name
        The column or option; :data:`ROW` for a whole row, :data:`DESCRIPTION`.
    base, ours, theirs
        What it was, what it is here and there; None for a row that was deleted.
    """

    key: int | None
    name: str
    base: str | None
    ours: str | None
    theirs: str | None

    @property
    def place(self) -> tuple[int | None, str]:
        """What names it."""
        return self.key, self.name


@dataclass(slots=True)
class Merge:
    """The mapping that both made, with the rows' keys, and what only a person can decide.

    ``their_keys`` are those of the rows of theirs; ``changed`` those of the rows that are
    other than they were here.
    """

    state: State
    their_keys: list[int]
    clashes: list[Clash] = field(default_factory=list)
    changed: set[int] = field(default_factory=set)


def merge(
    base: State,
    ours: State,
    theirs: Mapping,
    new_key: Callable[[], int],
    take_theirs: Collection[tuple[int | None, str]] = (),
    keys: list[int] | None = None,
) -> Merge:
    """Put two changes of one mapping together; nothing that is given changes.

    Parameters
    ----------
    base
        What both started from.
    ours
        What it became here; its keys tell which row is which of ``base``.
    theirs
        What it became elsewhere; which row is which is found out.
    new_key
        Gives keys for rows that are new in ``theirs``.
    take_theirs
        The places of clashes where theirs is right; in all others ours is.
    keys
        Those of the rows of ``theirs``, where they are known.
    """
    return _Merger(base, ours, theirs, new_key, frozenset(take_theirs), keys).merged()


class _Merger:
    def __init__(
        self,
        base: State,
        ours: State,
        theirs: Mapping,
        new_key: Callable[[], int],
        take_theirs: frozenset[tuple[int | None, str]],
        keys: list[int] | None,
    ) -> None:
        from anontui.project.editor import MappingEditor  # which in turn merges

        self._base, self._ours = base, ours
        self._take_theirs = take_theirs
        self._clashes: list[Clash] = []
        self._editor = MappingEditor(theirs.copy(), Path())
        self._read: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
        base_rows, their_rows = self._rows(base.mapping), self._rows(theirs)
        self._base_rows = dict(zip(base.keys, base_rows, strict=True))
        self._our_rows = dict(zip(ours.keys, self._rows(ours.mapping), strict=True))
        self._keys = keys or self._found_keys(base_rows, their_rows, new_key)
        self._their_rows = dict(zip(self._keys, their_rows, strict=True))

    def merged(self) -> Merge:
        """Do to theirs what was done here."""
        self._add_columns()
        self._merge_cells()
        key_of = dict(zip(self._editor.keys, self._keys, strict=True))
        self._merge_deleted(key_of)
        self._merge_inserted(key_of)
        self._merge_above()
        state = State(self._editor.mapping, [key_of[key] for key in self._editor.keys])
        rows = dict(zip(state.keys, self._rows(state.mapping), strict=True))
        changed = {key for key, cells in rows.items() if cells != self._our_rows.get(key)}
        return Merge(state, self._keys, self._clashes, changed)

    def _rows(self, mapping: Mapping) -> list[dict[str, str]]:
        """Read all rows; most records are the same text everywhere, and read once."""
        known = self._read.setdefault((mapping.columns_text(), mapping.delimiter), {})
        rows = []
        for row, record in enumerate(mapping.records):
            if (cells := known.get(record)) is None:
                cells = known[record] = mapping.named(row)
            rows.append(cells)
        return rows

    def _found_keys(
        self,
        base_rows: list[dict[str, str]],
        their_rows: list[dict[str, str]],
        new_key: Callable[[], int],
    ) -> list[int]:
        """Give the rows of theirs the keys that they have here."""
        same = self._equal_new_rows()
        return [
            self._base.keys[at]
            if at is not None
            else (same.get(_cells(cells)) or [new_key()]).pop()
            for at, cells in zip(align(base_rows, their_rows), their_rows, strict=True)
        ]

    def _equal_new_rows(self) -> dict[_Cells, list[int]]:
        """The rows that are new here, by their cells: those that both added are one row."""
        new: dict[_Cells, list[int]] = defaultdict(list)
        for key in reversed(self._ours.keys):
            if key not in self._base_rows and self._our_rows[key]:
                new[_cells(self._our_rows[key])].append(key)
        return new

    def _add_columns(self) -> None:
        editor = self._editor
        for name in self._ours.mapping.columns:
            known = canonical(name) in KNOWN or self._base.mapping.column(name) is not None
            if name.strip() and not known and editor.mapping.column(name) is None:
                editor.add_column(name)

    def _ours_counts(self, key: int | None, name: str, *texts: str | None) -> bool:
        """Decide a clash."""
        clash = Clash(key, name, *texts)
        self._clashes.append(clash)
        return clash.place not in self._take_theirs

    def _merge_cells(self) -> None:
        edits = []
        for row, key in enumerate(self._keys):
            base, ours = self._base_rows.get(key), self._our_rows.get(key)
            if base is None or ours is None or ours == base:
                continue
            theirs = self._their_rows[key]
            names = dict.fromkeys((*base, *ours, *theirs))
            here = {n for n in names if ours.get(n) != base.get(n)}
            there = {n for n in names if theirs.get(n) != base.get(n)}
            whose = ("source" in here and not there.isdisjoint(_PSEUDONYMS)) or (
                "source" in there and not here.isdisjoint(_PSEUDONYMS)
            )
            clashing = here & there
            if whose:
                clashing |= (here | there) & {"source", *_PSEUDONYMS}
            for name in names:
                texts = [cells.get(name, "") for cells in (base, ours, theirs)]
                if name not in here | clashing or texts[1] == texts[2]:
                    continue
                if name not in clashing or self._ours_counts(key, name, *texts):
                    edits.append((row, name, texts[1]))
        self._need({name for _, name, text in edits if text})
        known = self._editor.mapping
        self._editor.set_cells(e for e in edits if e[2] or known.column(e[1]) is not None)

    def _need(self, names: Iterable[str]) -> None:
        """Add the columns that theirs dropped and ours still has something new for."""
        for name in names:
            if name not in KNOWN and self._editor.mapping.column(name) is None:
                self._editor.add_column(name)

    def _merge_deleted(self, key_of: dict[int, int]) -> None:
        """Delete what was deleted here, unless it was changed there."""
        gone = []
        for row, own in enumerate(self._editor.keys):
            key = key_of[own]
            if key in self._our_rows or key not in self._base_rows:
                continue
            base, theirs = self._base_rows[key], self._their_rows[key]
            if base == theirs or self._ours_counts(key, ROW, _text(base), None, _text(theirs)):
                gone.append(row)
        self._editor.delete_rows(gone)

    def _merge_inserted(self, key_of: dict[int, int]) -> None:
        """Insert what was inserted here, and what was deleted there but changed here.

        Each goes below the row that it is below here.
        """
        there = set(key_of.values())
        wanted: dict[int | None, list[int]] = {}
        above: int | None = None
        for key in self._ours.keys:
            if key in there:
                above = key
            elif self._comes(key):
                wanted.setdefault(above, []).append(key)
        if not wanted:
            return
        self._need({n for keys in wanted.values() for key in keys for n in self._our_rows[key]})
        rows: dict[int | None, int] = {
            key_of[own]: row for row, own in enumerate(self._editor.keys)
        }
        for above, keys in sorted(wanted.items(), key=lambda run: -rows.get(run[0], -1)):
            at = rows.get(above, -1) + 1
            span = self._editor.insert_rows(at, [self._our_rows[key] for key in keys])
            for row, key in zip(span, keys, strict=True):
                key_of[self._editor.keys[row]] = key

    def _comes(self, key: int) -> bool:
        base, ours = self._base_rows.get(key), self._our_rows[key]
        if base is None or not ours:  # an empty row is in no file, and yet not deleted
            return True
        return base != ours and self._ours_counts(key, ROW, _text(base), _text(ours), None)

    def _merge_above(self) -> None:
        """The options and the description."""
        editor = self._editor
        mappings = self._base.mapping, self._ours.mapping, editor.mapping
        for name in dict.fromkeys(canonical(name) for m in mappings for name, _ in m.options):
            base, ours, theirs = (mapping.option(name) for mapping in mappings)
            if ours in (base, theirs):
                continue
            if theirs == base or self._ours_counts(None, name, base, ours, theirs):
                editor.set_option(name, ours)
        base, ours, theirs = (mapping.description for mapping in mappings)
        if ours not in (base, theirs) and (
            theirs == base or self._ours_counts(None, DESCRIPTION, base, ours, theirs)
        ):
            editor.set_description(ours)


def align(base: list[dict[str, str]], theirs: list[dict[str, str]]) -> list[int | None]:
    """Return which row of ``base`` each row of ``theirs`` is; None for new ones.

    Equal rows are the same; then those that alone share a source, or a pseudonym; then
    those between the same neighbours that share one. Never two without anything in common:
    a change of one must not be done to another patient's row.
    """
    found: list[int | None] = [None] * len(theirs)
    start, end = 0, min(len(base), len(theirs))
    while start < end and base[start] == theirs[start]:
        found[start] = start
        start += 1
    tail = 0
    while tail < end - start and base[-1 - tail] == theirs[-1 - tail]:
        tail += 1
        found[-tail] = len(base) - tail
    free = dict.fromkeys(range(start, len(base) - tail))
    open_rows = dict.fromkeys(range(start, len(theirs) - tail))

    def pair(mine: int, other: int) -> None:
        found[other] = mine
        del free[mine], open_rows[other]

    equal: dict[_Cells, list[int]] = defaultdict(list)
    for at in reversed(free):
        equal[_cells(base[at])].append(at)
    for row in list(open_rows):
        if same := equal.get(_cells(theirs[row])):
            pair(same.pop(), row)
    for name in ("source", *_PSEUDONYMS):
        mine, others = _alone(base, free, name), _alone(theirs, open_rows, name)
        for text in mine.keys() & others.keys():
            pair(mine[text], others[text])
    for row in list(open_rows):
        before = found[row - 1] if row else -1
        at = None if before is None else before + 1
        if at is not None and at in free and _akin(base[at], theirs[row]):
            pair(at, row)
    return found


def _cells(row: dict[str, str]) -> _Cells:
    return frozenset(row.items())


def _alone(rows: list[dict[str, str]], among: Collection[int], name: str) -> dict[str, int]:
    """Return the rows that alone have their text in a column."""
    found: dict[str, int | None] = {}
    for at in among:
        if text := rows[at].get(name):
            found[text] = None if text in found else at
    return {text: at for text, at in found.items() if at is not None}


def _akin(one: dict[str, str], other: dict[str, str]) -> bool:
    return any(one.get(n) and one.get(n) == other.get(n) for n in ("source", *_PSEUDONYMS))


def _text(row: dict[str, str]) -> str:
    return "  ".join(row.values())


def texts(clash: Clash) -> Iterator[str]:
    """What it was, is here and is there, as a person reads it."""
    for text in (clash.base, clash.ours, clash.theirs):
        yield "(deleted)" if text is None else text or "(empty)"
