"""What most commands start from: the folder's workspace, job ids, a client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from anontui.cli.complete import batch_ids
from anontui.cli.out import say
from anontui.errors import ServerError
from anontui.operations.workspace import Workspace, open_workspace
from anontui.settings import Server, Settings, why_ignored

if TYPE_CHECKING:
    from anontui.idis.client import Client
    from anontui.idis.model import Job

F = TypeVar("F", bound=Callable[..., Any])


def workspace() -> Workspace:
    """Open the current folder, telling what is odd about its settings."""
    found = open_workspace(Path.cwd())
    for warning in filter(None, (why_ignored(found.folder), *found.settings.warnings)):
        say(f"Warning: {warning}")
    return found


def mapping_path(here: Workspace) -> Path:
    """The mapping to work on; says so where that is not the current folder's."""
    from anontui.operations.mappings import active_mapping

    path = active_mapping(here)
    if path != here.mapping_path and here.mapping_path.exists():
        say(f"This is the active mapping {path}. For this folder's own: anontui map activate")
    return path


@contextmanager
def connected(
    settings: Settings, server: Server | None = None, *, timeout: float | None = None
) -> Iterator[Client]:
    """A client of ``server`` (default: the active one); trouble comes with fitting advice."""
    from anontui.operations.servers import advice_for, connect

    server = server or settings.active_server
    try:
        with connect(settings, server, timeout=timeout) as client:
            yield client
    except ServerError as error:
        error.advice = advice_for(settings, server, error)
        raise


def _parsed(ctx: click.Context, param: click.Parameter, words: Sequence[str]) -> tuple[int, ...]:
    from anontui.project.batch import parse_job_ids

    return parse_job_ids(words)


def job_ids(function: F) -> F:
    """Give a command the argument JOB_IDS: ``1 2 3``, ``5-12``, ``1,4-7``."""
    return click.argument(
        "ids",
        metavar="JOB_IDS...",
        nargs=-1,
        required=True,
        callback=_parsed,
        shell_complete=batch_ids,
    )(function)


def advice_on(job: Job) -> str:
    """What to do about a job, with the command that does it; empty if nothing."""
    from datetime import datetime

    from anontui.idis.advice import OPT_OUT, advice_for

    advice = advice_for(job, now=datetime.now())
    if advice is None or not advice.action:
        return advice.text if advice else ""
    more = ' "REASON"' if advice.action == OPT_OUT else ""
    return f"{advice.text} (anontui job {advice.action} {job.job_id}{more})"


def job_row(job: Job) -> dict[str, object]:
    """A job as the tables show it."""
    return {
        "id": job.job_id,
        "date": job.date,
        "status": str(job.status),
        "down": job.files_downloaded,
        "proc": job.files_processed,
        "user": job.user_name,
        "pseudonym": job.source_anonymizedpatientid or job.source_anonymizedpatientname,
        "project": job.project_name,
        "description": job.description,
        "error": job.error_text,
    }
