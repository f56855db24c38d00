"""Changing jobs, as the groups ``job`` and ``batch`` both do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from anontui.cli.out import confirm, follow, say
from anontui.operations import jobs as operations

if TYPE_CHECKING:
    from anontui.events import Events
    from anontui.idis.client import Client
    from anontui.operations.jobs import ActionResult


def reset(client: Client, server: str, ids: Sequence[int], *, yes: bool) -> None:
    """Reset jobs after a confirmation; ends with exit code 1 if one of them failed."""
    if _agreed("Reset", "", server, ids, yes=yes):
        _do(operations.reset(client, ids), "reset jobs", "reset")


def cancel(client: Client, server: str, ids: Sequence[int], *, yes: bool) -> None:
    """Cancel jobs after a confirmation; ends with exit code 1 if one of them failed."""
    if _agreed("Cancel", "", server, ids, yes=yes):
        _do(operations.cancel(client, ids), "cancel jobs", "cancelled")


def ignore_opt_out(
    client: Client, server: str, ids: Sequence[int], reason: str, *, yes: bool
) -> None:
    """Have jobs ignore an opt-out after a confirmation; exit code 1 if one of them failed."""
    events = operations.ignore_opt_out(client, ids, reason)
    if _agreed("Ignore the opt-out of", f", because: {reason}", server, ids, yes=yes):
        _do(events, "ignore opt-outs", "ignores the opt-out")


def _agreed(verb: str, more: str, server: str, ids: Sequence[int], *, yes: bool) -> bool:
    """Have the user agree, or end; False if there is nothing to do."""
    if not ids:
        say(f"There is no job to {verb.lower()}.")
        return False
    some = f"{len(ids)} jobs" if len(ids) > 1 else f"job {ids[0]}"
    confirm(f"{verb} {some} on {server}{more}?", yes=yes)
    return True


def _do(events: Events[ActionResult], label: str, word: str) -> None:
    result = follow(events, label)
    for job_id in result.done:
        click.echo(f"{job_id} {word}")
    for job_id, why in result.failed.items():
        say(f"Error: job {job_id}: {why}")
    if result.failed:
        click.get_current_context().exit(1)
