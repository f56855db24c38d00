"""From folders of files to selections of DICOM and rows of a mapping."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from anontui import atomic, unc
from anontui.dicom.patterns import matcher
from anontui.dicom.scan import Scan, scan
from anontui.errors import AnonTUIError, ProjectError, UsageError
from anontui.events import (
    Events,
    Progress,
    Result,
    Warning,  # noqa: A004 - the word of the field
)
from anontui.operations.paths import proposal_for, unc_of
from anontui.operations.roots import Root
from anontui.operations.workspace import Workspace
from anontui.project.mapping import Mapping
from anontui.project.selection import FILENAME, Selection
from anontui.project.source import Source, SourceKind

BACKUP_NAME = f"{FILENAME}.bak"
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class SelectedFolder:
    """What became of one folder.

    ``dicom`` counts the files that are sent, ``other`` those that are left out. Where there
    is a ``problem``, ``source`` is None and ``advice`` says what to do. ``selection_path`` is
    None also for a folder that is sent whole.
    """

    folder: Path
    selection_path: Path | None
    source: Source | None
    dicom: int
    other: int
    problem: str = ""
    advice: str = ""

    @property
    def place(self) -> Path:
        """Where the source is here: the selection, or the folder that is sent whole."""
        return self.selection_path or self.folder

    @property
    def description(self) -> str:
        """What a mapping says of it."""
        left_out = f" ({self.other} others left out)" if self.other else ""
        return f"{self.dicom} DICOM files{left_out}"  # no comma: AnonAPI is bad at quoted cells


def select_folders(
    workspace: Workspace,
    folders: Sequence[Path],
    *,
    check: bool = True,
    exclude: Sequence[str] = (),
    project: Path | None = None,
) -> Events[tuple[SelectedFolder, ...]]:
    """Find the DICOM files in and below each folder, and save a selection of them there.

    Where the folder cannot be written, the selection goes to the nearest folder above it,
    up to the project folder; else a folder that holds nothing but DICOM is taken whole. A
    selection that was there and differs is kept beside the new one, as ``….bak``.

    Parameters
    ----------
    workspace
        Tells where shares are mounted, so that a source becomes a UNC path.
    folders
        Existing folders; a trouble with one is told in its result and keeps none of the
        others from being selected.
    check
        Look into each file; otherwise its name decides.
    exclude
        Patterns of what to leave out, see :mod:`anontui.dicom.patterns`.
    project
        The project folder, where it is not the workspace's: that of the active mapping.
    """
    projects = {workspace.folder, project or workspace.folder}
    selected = []
    told: set[str] = set()
    for folder in dict.fromkeys(Path(os.path.abspath(folder)) for folder in folders):
        found = Scan((), 0, ())
        try:
            found = yield from _scanned(folder, exclude, check)
            chosen, warning = _select(workspace, folder, found, projects, whole=not exclude)
        except AnonTUIError as error:
            others = len(found.files) - len(found.dicom)
            problem, warning = (error.message, error.advice), None
            chosen = SelectedFolder(folder, None, None, len(found.dicom), others, *problem)
        if warning:
            yield warning
        if chosen.source and not unc.is_unc(chosen.source.value):
            mount = proposal_for(workspace, folder)
            if mount and mount.unc not in told:
                told.add(mount.unc)
                yield Warning(
                    f"These files are on the share {mount.unc}, as it seems",
                    "If that is right, agree to it with: anontui paths confirm",
                )
        selected.append(chosen)
    yield Result(tuple(selected))


def rows_for(
    workspace: Workspace, mapping: Mapping, selected: Sequence[SelectedFolder]
) -> list[dict[str, str]]:
    """Rows for :meth:`MappingEditor.insert_rows`, without those that the mapping has already.

    A source below the mapping's ``root_source_path`` is written relative to it. The
    pseudonym stays empty: nobody but the user gives one.
    """
    root = Root.of(workspace, mapping)
    known = {root.key(mapping.cell(row, "source")) for row in range(len(mapping.rows))}
    rows = []
    for one in selected:
        if one.source is None:
            continue
        source = root.written(one.source, one.place)
        if (key := root.key(source)) not in known:
            known.add(key)
            rows.append({"source": source, "description": one.description})
    return rows


def add_to_selection(
    folder: Path,
    patterns: Sequence[str],
    *,
    recurse: bool = True,
    check: bool = True,
    exclude: Sequence[str] = (),
    into: Path | None = None,
) -> Events[Selection]:
    """Add the DICOM files in ``folder`` that match a pattern to the selection that lies there.

    Parameters
    ----------
    folder
        Where the selection is, or will be.
    patterns
        As ``exclude``. A folder that matches stands for all files in and below it.
    recurse
        Look below the folder too, where a pattern has no slash.
    check
        Look into each file; otherwise its name decides.
    exclude
        Patterns of what to leave out, see :mod:`anontui.dicom.patterns`.
    into
        A folder above, where the selection is kept instead (:func:`selection_file`).

    Raises
    ------
    ScanError, ProjectError
        If no file matches, or something cannot be read or written.
    """
    target = selection_file(folder, into)
    below = folder.relative_to(target.parent)
    is_meant = matcher(patterns) or (lambda _: False)
    found = yield from _scanned(folder, exclude, check)
    paths = []
    for file in found.dicom:
        names = file.path.split("/")
        ways = ["/".join(names[:end]) for end in range(1, len(names) + 1)] if recurse else names[:1]
        if (recurse or len(names) == 1) and any(map(is_meant, ways)):
            paths.append((below / file.path).as_posix())
    if not paths:
        raise ProjectError(
            "No DICOM file matches",
            advice="Quote the pattern, so that the shell leaves it alone, and check it.",
        )
    old = Selection.load(target) if target.exists() else Selection.new(_describe(folder), ())
    chosen = replace(old, paths=tuple(dict.fromkeys((*old.paths, *paths))))
    try:
        chosen.save(target)
    except ProjectError as error:
        if target.parent == folder:
            error.advice = (
                "Keep it in a folder above that you may write in, such as the project folder: "
                "add --into FOLDER."
            )
        raise
    yield Result(chosen)


def selection_file(folder: Path, into: Path | None = None) -> Path:
    """Where the selection of a folder is, or would be if it is kept in a folder above.

    Raises
    ------
    UsageError
        If ``into`` is not above: a selection holds files in and below its own folder only.
    """
    if into is None or into == folder:
        return folder / FILENAME
    if not folder.is_relative_to(into):
        raise UsageError(
            "A selection holds files in and below its own folder only",
            advice="Name a folder above the data.",
        )
    return into / f"fileselection-{_slug(folder.relative_to(into))}.txt"


def selected_by(workspace: Workspace, path: Path, selection: Selection) -> SelectedFolder:
    """What a selection file selects.

    Raises
    ------
    ProjectError
        If no share is known where it lies, and it is not in the project folder.
    """
    source = _source(workspace, SourceKind.FILESELECTION, path)
    return SelectedFolder(path.parent, path, source, len(selection.paths), 0)


def _scanned(
    folder: Path, exclude: Sequence[str], check: bool
) -> Generator[Progress | Warning, None, Scan]:
    for event in scan(folder, exclude=(BACKUP_NAME, *exclude), check=check):
        if isinstance(event, Result):
            return event.value
        yield (
            replace(event, what=f"{folder.name}: {event.what}")
            if isinstance(event, Progress)
            else event
        )
    raise RuntimeError("the scan ended without a result")


def _select(
    workspace: Workspace, folder: Path, found: Scan, projects: set[Path], *, whole: bool
) -> tuple[SelectedFolder, Warning | None]:
    """Save the selection of one scanned folder."""
    paths = tuple(file.path for file in found.dicom)
    others = len(found.files) - len(paths)
    if not paths:
        raise ProjectError("There is no DICOM file in this folder", advice="Choose another one.")
    for place in (folder, *folder.parents):
        if place != folder and not any(map(place.is_relative_to, projects)):
            break
        below = folder.relative_to(place)
        name = selection_file(folder, place).name
        inside = tuple((below / path).as_posix() for path in paths)
        chosen = Selection.new(_describe(folder), inside)
        chosen.dumps()  # what cannot be written anywhere is told as that
        source = _source(workspace, SourceKind.FILESELECTION, place / name)
        with suppress(ProjectError):  # it cannot be written here
            warning = _save(place / name, chosen)
            return SelectedFolder(folder, place / name, source, len(paths), others), warning
    if others or not whole or found.warnings:
        raise ProjectError(
            "The selection cannot be saved beside its files",
            advice="Get write access to the folder, or work in a project folder above the data.",
        )
    source = _source(workspace, SourceKind.FOLDER, folder)
    return SelectedFolder(folder, None, source, len(paths), 0), None


def _save(path: Path, new: Selection) -> Warning | None:
    """Save a selection, keeping the words and the id of one that is there, and a copy of it."""
    if not path.exists():
        new.save(path)
        return None
    try:
        old = Selection.load(path)
    except ProjectError:
        old = Selection("", "", ())  # kept beside, as any other that differs
    if set(old.paths) == set(new.paths):
        return None
    backup = path.with_name(f"{path.name}.bak")
    try:
        atomic.write_bytes(backup, path.read_bytes())
    except OSError as error:
        raise ProjectError(
            "The selection that is there cannot be kept",
            cause=error.strerror or type(error).__name__,
            advice=f"Move {FILENAME} away.",
        ) from error
    replace(new, description=old.description or new.description, id=old.id or new.id).save(path)
    return Warning(
        f"A selection of {len(old.paths)} files was there; it now holds {len(new.paths)}",
        f"The old one is kept beside it as {backup.name}.",
    )


def _source(workspace: Workspace, kind: SourceKind, path: Path) -> Source:
    """The source that names a local path: UNC, or relative to the project folder.

    Relative is AnonAPI's way: there, the mapping lies at the root of the data.
    """
    if text := unc_of(workspace, path):
        return Source(kind, text)
    if path.is_relative_to(workspace.folder):
        below = path.relative_to(workspace.folder)
        if any("\\" in name or _CONTROL.search(name) for name in below.parts):
            raise ProjectError(
                "The folder's name holds a backslash or a control character, which no server knows",
                advice="Rename the folder.",
            )
        return Source(kind, below.as_posix())
    mount = proposal_for(workspace, path)
    raise ProjectError(
        "This folder is on no share that is known, so no server could find it",
        advice=f"It is mounted from {mount.unc}: agree to that with: anontui paths confirm"
        if mount
        else "Name its share with: anontui paths add SHARE FOLDER",
    )


def _describe(folder: Path) -> str:
    return f"DICOM files in {folder.name}"


def _slug(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.as_posix()).strip("-")[:80]
