"""``anontui status``: where one stands, without asking any server."""

from __future__ import annotations

import click

from anontui.cli.context import workspace
from anontui.cli.out import JSON_OPTION, show_fields, show_json


@click.command("status")
@JSON_OPTION
def command(as_json: bool) -> None:
    """Show servers, settings, and this folder's project; asks no server."""
    from anontui.operations.overview import in_words, overview

    here = workspace()
    if as_json:
        show_json(overview(here))
    else:
        show_fields(in_words(here))
