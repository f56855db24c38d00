"""``anontui batch``: the jobs of the current folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import click

from anontui.cli.changing import Action, change
from anontui.cli.context import connected, job_ids, job_row, workspace
from anontui.cli.out import JSON_OPTION, YES_OPTION, clean, say, show_fields, show_json, show_table
from anontui.operations import batches

if TYPE_CHECKING:
    from anontui.idis.client import Client
    from anontui.idis.model import Job
    from anontui.project.batch import Batch

NOT_FOUND = "NOT_FOUND"


@click.group("batch")
def command() -> None:
    """Follow and change the jobs of the current folder.

    JOB_IDS can be single ids, ranges and lists: 1 2 3, 5-12, 1,4-7.
    """


@command.command()
@JSON_OPTION
def info(as_json: bool) -> None:
    """Show which jobs, on which server; asks no server."""
    batch = batches.open_batch(workspace())
    server = {"name": batch.server_name, "url": batch.server_url}
    if as_json:
        show_json({"job_ids": batch.job_ids, "server": server})
    else:
        ids = ", ".join(map(str, batch.job_ids)) or "none"
        show_fields({"Server": f"{batch.server_name} {batch.server_url}", "Jobs": ids})


@command.command()
@click.option("--patient-name", is_flag=True, help="Show the pseudonym too.")
@JSON_OPTION
def status(patient_name: bool, as_json: bool) -> None:
    """Show how the jobs are doing."""
    with _client() as (batch, client):
        found = _jobs(batch, client)
    rows = [
        job_row(found[job_id]) if job_id in found else {"id": job_id, "status": NOT_FOUND}
        for job_id in batch.job_ids
    ]
    if as_json:
        show_json(
            [
                found[job_id].to_json() if job_id in found else row
                for job_id, row in zip(batch.job_ids, rows, strict=True)
            ]
        )
        return
    names = ("pseudonym",) if patient_name else ()
    show_table(rows, ("id", "date", "status", "down", "proc", "user", *names, "error"))
    counts = Counter(str(row["status"]) for row in rows)
    total = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    say(f"{len(rows)} jobs on {batch.server_name}{': ' * bool(total)}{total}")


@command.command()
@job_ids
def add(ids: tuple[int, ...]) -> None:
    """Add jobs to the batch, a new one if need be."""
    batch = batches.add_jobs(workspace(), ids)
    say(f"The batch now has {len(batch.job_ids)} jobs on {batch.server_name}.")


@command.command()
@job_ids
def remove(ids: tuple[int, ...]) -> None:
    """Take jobs out of the batch; on the server nothing changes."""
    batch = batches.remove_jobs(workspace(), ids)
    say(f"The batch now has {len(batch.job_ids)} jobs on {batch.server_name}.")


@command.command()
@YES_OPTION
def reset(yes: bool) -> None:
    """Have every job processed again, from the start."""
    _change("reset", None, yes=yes)


@command.command()
@YES_OPTION
def cancel(yes: bool) -> None:
    """Make every job inactive."""
    _change("cancel", None, yes=yes)


@command.command("cancel-active")
@YES_OPTION
def cancel_active(yes: bool) -> None:
    """Cancel the ACTIVE jobs; leave the others."""
    _change("cancel", "ACTIVE", yes=yes)


@command.command("reset-error")
@YES_OPTION
def reset_error(yes: bool) -> None:
    """Have the failed jobs processed again."""
    _change("reset", "ERROR", yes=yes)


@command.command("show-error")
@JSON_OPTION
def show_error(as_json: bool) -> None:
    """Show the errors of the failed jobs in full, with advice."""
    from anontui.idis.advice import advice_for

    with _client() as (batch, client):
        failed = [job for job in _jobs(batch, client).values() if job.status == "ERROR"]
    if as_json:
        show_json([job.to_json() for job in failed])
        return
    for job in failed:
        click.echo(f"{job.job_id}: {clean(job.error_text)}")
        if advice := advice_for(job, now=datetime.now()):
            click.echo(f"  {advice}")
    if not failed:
        say("No job of this batch failed.")


@contextmanager
def _client() -> Iterator[tuple[Batch, Client]]:
    here = workspace()
    batch = batches.open_batch(here)
    with connected(here.settings, batches.server_of(here, batch)) as client:
        yield batch, client


def _jobs(batch: Batch, client: Client) -> dict[int, Job]:
    from anontui.operations.jobs import status

    found = status(client, batch.job_ids)
    return {job_id: found[job_id] for job_id in batch.job_ids if job_id in found}


def _change(action: Action, only: str | None, *, yes: bool) -> None:
    with _client() as (batch, client):
        ids = batch.job_ids
        if only:
            ids = tuple(i for i, job in _jobs(batch, client).items() if job.status == only)
        change(client, batch.server_name, action, ids, yes=yes)
