"""From folders, accession numbers and the tables that people bring to rows of a mapping."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TypeVar

from anontui.errors import AnonTUIError, ProjectError, UsageError
from anontui.events import (
    Events,
    Progress,
    Result,
    Warning,  # noqa: A004 - the word of the field
)
from anontui.operations.pseudonyms import PSEUDONYMS, made_up
from anontui.operations.roots import Root, local_folder
from anontui.operations.selecting import SelectedFolder, select_folders, selected_by
from anontui.operations.workspace import Workspace
from anontui.project.editor import MappingEditor
from anontui.project.inputfile import InputTable
from anontui.project.mapping import Mapping
from anontui.project.selection import Selection
from anontui.project.source import Source, SourceKind
from anontui.project.studylist import is_study_uid

T = TypeVar("T")

_SAVE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A folder or a number that shall become a row; ``where`` tells the user which one it is."""

    text: str
    pseudonym: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What could not be added, and what to do about it."""

    where: str
    message: str
    advice: str

    def sentence(self) -> str:
        """All of it as one line."""
        return f"{self.where}: {self.message.rstrip('.')}. {self.advice}".strip()


@dataclass(slots=True)
class Added:
    """What became of it.

    Attributes
    ----------
    rows
        The new rows, texts by column.
    known
        How many were there already.
    filled
        How many rows that were there now have the pseudonym that they lacked.
    troubles
        What could not be added.
    """

    rows: list[dict[str, str]] = field(default_factory=list)
    known: int = 0
    filled: int = 0
    troubles: list[Trouble] = field(default_factory=list)


@dataclass(slots=True)
class Chosen:
    """Folders with their pseudonyms (empty: none given), and what could not be chosen."""

    folders: list[tuple[SelectedFolder, str]] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


class Rows:
    """Adds rows to a mapping, none of them twice.

    A row is there already if it has the same source and pseudonym; one with the same source
    and no pseudonym gets it. A source with another pseudonym is a row of its own: which one
    is right, only the user knows, and the plan asks. With ``random``, a row that is given no
    pseudonym gets one that is made up.
    """

    def __init__(self, workspace: Workspace, editor: MappingEditor, *, random: bool) -> None:
        self.added = Added()
        self._editor = editor
        self._random = random
        self._root = Root.of(workspace, editor.mapping)
        self._names = [n for n in PSEUDONYMS if editor.mapping.column(n) is not None]
        self._names = self._names or [PSEUDONYMS[1]]
        self._taken: set[str] = set()
        self._there: dict[str, dict[str, int]] = {}  # row by pseudonym, by source
        for row in range(len(editor.mapping.rows)):
            names = [editor.mapping.cell(row, name) for name in PSEUDONYMS]
            self._taken.update(names)
            for name in filter(None, names) if any(names) else [""]:
                self._of(editor.mapping.cell(row, "source")).setdefault(name, row)

    def add_folder(self, one: SelectedFolder, pseudonym: str) -> None:
        """Add the row of a folder whose files are selected."""
        assert one.source is not None  # noqa: S101 - else there is a problem with it
        self._add(self._root.written(one.source, one.place), one.description, pseudonym)

    def add_source(self, source: Source, description: str, pseudonym: str) -> None:
        """Add the row of a source that needs no selection."""
        self._add(str(source), description, pseudonym)

    def pseudonym_of(self, source: Source) -> str:
        """The pseudonym that a source has here; the first one, empty if it has none."""
        return next(filter(None, self._of(str(source))), "")

    def add_chosen(self, chosen: Chosen) -> None:
        """Add the rows of folders, and what was wrong with others."""
        for folder, pseudonym in chosen.folders:
            self.add_folder(folder, pseudonym)
        self.added.troubles += chosen.troubles

    def saved(self) -> Added:
        """Save the mapping, and return what became of it so far (errors as its save)."""
        if self._editor.dirty:
            self._editor.save()
        return self.added

    def _of(self, source: str) -> dict[str, int]:
        return self._there.setdefault(self._root.key(source), {})

    def _add(self, source: str, description: str, pseudonym: str) -> None:
        there = self._of(source)
        if pseudonym:
            is_there = pseudonym in there
        else:
            is_there = bool(there) and not (self._random and "" in there)
        if is_there:
            self.added.known += 1
            return
        if self._random and not pseudonym:
            pseudonym = made_up(self._taken)
            self._taken.add(pseudonym)
        names = dict.fromkeys(self._names, pseudonym) if pseudonym else {}
        if "" in there:  # a row without a pseudonym: here it is
            row = there.pop("")
            self._editor.set_cells((row, name, text) for name, text in names.items())
            self.added.filled += 1
            there[pseudonym] = row
            return
        cells = {"source": source} | names | {"description": description}
        there[pseudonym] = self._editor.insert_rows(len(self._editor.mapping.rows), [cells]).start
        self.added.rows.append(cells)


def choose_folders(
    workspace: Workspace,
    mapping: Mapping,
    wanted: Sequence[Wanted],
    *,
    check: bool = True,
    exclude: Sequence[str] = (),
    project: Path | None = None,
) -> Events[Chosen]:
    """Select the DICOM files in folders; :func:`add_chosen` makes rows of them.

    Parameters
    ----------
    workspace
        Tells where shares are mounted.
    mapping
        Tells what folders may be relative to; it is not changed.
    wanted
        The folders; see :func:`local_folder` for what their texts may be.
    check, exclude, project
        As for :func:`select_folders`.
    """
    chosen = Chosen()
    folders: dict[Path, list[Wanted]] = {}
    for one in wanted:
        try:
            folder = local_folder(workspace, mapping, one.text)
        except AnonTUIError as error:
            chosen.troubles.append(_trouble(one, error))
        else:
            folders.setdefault(folder, []).append(one)
    for folder, those in folders.items():
        selecting = select_folders(
            workspace, [folder], check=check, exclude=exclude, project=project
        )
        (selected,) = yield from _result(selecting)
        for one in those:
            if selected.source is None:
                problem = ProjectError(selected.problem, advice=selected.advice)
                chosen.troubles.append(_trouble(one, problem))
            else:
                chosen.folders.append((selected, one.pseudonym))
    yield Result(chosen)


def add_chosen(
    workspace: Workspace, editor: MappingEditor, chosen: Chosen, *, random: bool = False
) -> Added:
    """Add a row for each selected folder and save the mapping.

    Parameters
    ----------
    workspace
        Tells where shares are mounted.
    editor
        The mapping.
    chosen
        What :func:`choose_folders` found.
    random
        Make up the pseudonyms that are not given.

    Raises
    ------
    ProjectError
        If the mapping cannot be saved.
    """
    with editor.one_step(f"add {len(chosen.folders)} folders"):
        rows = Rows(workspace, editor, random=random)
        rows.add_chosen(chosen)
    return rows.saved()


def add_folders(
    workspace: Workspace,
    editor: MappingEditor,
    wanted: Sequence[Wanted],
    *,
    random: bool = False,
    check: bool = True,
    exclude: Sequence[str] = (),
) -> Events[Added]:
    """Choose folders and add them, one after the other, so that being cut short loses nothing.

    The mapping is saved every second, and however it ends. The editor changes while this
    runs: whoever shows it meanwhile uses :func:`choose_folders` and :func:`add_chosen`
    (parameters and errors as there).
    """
    rows = Rows(workspace, editor, random=random)
    by_text: dict[str, list[Wanted]] = {}
    for one in wanted:
        by_text.setdefault(one.text, []).append(one)
    saved_at = monotonic()
    try:
        for those in by_text.values():
            choosing = choose_folders(
                workspace,
                editor.mapping,
                those,
                check=check,
                exclude=exclude,
                project=editor.path.parent,
            )
            rows.add_chosen((yield from _result(choosing)))
            if monotonic() - saved_at > _SAVE_SECONDS:
                rows.saved()
                saved_at = monotonic()
    finally:
        rows.saved()
    yield Result(rows.added)


def add_accession_numbers(
    workspace: Workspace, editor: MappingEditor, wanted: Iterable[Wanted], *, random: bool = False
) -> Added:
    """Add a row for each accession number and save the mapping (``random`` as above).

    Raises
    ------
    ProjectError
        If the mapping cannot be saved.
    """
    return _add_sources(workspace, editor, SourceKind.ACCESSION_NUMBER, wanted, random)


def add_study_uids(
    workspace: Workspace, editor: MappingEditor, wanted: Iterable[Wanted], *, random: bool = False
) -> Added:
    """Add a row for each StudyInstanceUID and save the mapping (``random`` as above).

    Raises
    ------
    ProjectError
        If the mapping cannot be saved.
    """
    return _add_sources(workspace, editor, SourceKind.STUDY_INSTANCE_UID, wanted, random)


def _add_sources(
    workspace: Workspace,
    editor: MappingEditor,
    kind: SourceKind,
    wanted: Iterable[Wanted],
    random: bool,
) -> Added:
    """Add rows for studies in an archive, each meant by one whole number or UID."""
    with editor.one_step("add studies"):
        rows = Rows(workspace, editor, random=random)
        for one in wanted:
            try:
                source = Source.parse(f"{kind}:{one.text}")
                if kind is SourceKind.STUDY_INSTANCE_UID and not is_study_uid(source.value):
                    raise UsageError("This is no StudyInstanceUID", advice="Write one whole UID.")
                if re.search(r"[*?\\]", source.value):
                    raise UsageError(
                        "This could mean several studies", advice="Write one whole number."
                    )
            except AnonTUIError as error:
                rows.added.troubles.append(_trouble(one, error))
            else:
                rows.add_source(source, "", one.pseudonym)
    return rows.saved()


def add_selections(
    workspace: Workspace, editor: MappingEditor, wanted: Iterable[Wanted], *, random: bool = False
) -> Added:
    """Add a row for each selection file (its path) and save the mapping (``random`` as above).

    Raises
    ------
    ProjectError
        If the mapping cannot be saved.
    """
    rows = Rows(workspace, editor, random=random)
    for one in wanted:
        try:
            path = Path(os.path.abspath(one.text))
            selection = Selection.load(path)
            if not selection.paths:
                raise ProjectError("The selection is empty", advice="Select files in it.")
            rows.add_folder(selected_by(workspace, path, selection), one.pseudonym)
        except AnonTUIError as error:
            rows.added.troubles.append(_trouble(one, error))
    return rows.saved()


def wanted_in(table: InputTable, column: str) -> list[Wanted]:
    """The rows of an input file: its column of folders or numbers, and its pseudonyms."""
    at = table.columns.index(column)
    names = table.columns.index("pseudo_name") if "pseudo_name" in table.columns else None
    return [
        Wanted(row[at], "" if names is None else row[names], f"Row {number} of the input file")
        for row, number in zip(table.rows, table.row_numbers, strict=True)
    ]


def with_pseudonyms(wanted: Sequence[Wanted], given: Sequence[str]) -> list[Wanted]:
    """Give each its pseudonym, in order.

    Raises
    ------
    UsageError
        If there are not as many.
    """
    if len(given) != len(wanted):
        raise UsageError(
            f"{len(given)} pseudonyms are given for {len(wanted)} sources",
            advice="Give one for each, in the same order.",
        )
    return [Wanted(w.text, name, w.where) for w, name in zip(wanted, given, strict=True)]


def _result(events: Events[T]) -> Generator[Progress | Warning, None, T]:
    for event in events:
        if isinstance(event, Result):
            return event.value
        yield event
    raise RuntimeError("the operation ended without a result")


def _trouble(one: Wanted, error: AnonTUIError) -> Trouble:
    return Trouble(one.where or one.text, error.message, error.advice)
