"""What actions need, and how they reach what they do."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from anontui.idis.model import JobStatus

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


def late(module: str, name: str, *words: Any) -> Callable[[AnonTUI], None]:
    """Do ``anontui.tui.acts.<module>.<name>(app, *words)``, imported only when it is done."""

    def run(app: AnonTUI) -> None:
        getattr(import_module(f"anontui.tui.acts.{module}"), name)(app, *words)

    return run


def loaded(app: AnonTUI) -> str:
    """Need: the project was read."""
    return "" if app.model.loaded else "the project is still being read"


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
