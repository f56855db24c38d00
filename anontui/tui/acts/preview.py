"""Previews: of what is chosen in the files pane, of a row's source, or of a job's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from anontui.errors import UsageError
from anontui.tui.acts import common
from anontui.tui.screens.preview import PreviewScreen

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


def of_file(app: AnonTUI) -> None:
    """Preview the file under the cursor, or the first one of the folder."""
    path = app.main.files.key
    assert isinstance(path, Path)  # noqa: S101 - the action needs it

    def work() -> tuple[list[Path], int]:
        from anontui.operations.previewing import files_near

        return files_near(path)

    def done(found: tuple[list[Path], int]) -> None:
        app.push_screen(PreviewScreen(*found))

    app.start("preview", work, done)


def of_job(app: AnonTUI) -> None:
    """Preview the source of the job under the cursor."""
    workspace, job_id = common.workspace_of(app), app.main.jobs.key

    def work() -> list[Path]:
        from anontui.operations.previewing import files_of_source
        from anontui.operations.servers import connect

        job = app.model.jobs[job_id]
        if job.source_path is None:  # what the batch tells of it is short
            with connect(workspace.settings, app.main.jobs.server()) as client:
                job = client.job(job_id)
        return files_of_source(workspace, job.source_path)

    def done(found: list[Path]) -> None:
        app.push_screen(PreviewScreen(found))

    app.start("preview", work, done)


def of_row(app: AnonTUI) -> None:
    """Preview the source of the mapping's row under the cursor."""
    workspace, pane = common.workspace_of(app), app.main.mapping
    editor = pane.editor
    assert editor is not None  # noqa: S101 - the action needs a row
    mapping, text = editor.mapping, editor.mapping.cell(pane.row_of(pane.key), "source")

    def work() -> list[Path]:
        from anontui.operations.previewing import files_of_row

        return files_of_row(workspace, mapping, text)

    def done(found: list[Path]) -> None:
        app.push_screen(PreviewScreen(found))

    app.start("preview", work, done)


def policy(app: AnonTUI) -> None:
    """Ask for a policy file to go by."""
    screen = app.here
    assert isinstance(screen, PreviewScreen)  # noqa: S101 - the action needs it

    def answered(text: str) -> None:
        path = app.model.folder / Path(text).expanduser() if text else None
        if path is not None and not path.is_file():
            raise UsageError("There is no such file here", advice="Correct its path.")
        screen.use_policy(path)

    now = str(screen.policy) if screen.policy else ""
    common.ask(app, "Policy file (YAML); empty for the Basic Profile", now, answered)
