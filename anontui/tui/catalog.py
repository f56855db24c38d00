"""All actions of the app, in one table: pane by pane, then those of everywhere.

The order is the order in the key bar, the palette and the help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anontui.idis.model import JobStatus
from anontui.tui.actions import Action

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


def loaded(app: AnonTUI) -> str:
    """Need: the project was read."""
    return "" if app.model.loaded else "the project is still being read"


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


def _help(app: AnonTUI) -> None:
    from anontui.tui.screens.help import HelpScreen

    app.push_screen(HelpScreen())


def _zoom(app: AnonTUI) -> None:
    app.main.zoomed = not app.main.zoomed


ACTIONS: tuple[Action, ...] = (
    Action(
        "server.activate",
        "space,enter",
        "Make this server the active one",
        lambda app: app.main.servers.activate(),
        label="activate",
        pane="servers",
        needs=(lambda app: app.main.servers.no_server(),),
    ),
    Action(
        "server.add",
        "a",
        "Add a server by its url",
        lambda app: app.main.servers.add(),
        label="add",
        pane="servers",
        needs=(loaded,),
        changes=True,
    ),
    Action(
        "server.edit",
        "e",
        "Edit this server",
        lambda app: app.main.servers.edit(),
        label="edit",
        pane="servers",
        needs=(lambda app: app.main.servers.no_server(),),
        changes=True,
    ),
    Action(
        "server.remove",
        "delete,D",
        "Remove this server from the settings",
        lambda app: app.main.servers.forget(),
        label="remove",
        pane="servers",
        needs=(lambda app: app.main.servers.no_server(),),
        changes=True,
    ),
    Action(
        "server.start-built-in",
        "b",
        "Start or stop the built-in server",
        lambda app: app.main.servers.switch_built_in(),
        label="built-in on/off",
        pane="servers",
        needs=(loaded,),
        changes=True,
    ),
    Action(
        "files.mark",
        "space",
        "Mark this folder and look what DICOM is in it",
        lambda app: app.main.files.mark(),
        label="mark",
        pane="files",
    ),
    Action(
        "mapping.add-folders",
        "a",
        "Add the marked folders to the mapping, as fileselections",
        lambda app: app.main.files.add_to_mapping(),
        label="add to mapping",
        pane="files",
        needs=(
            loaded,
            lambda app: app.main.files.no_mapping(),
            lambda app: app.main.files.nothing_chosen(),
        ),
        changes=True,
    ),
    Action(
        "files.expand",
        "right,l",
        "Open this folder",
        lambda app: app.main.files.open_folder(),
        pane="files",
    ),
    Action(
        "files.collapse",
        "left,h",
        "Close this folder, or go to its parent",
        lambda app: app.main.files.close_folder(),
        pane="files",
    ),
    Action(
        "files.open-or-close",
        "enter",
        "Open or close this folder",
        lambda app: app.main.files.activated(),
        pane="files",
    ),
    Action(
        "files.reread",
        "R",
        "Read the folders again",
        lambda app: app.main.files.reread(),
        label="reread",
        pane="files",
        needs=(loaded,),
    ),
    Action(
        "mapping.edit",
        "e,enter,f2",
        "Edit this cell",
        lambda app: app.main.mapping.edit(),
        label="edit",
        pane="mapping",
        needs=(
            lambda app: app.main.mapping.unreadable(),
            lambda app: app.main.mapping.no_row(),
        ),
        changes=True,
    ),
    Action(
        "create.from-mapping",
        "c",
        "Create jobs from the mapping, after a dry run",
        lambda app: app.main.mapping.plan(),
        label="create jobs",
        pane="mapping",
        needs=(
            lambda app: app.main.mapping.unreadable(),
            lambda app: app.main.mapping.no_row(),
            server_up,
        ),
        changes=True,
    ),
    Action(
        "mapping.add-row",
        "plus",
        "Add a row",
        lambda app: app.main.mapping.add_row(),
        label="row",
        pane="mapping",
        needs=(lambda app: app.main.mapping.unreadable(),),
        changes=True,
    ),
    Action(
        "mapping.mark",
        "space",
        "Mark this row",
        lambda app: app.main.mapping.mark(),
        label="mark",
        pane="mapping",
        needs=(lambda app: app.main.mapping.no_row(),),
    ),
    Action(
        "mapping.delete-rows",
        "delete,D",
        "Delete the marked rows, or this one",
        lambda app: app.main.mapping.delete_rows(),
        label="delete",
        pane="mapping",
        needs=(lambda app: app.main.mapping.no_row(),),
        changes=True,
    ),
    Action(
        "mapping.undo",
        "u,ctrl+z",
        "Take the last edit back",
        lambda app: app.main.mapping.undo(),
        label="undo",
        pane="mapping",
        needs=(lambda app: app.main.mapping.unreadable(),),
        changes=True,
    ),
    Action(
        "mapping.redo",
        "U,ctrl+y",
        "Do the edit again that was taken back",
        lambda app: app.main.mapping.redo(),
        pane="mapping",
        needs=(lambda app: app.main.mapping.unreadable(),),
        changes=True,
    ),
    Action(
        "mapping.set-project",
        "p",
        "Set the project option",
        lambda app: app.main.mapping.set_option("project", "Project on the server"),
        pane="mapping",
        needs=(lambda app: app.main.mapping.unreadable(),),
        changes=True,
    ),
    Action(
        "mapping.set-destination",
        "d",
        "Set the destination option",
        lambda app: app.main.mapping.set_option("destination_path", "Destination, a UNC path"),
        pane="mapping",
        needs=(lambda app: app.main.mapping.unreadable(),),
        changes=True,
    ),
    Action(
        "mapping.set-root",
        "o",
        "Set the root of the sources",
        lambda app: app.main.mapping.set_option(
            "root_source_path", "Root of the sources, a UNC path"
        ),
        pane="mapping",
        needs=(lambda app: app.main.mapping.unreadable(),),
        changes=True,
    ),
    Action(
        "mapping.init",
        "i",
        "Make a mapping in this folder",
        lambda app: app.main.mapping.make(),
        pane="mapping",
        needs=(lambda app: app.main.mapping.already_there(),),
        changes=True,
    ),
    Action(
        "mapping.take-theirs",
        "R",
        "Take the mapping as another program wrote it",
        lambda app: app.main.mapping.take_theirs(),
        pane="mapping",
        needs=(lambda app: app.main.mapping.no_conflict(),),
    ),
    Action(
        "mapping.keep-mine",
        "W",
        "Write the mapping over what another program wrote",
        lambda app: app.main.mapping.keep_mine(),
        pane="mapping",
        needs=(lambda app: app.main.mapping.no_conflict(),),
        changes=True,
    ),
    Action(
        "job.info",
        "i,enter",
        "Show everything about this job",
        lambda app: app.main.jobs.open_job(),
        label="info",
        pane="batch",
        needs=(lambda app: app.main.jobs.none_chosen(),),
    ),
    Action(
        "batch.mark",
        "space",
        "Mark this job",
        lambda app: app.main.jobs.mark(),
        label="mark",
        pane="batch",
        needs=(lambda app: app.main.jobs.none_chosen(),),
    ),
    Action(
        "job.reset",
        "r",
        "Reset the marked jobs, or this one",
        lambda app: app.main.jobs.reset(app.main.jobs.chosen()),
        label="reset",
        pane="batch",
        needs=(lambda app: app.main.jobs.none_chosen(), batch_up),
        changes=True,
    ),
    Action(
        "job.cancel",
        "c",
        "Cancel the marked jobs, or this one",
        lambda app: app.main.jobs.cancel(app.main.jobs.chosen()),
        label="cancel",
        pane="batch",
        needs=(lambda app: app.main.jobs.none_chosen(), batch_up),
        changes=True,
    ),
    Action(
        "batch.reset-error",
        "E",
        "Reset all jobs with an error",
        lambda app: app.main.jobs.reset(app.main.jobs.with_status(JobStatus.ERROR)),
        label="reset errors",
        pane="batch",
        needs=(errors, batch_up),
        changes=True,
    ),
    Action(
        "batch.cancel-active",
        "A",
        "Cancel all jobs that are not finished",
        lambda app: app.main.jobs.cancel(
            app.main.jobs.with_status(JobStatus.ACTIVE, JobStatus.UPLOADED)
        ),
        label="cancel active",
        pane="batch",
        needs=(waiting, batch_up),
        changes=True,
    ),
    Action(
        "app.filter",
        "slash",
        "Filter the rows of this pane",
        lambda app: app.main.current.ask_filter(),
        label="filter",
    ),
    Action("app.zoom", "z", "Zoom this pane, or back", _zoom, label="zoom"),
    Action(
        "app.cancel-task",
        "x",
        "Cancel what runs in the background",
        lambda app: app.cancel_newest(),
        needs=(task_running,),
    ),
    Action("app.back", "escape", "Drop marks, filter and zoom", lambda app: app.main.back()),
    Action("app.next-pane", "tab", "Go to the next pane", lambda app: app.main.step_pane(1)),
    Action(
        "app.previous-pane",
        "shift+tab",
        "Go to the pane before",
        lambda app: app.main.step_pane(-1),
    ),
    *(
        Action(
            f"app.pane-{number}",
            str(number),
            f"Go to pane {number}",
            lambda app, number=number: app.main.show_pane(app.main.panes[number - 1]),  # type: ignore[misc]
        )
        for number in range(1, 5)
    ),
    Action("app.help", "question_mark", "Help", _help),
    Action("app.quit", "q,ctrl+q", "Quit; jobs go on", lambda app: app.close(), label="quit"),
)
