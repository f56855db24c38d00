"""Actions that mean the same everywhere."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from anontui.tui.actions import Action
from anontui.tui.catalog.needs import (
    has_pane,
    has_panes,
    has_table,
    late,
    loaded,
    no_identity,
    not_open,
    on_table,
    task_running,
)

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


def _help(app: AnonTUI) -> None:
    from anontui.tui.screens.help import HelpScreen

    app.push_screen(HelpScreen(app))


def _command(app: AnonTUI) -> None:
    from anontui.tui.screens.command import CommandScreen

    app.push_screen(CommandScreen(app))


def _theme_words(app: AnonTUI) -> list[str]:
    from anontui.tui.acts.manners import theme_names

    return theme_names(app)


def _set_theme(app: AnonTUI, name: str) -> None:
    from anontui.tui.acts.manners import set_theme

    set_theme(app, name)


def _zoom(app: AnonTUI) -> None:
    app.front.zoomed = not app.front.zoomed


EVERYWHERE: tuple[Action, ...] = (
    Action(
        "app.filter",
        "slash",
        "Filter the rows of this table",
        on_table("ask_filter"),
        label="filter",
        needs=(has_table,),
        told=lambda app, text: on_table("filter_by", text)(app),
    ),
    Action("app.zoom", "z", "Zoom this pane, or back", _zoom, label="zoom", needs=(has_panes,)),
    Action(
        "app.cancel-task",
        "x",
        "Cancel what runs in the background",
        lambda app: app.cancel_newest(),
        needs=(task_running,),
    ),
    Action(
        "app.back",
        "escape",
        "Drop marks, filter and zoom, or leave",
        lambda app: app.here.back(),
    ),
    Action(
        "app.next-pane",
        "tab",
        "Go to the next pane",
        lambda app: app.front.step_pane(1),
        needs=(has_panes,),
    ),
    Action(
        "app.previous-pane",
        "shift+tab",
        "Go to the pane before",
        lambda app: app.front.step_pane(-1),
        needs=(has_panes,),
    ),
    *(
        Action(
            f"app.pane-{number}",
            str(number),
            f"Go to pane {number}",
            lambda app, number=number: app.front.show_pane(app.front.panes[number - 1]),  # type: ignore[misc]  # number is bound
            needs=(has_panes, partial(has_pane, number)),
        )
        for number in range(1, 5)
    ),
    Action(
        "app.status", "", "Show where one stands", late("settings", "standing"), needs=(loaded,)
    ),
    Action(
        "settings.show",
        "",
        "Show all settings",
        late("settings", "show"),
        needs=(loaded, not_open("settings")),
    ),
    Action(
        "settings.edit",
        "",
        "Open the settings in your editor",
        late("settings", "edit"),
        changes=True,
    ),
    Action(
        "settings.set-validate-ssl",
        "",
        "Check the certificates of servers, or take any",
        late("settings", "switch_validate_ssl"),
        needs=(loaded,),
        changes=True,
    ),
    Action(
        "settings.set-username",
        "",
        "Set the name that servers know you by",
        late("settings", "set_username"),
        needs=(loaded,),
        changes=True,
    ),
    Action(
        "settings.get-token",
        "",
        "Make a new token",
        late("settings", "new_token"),
        needs=(loaded,),
        changes=True,
    ),
    Action(
        "create.set-defaults",
        "",
        "Set what jobs get where a mapping says nothing",
        late("settings", "set_defaults"),
        needs=(loaded,),
        changes=True,
    ),
    Action(
        "paths.show",
        "",
        "Show which local folder is which share",
        late("paths", "show"),
        needs=(loaded,),
    ),
    Action(
        "paths.confirm",
        "",
        "Agree that mounts of this computer are shares",
        late("paths", "confirm"),
        needs=(loaded,),
        changes=True,
    ),
    Action(
        "paths.add",
        "",
        "Say that a local folder is a share",
        late("paths", "add"),
        needs=(loaded,),
        changes=True,
    ),
    Action(
        "paths.remove",
        "",
        "Forget a share",
        late("paths", "remove"),
        needs=(loaded,),
        changes=True,
    ),
    Action("app.command", "colon", "Type the name of an action", _command),
    Action("app.palette", "ctrl+p", "Show all actions", lambda app: app.action_command_palette()),
    Action("app.help", "question_mark", "Help", _help),
    Action(
        "app.copy",
        "y",
        "Copy the marked rows, the range, or what is under the cursor",
        late("copying", "copy"),
        label="copy",
    ),
    Action(
        "app.copy-csv",
        "Y",
        "Copy the same as CSV, with the columns' names",
        late("copying", "copy_csv"),
    ),
    Action(
        "app.export",
        "ctrl+e",
        "Write the rows that show into a .csv, .xlsx or .json file",
        late("copying", "export"),
        told=lambda app, text: late("copying", "to", text)(app),
        needs=(loaded, has_table, no_identity),
        changes=True,
    ),
    Action(
        "app.activity",
        "ctrl+l",
        "Show everything that was told and done",
        late("manners", "activity"),
    ),
    Action(
        "app.theme",
        "ctrl+t",
        "Choose the colours",
        late("manners", "choose_theme"),
        told=_set_theme,
        words=_theme_words,
    ),
    Action(
        "app.mouse",
        "",
        "Listen to the mouse, or leave it to the terminal",
        late("manners", "switch_mouse"),
    ),
    Action(
        "app.doctor",
        "",
        "Find out what does not work here, and what to do",
        late("manners", "doctor"),
    ),
    Action("app.quit", "q,ctrl+q", "Quit; jobs go on", late("manners", "leave"), label="quit"),
)
