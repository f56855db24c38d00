"""Resetting and cancelling jobs, as the groups ``job`` and ``batch`` both do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import click

from anontui.cli.out import confirm, follow, say
from anontui.operations import jobs as operations

if TYPE_CHECKING:
    from anontui.idis.client import Client

Action = Literal["reset", "cancel"]


def change(client: Client, server: str, action: Action, ids: Sequence[int], *, yes: bool) -> None:
    """Reset or cancel jobs after a confirmation; ends with exit code 1 if one of them failed."""
    if not ids:
        say(f"There is no job to {action}.")
        return
    some = f"{len(ids)} jobs" if len(ids) > 1 else f"job {ids[0]}"
    confirm(f"{action.capitalize()} {some} on {server}?", yes=yes)
    events = operations.reset(client, ids) if action == "reset" else operations.cancel(client, ids)
    result = follow(events, f"{action} jobs")
    for job_id in result.done:
        click.echo(f"{job_id} {'reset' if action == 'reset' else 'cancelled'}")
    for job_id, reason in result.failed.items():
        say(f"Error: job {job_id}: {reason}")
    if result.failed:
        click.get_current_context().exit(1)
