"""The jobs that belong to a project folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from anontui.errors import ProjectError, SettingsError
from anontui.operations.ledger import settle, unsaved
from anontui.operations.workspace import Workspace
from anontui.project.batch import FILENAME, Batch
from anontui.settings import Server


def find_batch(workspace: Workspace) -> Batch | None:
    """The folder's batch; None if there is none.

    It has the jobs, too, that a creation which was cut short could not bring into it any more.

    Raises
    ------
    ProjectError
        If it cannot be read.
    """
    batch = Batch.load(workspace.folder)
    if batch is None:
        return None
    missing = unsaved(workspace.folder, batch.server_url.rstrip("/"))
    return replace(batch, job_ids=(*batch.job_ids, *missing)) if missing else batch


def open_batch(workspace: Workspace) -> Batch:
    """The folder's batch.

    Raises
    ------
    ProjectError
        If there is none, or it cannot be read.
    """
    batch = find_batch(workspace)
    if batch is None:
        raise ProjectError(
            "This folder has no batch",
            advice="Create jobs from a mapping, or: anontui batch add JOB_IDS",
        )
    return batch


def new_batch(workspace: Workspace) -> Batch:
    """Write an empty batch of the active server into the folder.

    Raises
    ------
    ProjectError, SettingsError
        If there is a batch already, it cannot be written, or no server is active.
    """
    if (workspace.folder / FILENAME).exists():
        raise ProjectError(
            "This folder has a batch already",
            advice="Use it, or first forget it: anontui batch delete",
        )
    server = workspace.settings.active_server
    return _saved(workspace, Batch((), server.name, server.url), set())


def delete_batch(workspace: Workspace) -> None:
    """Forget the folder's batch; its jobs go on, and no row becomes a job again.

    Raises
    ------
    ProjectError
        If there is none, or it cannot be deleted.
    """
    Batch.delete(workspace.folder)


def add_jobs(workspace: Workspace, ids: Iterable[int]) -> Batch:
    """Add jobs to the folder's batch; a new batch is of the active server.

    Raises
    ------
    ProjectError, SettingsError
        If the batch cannot be read or written, or no server is active for a new one.
    """
    batch = find_batch(workspace)
    if batch is None:
        server = workspace.settings.active_server
        batch = Batch((), server.name, server.url)
    return _saved(workspace, batch, {*batch.job_ids, *ids})


def remove_jobs(workspace: Workspace, ids: Iterable[int]) -> Batch:
    """Take jobs out of the folder's batch; on the server nothing changes.

    Raises
    ------
    ProjectError
        If there is no batch, or it cannot be written.
    """
    batch = open_batch(workspace)
    return _saved(workspace, batch, {*batch.job_ids}.difference(ids))


def server_of(workspace: Workspace, batch: Batch) -> Server:
    """The user's server that a batch is of.

    Raises
    ------
    SettingsError
        If its url is none of the user's servers. A batch file may come from anyone, and
        whoever is asked about its jobs gets the user's token.
    """
    for server in workspace.settings.servers:
        if server.url.rstrip("/") == batch.server_url.rstrip("/"):
            return server
    raise SettingsError(
        f"This folder's batch is of a server that is not among yours: {batch.server_url}",
        advice="If you trust it: anontui server add NAME URL",
    )


def _saved(workspace: Workspace, batch: Batch, ids: set[int]) -> Batch:
    batch = replace(batch, job_ids=tuple(sorted(ids)))
    batch.save(workspace.folder)
    settle(workspace.folder, batch.server_url.rstrip("/"))
    return batch
