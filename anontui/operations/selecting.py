"""From folders of files to selections of DICOM and rows of a mapping."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from anontui import unc
from anontui.dicom.scan import Scan, scan
from anontui.errors import AnonTUIError, ProjectError
from anontui.events import Events, Progress, Result, Warning
from anontui.operations.workspace import Workspace
from anontui.project import selection
from anontui.project.mapping import Mapping
from anontui.project.selection import Selection
from anontui.project.source import Source, SourceKind

BACKUP_NAME = f"{selection.FILENAME}.bak"


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


def select_folders(
    workspace: Workspace,
    folders: Sequence[Path],
    *,
    check: bool = True,
    exclude: Sequence[str] = (),
) -> Events[tuple[SelectedFolder, ...]]:
    """Find the DICOM files in and below each folder, and save a selection of them there.

    Where the folder cannot be written, the selection goes to the project folder if the data
    is below it; else a folder that holds nothing but DICOM is taken whole. A selection that
    was there and differs is kept beside the new one, as ``fileselection.txt.bak``.

    Parameters
    ----------
    workspace
        Tells where shares are mounted, so that a source becomes a UNC path.
    folders
        Existing folders.
    check
        Look into each file; otherwise its name decides.
    exclude
        Patterns of names to leave out; ``*`` stands for any part of a name, ``**`` crosses
        folders.
    """
    selected = []
    for folder in dict.fromkeys(Path(os.path.abspath(folder)) for folder in folders):
        found = Scan((), 0, ())
        try:
            for event in scan(folder, exclude=(BACKUP_NAME, *exclude), check=check):
                if isinstance(event, Result):
                    found = event.value
                elif isinstance(event, Progress):
                    yield replace(event, what=f"{folder.name}: {event.what}")
                else:
                    yield event
            chosen, warning = _select(workspace, folder, found, whole=not exclude)
        except AnonTUIError as error:
            others = len(found.files) - len(found.dicom)
            chosen, warning = SelectedFolder(
                folder, None, None, len(found.dicom), others, error.message, error.advice
            ), None
        if warning:
            yield warning
        selected.append(chosen)
    yield Result(tuple(selected))


def rows_for(
    workspace: Workspace, mapping: Mapping, selected: Sequence[SelectedFolder]
) -> list[dict[str, str]]:
    """Rows for :meth:`MappingEditor.insert_rows`, without those that the mapping has already.

    A source below the mapping's ``root_source_path`` is written relative to it. The
    pseudonym stays empty: nobody but the user gives one.
    """
    root = mapping.option("root_source_path")
    root = unc.normalise(root) if unc.is_unc(root) else ""
    known = {
        _key(text, root)
        for row in range(len(mapping.rows))
        if (text := mapping.cell(row, "source"))
    }
    rows = []
    for one in selected:
        if one.source is None or _key(str(one.source), root) in known:
            continue
        known.add(_key(str(one.source), root))
        left_out = f", {one.other} other files left out" if one.other else ""
        rows.append(
            {
                "source": str(_relative(one.source, root)),
                "description": f"{one.dicom} DICOM files{left_out}",
            }
        )
    return rows


def _select(
    workspace: Workspace, folder: Path, found: Scan, *, whole: bool
) -> tuple[SelectedFolder, Warning | None]:
    """Save the selection of one scanned folder."""
    paths = tuple(file.path for file in found.dicom)
    others = len(found.files) - len(paths)
    if not paths:
        raise ProjectError(
            "No DICOM file was found in this folder",
            advice="Choose another folder, or leave the exclusion of files away.",
        )
    target, warning = folder / selection.FILENAME, None
    try:
        warning = _save(target, folder.name, paths)
    except OSError as error:
        if folder.is_relative_to(workspace.folder):
            below = folder.relative_to(workspace.folder).as_posix()
            target = workspace.folder / f"fileselection-{_slug(below)}.txt"
            try:
                warning = _save(target, folder.name, tuple(f"{below}/{path}" for path in paths))
            except OSError as second:
                raise _unwritable(second) from second
        elif others or not whole:
            raise _unwritable(error) from error
        else:
            source = _source(workspace, SourceKind.FOLDER, folder)
            return SelectedFolder(folder, None, source, len(paths), 0), None
    source = _source(workspace, SourceKind.FILESELECTION, target)
    return SelectedFolder(folder, target, source, len(paths), others), warning


def _save(path: Path, name: str, paths: tuple[str, ...]) -> Warning | None:
    """Save a selection, keeping the words and the id of one that is there.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    try:
        old = Selection.load(path) if path.exists() else None
    except ProjectError:
        old = Selection("", "", ())  # unreadable: kept beside, as any other that differs
    if old is None:
        Selection(f"DICOM files in {name}", str(uuid.uuid4()), paths).save(path)
        return None
    if set(old.paths) == set(paths):
        return None
    os.replace(path, path.with_name(path.name + ".bak"))
    Selection(old.description or f"DICOM files in {name}", old.id or str(uuid.uuid4()), paths).save(
        path
    )
    return Warning(
        f"A selection of {len(old.paths)} files was there; it now holds {len(paths)}",
        f"The old one is kept beside it as {path.name}.bak.",
    )


def _source(workspace: Workspace, kind: SourceKind, path: Path) -> Source:
    """The source that names a local path: UNC, or relative to the project folder.

    Relative is AnonAPI's way: there, the mapping lies at the root of the data.
    """
    text = workspace.share_map().to_unc(path)
    if text:
        return Source(kind, text)
    if path.is_relative_to(workspace.folder):
        return Source(kind, path.relative_to(workspace.folder).as_posix())
    raise ProjectError(
        "This folder is on no share that is known, so the server cannot be told where it is",
        advice="Add the share to 'shares' in the settings, or work in a folder above the data.",
    )


def _relative(source: Source, root: str) -> Source:
    """The same source relative to ``root``, where it is below it."""
    if root and unc.is_unc(source.value) and unc.is_inside(source.value, root):
        below = unc.normalise(source.value)[len(root) + 1 :].replace("\\", "/")
        return Source(source.kind, below) if below else source
    return source


def _key(text: str, root: str) -> str:
    """What two spellings of one source have in common."""
    try:
        source = Source.parse(text)
        if source.is_path:
            whole = source.value if unc.is_unc(source.value) else unc.join(root, source.value)
            return f"{source.kind}:{unc.normalise(whole)}".casefold()
    except AnonTUIError:
        pass  # cannot be compared; it is reported when jobs are planned
    return text.casefold().replace("\\", "/")


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-")[:80]


def _unwritable(error: OSError) -> ProjectError:
    return ProjectError(
        "The selection cannot be saved beside its files",
        cause=error.strerror or type(error).__name__,
        advice="Get write access to the folder, or work in a project folder above the data.",
    )
