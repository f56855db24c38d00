"""Starting a mapping, choosing the active one, and keeping one that may not be saved."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from anontui.errors import ProjectError
from anontui.operations.paths import unc_of
from anontui.operations.workspace import Workspace
from anontui.project import files
from anontui.project.columns import canonical
from anontui.project.editor import MappingEditor
from anontui.project.mapping import FILENAME, OPTIONS, Mapping

ASIDE = "unsaved"
REPLACED = "old"


def new_mapping(workspace: Workspace, *, replace: bool = False) -> Mapping:
    """Write an empty mapping into the project folder.

    Its options are the settings' job defaults; the root of the sources is the folder
    itself, where the share map tells its UNC path.

    Parameters
    ----------
    workspace
        The project folder and settings.
    replace
        Take the place of a mapping that is there, which is kept beside (:func:`kept_as`).

    Raises
    ------
    ProjectError
        If there is a mapping already and it shall not be replaced, or it cannot be written.
    """
    path = workspace.mapping_path
    if path.exists():
        if not replace:
            raise ProjectError(
                f"There is a mapping already: {path}", advice="Use it, or move it away first."
            )
        files.write_bytes(kept_as(path, REPLACED), files.read_bytes(path, "mapping"), "copy")
    defaults = {canonical(name): text for name, text in workspace.settings.job_defaults.items()}
    defaults.setdefault("root_source_path", unc_of(workspace, workspace.folder) or "")
    mapping = Mapping.new(
        description=f"Mapping created {date.today():%Y-%m-%d}",
        options={name: defaults.get(name, "") for name in OPTIONS if name != "pims_key"},
    )
    mapping.save(path)
    return mapping


def active_mapping(workspace: Workspace) -> Path:
    """Return the mapping that commands work on, in whatever folder they are given.

    That is the one that was activated, as long as it exists; else the current folder's.

    Raises
    ------
    ProjectError
        If there is neither.
    """
    active = workspace.settings.active_mapping_file or ""
    if os.path.isabs(active) and os.path.isfile(active):
        return Path(active)
    if workspace.mapping_path.exists():
        return workspace.mapping_path
    gone = (
        f"The active mapping {active} is gone, and this"
        if active
        else "No mapping is active, and this"
    )
    raise ProjectError(
        f"{gone} folder has none",
        advice="Make one here with: anontui map init. Or activate one: anontui map activate FOLDER",
    )


def activate(workspace: Workspace, place: Path) -> Workspace:
    """Make a mapping the active one; ``place`` is its file or its folder.

    Raises
    ------
    ProjectError
        If there is no mapping, or it cannot be read as one.
    SettingsError
        If the settings cannot be saved.
    """
    path = Path(os.path.abspath(place))
    path = path / FILENAME if path.is_dir() else path
    Mapping.load(path)
    settings = workspace.settings.replace(active_mapping_file=str(path))
    settings.save()
    return workspace.with_settings(settings)


def delete_mapping(workspace: Workspace, path: Path) -> Workspace:
    """Delete a mapping; if it was the active one, none is.

    Raises
    ------
    ProjectError
        If it cannot be deleted.
    SettingsError
        If the settings cannot be saved.
    """
    files.delete(path, "mapping")
    if workspace.settings.active_mapping_file != str(path):
        return workspace
    settings = workspace.settings.replace(active_mapping_file=None)
    settings.save()
    return workspace.with_settings(settings)


def kept_as(path: Path, word: str) -> Path:
    """Return a free name beside ``path``: ``name.word.csv``, ``name.word-2.csv`` and so on."""
    kept, number = path.with_name(f"{path.stem}.{word}{path.suffix}"), 2
    while kept.exists():  # an earlier one is as dear as this one
        kept = path.with_name(f"{path.stem}.{word}-{number}{path.suffix}")
        number += 1
    return kept


def save_aside(editor: MappingEditor) -> Path:
    """Keep what the editor holds beside its file, which another program changed.

    Raises
    ------
    ProjectError
        If it cannot be written there either.
    """
    path = kept_as(editor.path, ASIDE)
    editor.mapping.save(path)
    return path
