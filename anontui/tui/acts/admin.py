"""Opening the screens about servers: all of them, and who is who on the active one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anontui.tui.acts import common

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


def overview(app: AnonTUI) -> None:
    """Show all servers."""
    from anontui.tui.screens.overview import OverviewScreen

    app.push_screen(OverviewScreen())


def identities(app: AnonTUI) -> None:
    """Look up who is who on the active server."""
    from anontui.tui.screens.identities import IdentitiesScreen

    server = common.workspace_of(app).settings.active_server
    app.push_screen(IdentitiesScreen(server))


def newest_jobs(app: AnonTUI) -> None:
    """Show the newest jobs of the server under the overview's cursor."""
    from anontui.tui.acts.servers import jobs_of

    table = app.here.table
    assert table is not None  # noqa: S101 - the action needs it
    jobs_of(app, str(table.key))
