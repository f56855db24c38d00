"""``anontui quarantine``: decide about files that a server of this machine holds back."""

from __future__ import annotations

from pathlib import Path

import click

from anontui.cli.identities import open_review
from anontui.cli.out import (
    JSON_OPTION,
    YES_OPTION,
    confirm,
    say,
    show_fields,
    show_json,
    show_table,
)
from anontui.cli.serve import DATA_OPTION

_IDS = click.argument("ids", metavar="IDS...", nargs=-1, required=True)
_NOTE = click.option("--note", default="", help="Why, for the audit.")


@click.group("quarantine")
def command() -> None:
    """Decide about files that a server of this machine holds back."""


@command.command("list")
@click.option(
    "--state",
    type=click.Choice(["waiting", "released", "rejected", "all"]),
    default="waiting",
    show_default=True,
)
@click.option("--job", "job_id", type=int, help="Of this job only.")
@JSON_OPTION
@DATA_OPTION
def list_entries(state: str, job_id: int | None, as_json: bool, data: Path | None) -> None:
    """Show the files, oldest first, and why they are held."""
    from anontui.server.quarantine import State

    with open_review(data) as review:
        wanted = None if state == "all" else State(state)
        rows, page = [], review.quarantine.entries(state=wanted, job_id=job_id)
        while page:
            rows += page
            last = str(page[-1]["id"])
            page = review.quarantine.entries(state=wanted, job_id=job_id, after=last)
    if as_json:
        show_json(rows)
    elif rows:
        show_table(rows, ("id", "job_id", "project", "time", "state", "code", "reason"))
    else:
        say("No file is held." if state == "waiting" else "There is none.")


@command.command()
@click.argument("entry_id", metavar="ID")
@JSON_OPTION
@DATA_OPTION
def show(entry_id: str, as_json: bool, data: Path | None) -> None:
    """Show one file's entry, and where its pristine copy is, for a viewer.

    The copy shows whose it is: look at it where nobody else does.
    """
    from anontui.errors import UsageError

    with open_review(data) as review:
        rows = review.quarantine.entries([entry_id])
        copy = review.quarantine.copy_of(entry_id)
    if not rows:
        raise UsageError(
            f"Nothing has the id {entry_id}", advice="See what there is: anontui quarantine list"
        )
    entry: dict[str, object] = {**rows[0], "copy": str(copy) if copy.exists() else None}
    if as_json:
        show_json(entry)
    else:
        show_fields(entry)


@command.command()
@_IDS
@click.option("--again", is_flag=True, help="Have them judged again by the policy as it is now.")
@click.option(
    "--box",
    "told_boxes",
    multiple=True,
    metavar="X,Y,W,H",
    help="Black out W x H pixels from X,Y, in all frames; give as many as are needed.",
)
@_NOTE
@YES_OPTION
@JSON_OPTION
@DATA_OPTION
def release(
    ids: tuple[str, ...],
    again: bool,
    told_boxes: tuple[str, ...],
    note: str,
    yes: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Let files go: they are de-identified and delivered in their job.

    Somebody looked at each and says that it shows no identity, or none outside the boxes: the
    filter that holds it does not count for it any more. With --again the filters count, such
    as after a pixel rule was added to the project's policy.
    """
    from anontui.deid.rules.pixelrules import Box
    from anontui.server.review import who_types

    boxes = [Box.told(text) for text in told_boxes]
    if not again:
        how = "with the boxes blacked out" if boxes else "as they are"
        confirm(f"Did you look at all {len(ids)}, and may they be delivered {how}?", yes=yes)
    with open_review(data) as review:
        released = review.release(ids, who_types(), note, again=again, boxes=boxes)
    jobs = sorted({int(entry["job_id"] or 0) for entry in released.entries})
    if as_json:
        show_json({"released": list(ids), "jobs": sorted(released.jobs)})
    for job_id in jobs:
        if job_id in released.jobs:
            say(f"Job {job_id} goes on with them; soon, if the server runs.")
        else:
            say(f"Job {job_id} was cancelled or started anew: a reset has them done.")


@command.command()
@_IDS
@_NOTE
@YES_OPTION
@JSON_OPTION
@DATA_OPTION
def reject(ids: tuple[str, ...], note: str, yes: bool, as_json: bool, data: Path | None) -> None:
    """Have files stay out of their job for good; their copies are deleted."""
    from anontui.server.review import who_types

    confirm(f"Delete the copies of {len(ids)} files, and never deliver them?", yes=yes)
    with open_review(data) as review:
        review.reject(ids, who_types(), note)
    if as_json:
        show_json({"rejected": list(ids)})
    say(f"Rejected {len(ids)} file{'s' * (len(ids) > 1)}.")
