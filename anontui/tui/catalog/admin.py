"""Actions about servers beyond their pane: the overview, and who is who."""

from __future__ import annotations

from anontui.tui.actions import Action
from anontui.tui.catalog.needs import late, loaded, server_up
from anontui.tui.catalog.stages import asked, do

_SERVER = asked("no_server")

ADMIN: tuple[Action, ...] = (
    Action(
        "server.list",
        "o",
        "Show all servers: what they are, how they answer, how their jobs are",
        late("admin", "overview"),
        label="overview",
        pane="servers",
        needs=(loaded,),
    ),
    Action(
        "identities.find",
        "w",
        "Look up who is who on the active server, for its admins",
        late("admin", "identities"),
        label="who is who",
        pane="servers",
        needs=(loaded, server_up),
    ),
)

OVERVIEW: tuple[Action, ...] = (
    Action(
        "overview.activate",
        "enter,space",
        "Make this server the active one",
        do("activate"),
        label="activate",
        pane="overview",
        needs=(_SERVER,),
        changes=True,
    ),
    Action(
        "overview.built-in",
        "b",
        "Start or stop the built-in server",
        do("switch_built_in"),
        label="built-in on/off",
        pane="overview",
        changes=True,
    ),
    Action(
        "overview.jobs",
        "n",
        "Show the newest jobs of this server",
        late("admin", "newest_jobs"),
        label="newest jobs",
        pane="overview",
        needs=(_SERVER,),
    ),
    Action(
        "overview.ask",
        "r,R",
        "Ask all servers again",
        do("ask"),
        label="ask again",
        pane="overview",
    ),
)

IDENTITIES: tuple[Action, ...] = (
    Action(
        "identities.again",
        "i,enter,tab",
        "Ask for somebody else",
        do("ask_again"),
        label="look up",
        pane="identities",
    ),
    Action(
        "identities.export",
        "e",
        "Tell how all of them are exported",
        do("export"),
        label="export",
        pane="identities",
    ),
)
