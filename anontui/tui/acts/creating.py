"""From the mapping to jobs: the dry run, then the jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from anontui.tui.acts import common
from anontui.tui.screens.plan import PlanScreen

if TYPE_CHECKING:
    from anontui.errors import AnonTUIError
    from anontui.operations.creating import Created, Plan
    from anontui.tui.app import AnonTUI

SAMPLE = 10
"""Files of each row that are looked into before jobs are created; a check looks into all."""


def plan(app: AnonTUI) -> None:
    """Dry run: check every row, or the marked ones, and show what would be sent; then ask."""
    only = app.main.mapping.marked_pseudonyms()
    if only is not None and not only:
        app.say("Create: the marked rows have no pseudonym", "$warning")
        return

    def done(found: Plan) -> None:
        app.push_screen(PlanScreen(found), lambda yes: _create(app, found) if yes else None)

    _plan(app, done, "Dry run", only=only, limit=SAMPLE)


def check(app: AnonTUI) -> None:
    """Check every row, and look into the headers of all files; then show it."""

    def done(found: Plan) -> None:
        app.push_screen(PlanScreen(found, can_create=False))

    _plan(app, done, "Reading headers")


def _plan(app: AnonTUI, done: Callable[[Plan], None], label: str, **how: Any) -> None:
    if not app.main.mapping.file.saved():
        return
    workspace = common.workspace_of(app)

    def work() -> Any:
        from anontui.operations.patients import checked_plan
        from anontui.project.mapping import Mapping

        return checked_plan(workspace, Mapping.load(workspace.mapping_path), **how)

    app.start("jobs", work, done, label=label)


def _create(app: AnonTUI, plan: Plan) -> None:
    workspace = common.workspace_of(app)

    def work() -> Any:
        from anontui.operations.creating import create
        from anontui.operations.servers import connect

        with connect(workspace.settings, plan.server) as client:
            yield from create(workspace, plan, client)

    def done(created: Created) -> None:
        count = len(created.jobs)
        app.say(f"{count} job{'s'[: count != 1]} created on {plan.server.name}", "$success")
        app.load()
        app.main.show_pane(app.main.jobs)

    def failed(error: AnonTUIError) -> None:
        app.fail(error)
        app.load()

    app.start("jobs", work, done, failed, label=f"Creating {len(plan.ready)} jobs")
