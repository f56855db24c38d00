"""Reading a project folder for the app, in the background worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anontui.errors import AnonTUIError, ProjectError
from anontui.operations.batches import find_batch
from anontui.operations.workspace import Workspace, open_workspace
from anontui.project.batch import Batch
from anontui.project.editor import MappingEditor
from anontui.project.journal import Journal, Recovered, recover


@dataclass(frozen=True)
class Loaded:
    """The files of a project folder; what could not be read is an error beside it."""

    workspace: Workspace
    editor: MappingEditor | None
    mapping_error: AnonTUIError | None
    batch: Batch | None
    batch_error: AnonTUIError | None
    recovered: Recovered | None = None

    @property
    def errors(self) -> list[AnonTUIError]:
        """What the user should be told."""
        return [error for error in (self.mapping_error, self.batch_error) if error]


def load(folder: Path, journal: Path | None = None) -> Loaded:
    """Read settings, mapping and batch.

    Parameters
    ----------
    folder
        The project folder.
    journal
        Where the mapping's edits are noted until they are saved; what an app that was cut
        short left there is taken over. None: neither.

    Raises
    ------
    AnonTUIError
        If the settings cannot be read: without them nothing else makes sense.
    """
    workspace = open_workspace(folder)
    editor: MappingEditor | None = None
    recovered: Recovered | None = None
    mapping_error: AnonTUIError | None = None
    if workspace.mapping_path.exists():
        try:
            editor = MappingEditor.load(workspace.mapping_path)
            editor.shares = workspace.share_map()
            if journal is not None:
                recovered = open_journal(editor, journal)
        except ProjectError as error:
            mapping_error = error
    batch: Batch | None = None
    batch_error: AnonTUIError | None = None
    try:
        batch = find_batch(workspace)
    except ProjectError as error:
        batch_error = error
    return Loaded(workspace, editor, mapping_error, batch, batch_error, recovered)


def open_journal(editor: MappingEditor, path: Path) -> Recovered | None:
    """Give an editor its journal, and what an earlier one had not saved."""
    editor.journal = Journal(path)
    for kept, forget in recover(path):
        if kept.steps:
            edits = "edit" if kept.steps == 1 else "edits"
            editor.recover(kept, f"{kept.steps} recovered {edits}")
        if kept.draft is not None:
            editor.note_draft(kept.draft)
        if editor.journal.works:
            forget()
        return kept
    return None
