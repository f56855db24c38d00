"""From the mapping to jobs: the dry run, then the jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from anontui.errors import ProjectError
from anontui.events import Result
from anontui.tui.acts import common
from anontui.tui.screens.plan import AGAIN, CREATE, PlanRows, PlanScreen

if TYPE_CHECKING:
    from anontui.errors import AnonTUIError
    from anontui.events import Events
    from anontui.operations.creating import Created
    from anontui.operations.workspace import Workspace
    from anontui.project.editor import MappingEditor
    from anontui.tui.app import AnonTUI

SAMPLE = 10
"""Files of each row that are looked into before jobs are created; a check looks into all."""


def plan(app: AnonTUI) -> None:
    """Dry run: check every row, or the marked ones, and show what would be sent; then ask."""
    only = app.main.mapping.marked_pseudonyms()
    if only is not None and not only:
        app.say("Create: the marked rows have no pseudonym", "$warning")
        return
    _plan(app, "Dry run", plan, can_create=True, only=only, limit=SAMPLE)


def check(app: AnonTUI) -> None:
    """Check every row, and look into the headers of all files; then show it."""
    _plan(app, "Reading headers", check, can_create=False)


@dataclass(frozen=True)
class Ground:
    """What a plan was made of."""

    workspace: Workspace
    editor: MappingEditor
    revision: int
    stamps: tuple[object, ...]

    def is_seen_to_be_other(self, app: AnonTUI) -> bool:
        """Whether something else is in the app now; asks nobody."""
        model = app.model
        is_same = model.editor is self.editor and self.editor.revision == self.revision
        return not is_same or common.workspace_of(app).settings != self.workspace.settings

    def is_other(self) -> bool:
        """Whether another program changed the mapping or the batch; looks at the files."""
        from anontui.operations.creating import stamps

        return self.editor.changed_on_disk() or stamps(self.workspace) != self.stamps


def _plan(
    app: AnonTUI, label: str, again: Callable[[AnonTUI], None], *, can_create: bool, **how: Any
) -> None:
    file = app.main.mapping.file
    if file.clashes:
        file.tell_clashes("Create")
        return
    workspace, editor = common.workspace_of(app), app.model.editor
    assert editor is not None  # noqa: S101 - the action needs a mapping
    snapshot = editor.snapshot()

    def work() -> Events[tuple[PlanRows, Ground]]:
        from anontui.operations.creating import stamps
        from anontui.operations.patients import checked_plan

        ground = Ground(workspace, editor, snapshot.revision, stamps(workspace))
        for event in checked_plan(workspace, snapshot.state.mapping, **how):
            yield Result((PlanRows(event.value), ground)) if isinstance(event, Result) else event

    def done(found: tuple[PlanRows, Ground]) -> None:
        rows, ground = found

        def answered(word: str | None) -> None:
            if word == AGAIN:
                again(app)
            elif word == CREATE:
                _create(app, rows, ground)

        look = partial(_look, app, ground)
        app.push_screen(PlanScreen(rows, look, can_create=can_create), answered)

    app.start("jobs", work, done, label=label)


def _look(app: AnonTUI, ground: Ground, outdated: Callable[[], None]) -> None:
    """Look whether a plan still holds, at the files in the background."""
    if ground.is_seen_to_be_other(app):
        outdated()
        return

    def done(is_other: bool | None) -> None:
        if is_other:
            outdated()

    app.start("look", lambda: ground.is_other() or None, done)


def _create(app: AnonTUI, rows: PlanRows, ground: Ground) -> None:
    plan, workspace = rows.plan, common.workspace_of(app)

    def work() -> Any:
        from anontui.operations.creating import create
        from anontui.operations.servers import connect

        if ground.is_other():
            raise ProjectError(
                "Nothing was sent: the mapping or the batch was changed since the dry run",
                advice="Look at a new one.",
            )
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

    app.start("jobs", work, done, failed, label=f"Creating {rows.ready:,} jobs")
