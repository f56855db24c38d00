"""Starting a mapping, and keeping one that may not be saved."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from anontui.errors import ProjectError
from anontui.operations.workspace import Workspace
from anontui.project.columns import canonical
from anontui.project.editor import MappingEditor
from anontui.project.mapping import OPTIONS, Mapping

ASIDE = "unsaved"


def new_mapping(workspace: Workspace) -> Mapping:
    """Write an empty mapping into the project folder.

    Its options are the settings' job defaults; the root of the sources is the folder
    itself, where the share map tells its UNC path.

    Raises
    ------
    ProjectError
        If there is a mapping already, or it cannot be written.
    """
    path = workspace.mapping_path
    if path.exists():
        raise ProjectError(
            f"There is a mapping already: {path}", advice="Use it, or move it away first."
        )
    defaults = {canonical(name): text for name, text in workspace.settings.job_defaults.items()}
    defaults.setdefault("root_source_path", workspace.share_map().to_unc(workspace.folder) or "")
    mapping = Mapping.new(
        description=f"Mapping created {date.today():%Y-%m-%d}",
        options={name: defaults.get(name, "") for name in OPTIONS if name != "pims_key"},
    )
    mapping.save(path)
    return mapping


def aside_of(path: Path) -> Path:
    """Where a mapping is kept that could not be saved at ``path``."""
    return path.with_name(f"{path.stem}.{ASIDE}{path.suffix}")


def save_aside(editor: MappingEditor) -> Path:
    """Keep what the editor holds beside its file, which another program changed.

    Raises
    ------
    ProjectError
        If it cannot be written there either.
    """
    path, number = aside_of(editor.path), 2
    while path.exists():  # an earlier rescue is as dear as this one
        path = editor.path.with_name(f"{editor.path.stem}.{ASIDE}-{number}{editor.path.suffix}")
        number += 1
    editor.mapping.save(path)
    return path
