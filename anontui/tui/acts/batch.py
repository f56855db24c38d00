"""The batch as a whole: made, forgotten, other jobs in it, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from anontui.errors import UsageError
from anontui.tui.acts import common
from anontui.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from anontui.project.batch import Batch
    from anontui.settings import Server
    from anontui.tui.app import AnonTUI


def init(app: AnonTUI) -> None:
    """Start an empty batch."""
    from anontui.operations.batches import new_batch

    workspace = common.workspace_of(app)
    common.run(
        app, lambda: new_batch(workspace), lambda made: f"An empty batch of {made.server_name}"
    )


def delete(app: AnonTUI) -> None:
    """Forget the batch, after a question."""
    from anontui.operations.batches import delete_batch

    workspace = common.workspace_of(app)
    count, name = len(app.model.job_ids()), app.model.batch_server()
    question = f"Forget the batch of {count} jobs on {name}?"
    meaning = "Its jobs go on, but nothing here tells any more which they are."
    common.confirm(
        app,
        ConfirmScreen(question, meaning, "Forget"),
        lambda: common.run(app, lambda: delete_batch(workspace), "The batch is forgotten"),
    )


def add(app: AnonTUI) -> None:
    """Ask for ids and add these jobs."""

    def answered(text: str) -> None:
        from anontui.project.batch import parse_job_ids

        add_ids(app, parse_job_ids([text]))

    common.ask(app, "Job ids to add: 1 2 3, 5-12, 1,4-7", "", answered)


def add_ids(app: AnonTUI, ids: Sequence[int], server: Server | None = None) -> None:
    """Add jobs, of ``server`` if it is given, to the batch."""
    from anontui.operations.batches import add_jobs

    workspace, batch = common.workspace_of(app), app.model.batch
    if server and batch and batch.server_url.rstrip("/") != server.url.rstrip("/"):
        raise UsageError(
            f"This folder's batch is of another server, {batch.server_name}",
            advice="Add them in another project folder.",
        )
    if server and batch is None:
        workspace = workspace.with_settings(workspace.settings.activated(server.name))
    common.run(app, lambda: add_jobs(workspace, ids), _count)


def remove(app: AnonTUI) -> None:
    """Take the marked jobs out of the batch, after a question."""
    from anontui.operations.batches import remove_jobs

    workspace, ids = common.workspace_of(app), app.main.jobs.chosen()
    jobs = f"job {ids[0]}" if len(ids) == 1 else f"{len(ids)} jobs"

    def take_out() -> None:
        app.main.jobs.grid.clear_marks()
        common.run(app, lambda: remove_jobs(workspace, ids), _count)

    question = ConfirmScreen(
        f"Take {jobs} out of the batch?", "On the server nothing changes.", "Take out"
    )
    common.confirm(app, question, take_out)


def _count(batch: Batch) -> str:
    return f"The batch has {len(batch.job_ids)} jobs on {batch.server_name}"


def show_errors(app: AnonTUI) -> None:
    """Show what failed, and what to do about it."""
    from anontui.idis.advice import advice_for

    parts: list[Content] = []
    for job_id in app.model.job_ids():
        job = app.model.jobs.get(job_id)
        advice = advice_for(job, now=datetime.now()) if job else None
        if job and advice:
            error = job.error_text or str(job.status)
            parts.append(Content.assemble((f"{job_id}  ", "bold $accent"), (error, "$error")))
            parts.append(Content.assemble("   → ", (advice.text, "$text-muted"), "\n"))
    common.show_text(app, "Errors", Content("\n").join(parts))


def export(app: AnonTUI) -> None:
    """Ask for a name and save the batch as a spreadsheet."""
    from anontui.operations.exporting import export as write

    ids, jobs, folder = app.model.job_ids(), dict(app.model.jobs), app.model.folder

    def answered(name: str) -> None:
        path = folder / Path(name).expanduser()

        def save() -> None:
            app.start(
                "files",
                lambda: write(path, ids, jobs, replace=True),
                lambda count: app.say(f"{count} jobs written to {path.name}", "$success"),
            )

        if path.exists():
            question = f"Replace {path.name}?"
            common.confirm(app, ConfirmScreen(question, "What it holds is lost.", "Replace"), save)
        else:
            save()

    common.ask(app, "Spreadsheet to write", "batch.xlsx", answered)
