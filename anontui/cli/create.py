"""``anontui create``: jobs from a mapping."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anontui.cli.complete import pseudonyms as pseudonyms_of
from anontui.cli.context import connected, mapping_path, workspace
from anontui.cli.out import (
    JSON_OPTION,
    YES_OPTION,
    confirm,
    follow,
    say,
    show_fields,
    show_json,
    show_table,
)
from anontui.cli.problems import show_problems
from anontui.errors import ProjectError, UsageError

if TYPE_CHECKING:
    from anontui.operations.creating import Plan
    from anontui.operations.workspace import Workspace


@click.group("create")
def command() -> None:
    """Create jobs."""


@command.command("from-mapping")
@click.option("--dry-run/--no-dry-run", default=False, help="Only show what would be created.")
@click.option(
    "-f",
    "--filter",
    "pseudonyms",
    metavar="PSEUDONYM",
    multiple=True,
    shell_complete=pseudonyms_of,
    help="Only rows with this pseudonym; can be given several times.",
)
@click.option(
    "--sample",
    metavar="N",
    type=click.IntRange(0),
    default=10,
    show_default=True,
    help="Look into the headers of N files a row; anontui map check looks into all.",
)
@YES_OPTION
@JSON_OPTION
def from_mapping(
    *, dry_run: bool, pseudonyms: tuple[str, ...], sample: int, yes: bool, as_json: bool
) -> None:
    """Create a job for each row of the mapping.

    Rows that became a job before are passed over, so that an interrupted run can just be
    started again. While something is wrong with a row, nothing is created.
    """
    from anontui.operations.creating import create
    from anontui.operations.patients import checked_plan
    from anontui.project.mapping import Mapping

    here = workspace()
    path = mapping_path(here)
    if path != here.mapping_path:
        here = _project_of(here, path)
    checking = checked_plan(here, Mapping.load(path), only=pseudonyms or None, limit=sample)
    planned = follow(checking, "reading headers")
    if pseudonyms and not planned.jobs:
        raise ProjectError(
            "No row of the mapping has this pseudonym", advice="See them with: anontui map status"
        )
    if dry_run:
        _show(planned, as_json)
    show_problems(planned.problems)
    if planned.errors:
        raise ProjectError(
            "Nothing is created while something is wrong",
            advice="Correct the mapping, or choose rows with --filter PSEUDONYM.",
        )
    if dry_run:
        say(f"{len(planned.ready)} jobs would be created. Nothing was sent.")
        return
    ready = planned.ready
    exist = f"{len(planned.already_created)} exist already" if planned.already_created else ""
    if not ready:
        say(f"There is nothing to create{': ' * bool(exist)}{exist}.")
        if as_json:
            show_json([])
        return
    requests = [job.request for job in ready if job.request]
    projects = ", ".join(sorted({request.project_name for request in requests}))
    targets = ", ".join(sorted({request.destination_path for request in requests}))
    confirm(
        f"Create {len(ready)} jobs on {planned.server.name} for the project {projects}, "
        f"writing to {targets}{f' ({exist})' * bool(exist)}?",
        yes=yes,
    )
    with connected(here.settings, planned.server) as client:
        made = follow(create(here, planned, client), "creating jobs").jobs
    by_row = {job.row: job for job in ready}
    rows: list[dict[str, object]] = [
        {"id": job_id, "row": row + 1, "pseudonym": by_row[row].pseudonym}
        for row, job_id in sorted(made.items())
    ]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ("id", "row", "pseudonym"))
    say(f"Created {len(rows)} jobs. Follow them with: anontui batch status")


def _project_of(here: Workspace, mapping: Path) -> Workspace:
    """The project of the active mapping, which is elsewhere: its jobs are remembered there."""
    if here.mapping_path.exists():
        raise ProjectError(
            "Another mapping than this folder's is the active one",
            advice="Choose this folder's with: anontui map activate",
        )
    say(f"Creating from {mapping}; the batch is in its folder.")
    return replace(here, folder=mapping.parent)


@command.command("set-defaults")
@click.option("--project", metavar="NAME", help="Project on the server.")
@click.option("--destination-path", metavar="UNC", help="Folder for the de-identified data.")
def set_defaults(project: str | None, destination_path: str | None) -> None:
    """Set what jobs get where a mapping says nothing.

    Asks for what is not given. An empty text ("") takes a default away.
    """
    from anontui.operations.settings import with_defaults

    settings = workspace().settings
    before = settings.job_defaults
    if project is None and destination_path is None:
        project = _asked("Project", "--project", before.get("project", ""))
        destination_path = _asked(
            "Destination path", "--destination-path", before.get("destination_path", "")
        )
    changed = with_defaults(
        settings,
        project=before.get("project", "") if project is None else project.strip(),
        destination_path=before.get("destination_path", "")
        if destination_path is None
        else destination_path.strip(),
    )
    changed.save()
    say("Saved. See them with: anontui create show-defaults")


def _asked(what: str, option: str, before: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            f"No {what.lower()} is given, and there is no terminal to ask on",
            advice=f"Add {option}.",
        )
    answer: str = click.prompt(what, default=before, show_default=bool(before), err=True)
    return answer


@command.command("show-defaults")
@JSON_OPTION
def show_defaults(as_json: bool) -> None:
    """Show what jobs get where a mapping says nothing."""
    defaults = workspace().settings.job_defaults
    if as_json:
        show_json(defaults)
    elif defaults:
        show_fields(defaults)
    else:
        say("No defaults are set. Set them with: anontui create set-defaults")


def _show(planned: Plan, as_json: bool) -> None:
    rows: list[dict[str, object]] = []
    for job in planned.jobs:
        state = "ready" if job.is_ready else "wrong"
        if job.created_as is not None:
            state = f"exists as {job.created_as}"
        request = job.request
        rows.append(
            {
                "row": job.row + 1,
                "state": state,
                "source": job.source,
                "pseudonym": job.pseudonym,
                "project": request.project_name if request else None,
                "destination": request.destination_path if request else None,
            }
        )
    if as_json:
        show_json(
            [
                row | {"job_id": job.created_as, "request": job.request and job.request.to_form()}
                for row, job in zip(rows, planned.jobs, strict=True)
            ]
        )
    else:
        show_table(rows, ("row", "state", "source", "pseudonym", "project", "destination"))
