"""``anontui job``: single jobs on the active server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from anontui.cli import changing
from anontui.cli.context import advice_on, connected, job_ids, job_row, workspace
from anontui.cli.out import JSON_OPTION, YES_OPTION, say, show_fields, show_json, show_table

if TYPE_CHECKING:
    from anontui.idis.model import Job


@click.group("job")
def command() -> None:
    """Look at and change single jobs on the active server.

    JOB_IDS can be single ids, ranges and lists: 1 2 3, 5-12, 1,4-7.
    """


@command.command()
@job_ids
@JSON_OPTION
def info(ids: tuple[int, ...], as_json: bool) -> None:
    """Show all that is known of jobs."""
    found = _found(ids)
    if as_json:
        show_json([job.to_json() for job in found.values()])
    else:
        for number, job in enumerate(found.values()):
            if number:
                click.echo()
            show_fields(job.to_json() | {"advice": advice_on(job)})
    _tell_missing(ids, found)


@command.command("list")
@job_ids
@JSON_OPTION
def list_jobs(ids: tuple[int, ...], as_json: bool) -> None:
    """List jobs, one a line."""
    found = _found(ids)
    if as_json:
        show_json([job.to_json() for job in found.values()])
    elif found:
        columns = ("id", "date", "status", "down", "proc", "user", "pseudonym", "error")
        show_table([job_row(job) for job in found.values()], columns)
    _tell_missing(ids, found)


@command.command()
@job_ids
@YES_OPTION
def reset(ids: tuple[int, ...], yes: bool) -> None:
    """Have jobs processed again, from the start."""
    settings = workspace().settings
    with connected(settings) as client:
        changing.reset(client, settings.active_server.name, ids, yes=yes)


@command.command()
@job_ids
@YES_OPTION
def cancel(ids: tuple[int, ...], yes: bool) -> None:
    """Make jobs inactive."""
    settings = workspace().settings
    with connected(settings) as client:
        changing.cancel(client, settings.active_server.name, ids, yes=yes)


@command.command("set-opt-out-ignore")
@job_ids
@click.argument("reason")
@YES_OPTION
def set_opt_out_ignore(ids: tuple[int, ...], reason: str, yes: bool) -> None:
    """Have jobs use the data of patients who opted out, for REASON.

    REASON is one word, or a text in quotes; the server keeps it. Only a signed consent of
    the patient is a good one. To have a job processed, reset it afterwards.
    """
    settings = workspace().settings
    with connected(settings) as client:
        changing.ignore_opt_out(client, settings.active_server.name, ids, reason, yes=yes)


def _found(ids: Iterable[int]) -> dict[int, Job]:
    """The jobs that the server knows, in the order in which they were asked for."""
    from anontui.operations.jobs import status

    with connected(workspace().settings) as client:
        jobs = status(client, ids)
    return {job_id: jobs[job_id] for job_id in ids if job_id in jobs}


def _tell_missing(ids: Iterable[int], found: dict[int, Job]) -> None:
    missing = [str(job_id) for job_id in ids if job_id not in found]
    if missing:
        say(f"Error: the server knows no job {', '.join(missing)}.")
        click.get_current_context().exit(1)
