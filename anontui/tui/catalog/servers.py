"""Actions on the servers and the settings."""

from __future__ import annotations

from anontui.tui.actions import Action
from anontui.tui.catalog.needs import late, loaded

SERVERS: tuple[Action, ...] = (
    Action(
        "server.activate",
        "space,enter",
        "Make this server the active one",
        lambda app: app.main.servers.activate(),
        label="activate",
        pane="servers",
        needs=(lambda app: app.main.servers.no_server(),),
        changes=True,
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
        "server.status",
        "r",
        "Ask the servers again whether they are there",
        late("servers", "ask_again"),
        label="ask again",
        pane="servers",
        needs=(lambda app: app.main.servers.no_server(),),
    ),
    Action(
        "server.jobs",
        "n",
        "Show the newest jobs of this server",
        late("servers", "newest_jobs"),
        label="newest jobs",
        pane="servers",
        needs=(lambda app: app.main.servers.no_server(),),
    ),
)
