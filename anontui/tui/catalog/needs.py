"""What actions need, and how they reach what they do."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from anontui.idis.model import JobStatus
from anontui.tui.actions import Need

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


NO_PANES = "there are no panes here ({app.back} goes back to them)"


def late(module: str, name: str, *words: Any) -> Callable[[AnonTUI], None]:
    """Do ``anontui.tui.acts.<module>.<name>(app, *words)``, imported only when it is done."""

    def run(app: AnonTUI) -> None:
        getattr(import_module(f"anontui.tui.acts.{module}"), name)(app, *words)

    return run


def loaded(app: AnonTUI) -> str:
    """Need: the project was read."""
    return "" if app.model.loaded else "the project is still being read"


def on_table(method: str, *words: Any) -> Callable[[AnonTUI], None]:
    """Do what a method of the table that is meant does; the action needs one."""

    def run(app: AnonTUI) -> None:
        attrgetter(method)(app.here.table)(*words)

    return run


def has_table(app: AnonTUI) -> str:
    """Need: a table."""
    return "" if app.here.table else "there is no table here"


def no_identity(app: AnonTUI) -> str:
    """Need: a table whose texts are not a patient's own."""
    table = app.here.table
    return (
        "it shows who patients are, which goes into no file"
        if table and table.shows_identity
        else ""
    )


def has_panes(app: AnonTUI) -> str:
    """Need: panes."""
    return "" if app.here is app.front else app.registry.with_keys(NO_PANES)


def not_open(scope: str) -> Need:
    """Need: another screen than the one of this scope."""
    return lambda app: "it is open" if app.here.keys == scope else ""


def has_pane(number: int, app: AnonTUI) -> str:
    """Need: the screen in front has so many panes."""
    return "" if number <= len(app.front.panes) else f"there is no pane {number} here"


def server_up(app: AnonTUI) -> str:
    """Need: the active server answers."""
    return _is_up(app, app.model.server_name())


def batch_up(app: AnonTUI) -> str:
    """Need: the server of the batch answers."""
    return _is_up(app, app.model.batch_server())


def _is_up(app: AnonTUI, name: str) -> str:
    state = app.model.servers.get(name)
    if state is None:
        return "no server has answered yet"
    return "" if state.up else f"{name} does not answer"


def task_running(app: AnonTUI) -> str:
    """Need: something to cancel."""
    return "" if app.tasks else "nothing is running"


def errors(app: AnonTUI) -> str:
    """Need: a job with an error."""
    return "" if app.main.jobs.with_status(JobStatus.ERROR) else "no job has an error"


def waiting(app: AnonTUI) -> str:
    """Need: a job that is still to be done."""
    ids = app.main.jobs.with_status(JobStatus.ACTIVE, JobStatus.UPLOADED)
    return "" if ids else "no job is waiting or running"


def has_batch(app: AnonTUI) -> str:
    """Need: the folder has a batch."""
    return "" if app.model.batch else "this folder has no batch yet"


def no_batch(app: AnonTUI) -> str:
    """Need: the folder has no batch."""
    return "this folder has a batch already" if app.model.batch else ""
