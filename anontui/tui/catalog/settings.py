"""Actions of the settings' screen; what opens it is among those of everywhere."""

from __future__ import annotations

from anontui.tui.actions import Action
from anontui.tui.catalog.needs import late
from anontui.tui.catalog.stages import asked

_SETTING = asked("no_setting")

SETTINGS: tuple[Action, ...] = (
    Action(
        "settings.change",
        "enter,c",
        "Change this setting or key",
        late("changing", "change"),
        label="change",
        pane="settings",
        needs=(_SETTING,),
        changes=True,
    ),
    Action(
        "settings.default",
        "delete,D",
        "Go back to the default of this setting or key",
        late("changing", "reset"),
        label="default",
        pane="settings",
        needs=(_SETTING,),
        changes=True,
    ),
    Action(
        "settings.edit-here",
        "e",
        "Open the settings in your editor",
        late("settings", "edit"),
        label="editor",
        pane="settings",
        changes=True,
    ),
)
