"""Actions of the first screen."""

from __future__ import annotations

from anontui.tui.actions import Action
from anontui.tui.catalog.needs import late
from anontui.tui.catalog.stages import asked

WELCOME: tuple[Action, ...] = (
    Action(
        "welcome.built-in",
        "b",
        "Start the built-in server on this machine",
        late("welcome", "built_in"),
        label="built-in server",
        pane="welcome",
        changes=True,
    ),
    Action(
        "welcome.server",
        "u",
        "Name a server by its url, user name and token",
        late("welcome", "server"),
        label="by its url",
        pane="welcome",
        changes=True,
    ),
    Action(
        "welcome.import",
        "i",
        "Go on with the settings of AnonAPI",
        late("welcome", "take_over"),
        label="AnonAPI's settings",
        pane="welcome",
        needs=(asked("nothing_found"),),
        changes=True,
    ),
)
