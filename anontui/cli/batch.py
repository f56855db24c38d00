"""``anontui batch``: the jobs of the current folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anontui.cli import changing
from anontui.cli.context import advice_on, connected, job_ids, job_row, workspace
from anontui.cli.out import (
    JSON_OPTION,
    YES_OPTION,
    clean,
    confirm,
    say,
    show_fields,
    show_json,
    show_table,
)
from anontui.operations import batches

if TYPE_CHECKING:
    from anontui.idis.client import Client
    from anontui.idis.model import Job
    from anontui.project.batch import Batch


PATIENT_NAME = click.option(
    "--patient-name/--no-patient-name", default=False, help="Show the pseudonym too."
)


@click.group("batch")
def command() -> None:
    """Follow and change the jobs of the current folder.

    JOB_IDS can be single ids, ranges and lists: 1 2 3, 5-12, 1,4-7.
    """


@command.command()
def init() -> None:
    """Start an empty batch of the active server."""
    batch = batches.new_batch(workspace())
    say(f"Made an empty batch of {batch.server_name} in this folder.")


@command.command()
@YES_OPTION
def delete(yes: bool) -> None:
    """Forget the batch; on the server nothing changes."""
    here = workspace()
    batch = batches.open_batch(here)
    confirm(f"Forget the batch of {len(batch.job_ids)} jobs on {batch.server_name}?", yes=yes)
    batches.delete_batch(here)
    say("The batch is forgotten. Its jobs go on.")


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
@PATIENT_NAME
@JSON_OPTION
def status(patient_name: bool, as_json: bool) -> None:
    """Show how the jobs are doing."""
    with _client() as (batch, client):
        found = _jobs(batch, client)
    _show(batch, found, patient_name=patient_name, as_json=as_json)


@command.command()
@click.option(
    "--interval",
    type=click.FloatRange(0.5, 3600),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Time between two looks.",
)
@PATIENT_NAME
@JSON_OPTION
@click.pass_context
def watch(context: click.Context, interval: float, patient_name: bool, as_json: bool) -> None:
    """Show how the jobs are doing, live, until none is at work any more.

    Ctrl-C ends it; jobs go on. Off a terminal it prints a line for each change, with --json
    only the last state. The exit code is 0 if all jobs are DONE.
    """
    from anontui.cli.watching import follow_jobs
    from anontui.operations.jobs import watch as looks

    with _client() as (batch, client):
        news = looks(client, batch.job_ids, interval=interval)
        found = follow_jobs(news, batch.job_ids, quiet=as_json)
    _show(batch, found, patient_name=patient_name, as_json=as_json)
    done = sum(job.status == "DONE" for job in found.values())
    context.exit(0 if done == len(batch.job_ids) else 1)


@command.command()
@click.argument("file", metavar="FILE.xlsx", type=click.Path(path_type=Path, dir_okay=False))
@YES_OPTION
def export(file: Path, yes: bool) -> None:
    """Write the jobs into a spreadsheet, with their errors and advice."""
    from anontui.operations.exporting import export as write

    if file.exists():
        confirm(f"Replace {file}?", yes=yes)
    with _client() as (batch, client):
        found = _jobs(batch, client)
    count = write(file, batch.job_ids, found, replace=True)
    say(f"Wrote {count} jobs to {file}.")


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
    with _client() as (batch, client):
        changing.reset(client, batch.server_name, batch.job_ids, yes=yes)


@command.command()
@YES_OPTION
def cancel(yes: bool) -> None:
    """Make every job inactive."""
    with _client() as (batch, client):
        changing.cancel(client, batch.server_name, batch.job_ids, yes=yes)


@command.command("cancel-active")
@YES_OPTION
def cancel_active(yes: bool) -> None:
    """Cancel the ACTIVE jobs; leave the others."""
    with _client() as (batch, client):
        changing.cancel(client, batch.server_name, _in_state("ACTIVE", batch, client), yes=yes)


@command.command("reset-error")
@YES_OPTION
def reset_error(yes: bool) -> None:
    """Have the failed jobs processed again."""
    with _client() as (batch, client):
        changing.reset(client, batch.server_name, _in_state("ERROR", batch, client), yes=yes)


@command.command("show-error")
@JSON_OPTION
def show_error(as_json: bool) -> None:
    """Show the errors of the failed jobs in full, with advice; those that are stuck, too."""
    with _client() as (batch, client):
        failed = [job for job in _jobs(batch, client).values() if advice_on(job)]
    if as_json:
        show_json([job.to_json() | {"advice": advice_on(job)} for job in failed])
        return
    for job in failed:
        click.echo(f"{job.job_id}: {clean(job.error_text) or job.status}")
        click.echo(f"  {advice_on(job)}")
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


def _in_state(status: str, batch: Batch, client: Client) -> list[int]:
    return [job_id for job_id, job in _jobs(batch, client).items() if job.status == status]


def _show(batch: Batch, found: dict[int, Job], *, patient_name: bool, as_json: bool) -> None:
    """Show the batch's jobs, and on stderr how many are in which state."""
    from anontui.operations.jobs import NOT_FOUND

    rows = [
        job_row(found[job_id]) if job_id in found else {"id": job_id, "status": NOT_FOUND}
        for job_id in batch.job_ids
    ]
    if as_json:
        show_json(
            [
                found[job_id].to_json()
                if job_id in found
                else {"job_id": job_id, "status": NOT_FOUND}
                for job_id in batch.job_ids
            ]
        )
        return
    names = ("pseudonym",) if patient_name else ()
    show_table(rows, ("id", "date", "status", "down", "proc", "user", *names, "error"))
    counts = Counter(str(row["status"]) for row in rows)
    total = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    say(f"{len(rows)} jobs on {batch.server_name}{': ' * bool(total)}{total}")
