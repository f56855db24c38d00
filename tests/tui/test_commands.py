"""Whatever a command does, a key or the palette does too, and the reverse."""

from __future__ import annotations

from anontui.cli.run import root
from anontui.tui.catalog import ACTIONS
from tests.cli.commands import commands

OTHERWISE_NAMED = {
    "status": "app.status",
    "map status": "app.pane-3",
    "map add-selection": "map.add-selection-file",
    "batch info": "app.pane-4",
    "batch status": "app.pane-4",
    "batch watch": "app.pane-4",
    "create show-defaults": "settings.show",
    "settings info": "settings.show",
    "settings user info": "settings.show",
    "settings user set-username": "settings.set-username",
    "settings user get-token": "settings.get-token",
    "paths": "paths.show",
    "config show": "settings.show",
    "config init": "settings.edit",
    "config validate": "app.doctor",
    "doctor": "app.doctor",
    "serve": "server.start-built-in",
    "serve stop": "server.start-built-in",
    "serve status": "app.pane-1",
    "map add-studies": "pacs.add-to-mapping",
    "pipeline run": "pacs.import-studies",
    "pacs listen": "pacs.switch-receiver",
    "deid diff": "deid.explain",
}
"""Commands whose action has another name; a pane shows at any time what these print."""

NO_ACTION = {
    "completion": "it is for the shell that the app was left for",
    "config schema": "it is for the editor that the app was left for",
    "config pages": "it is for the docs of the program itself",
    "web": "it opens the app",
    "demo": "it opens the app",
    "serve user add": "a server is administered on its own machine, by whoever runs it",
    "serve user list": "the same",
    "serve user revoke": "the same",
    "serve check": "the same",
    "serve backup": "the same",
    "serve audit": "the same",
    "identities import": "an index from elsewhere lies on the server's own machine",
    "pacs node add": "archives are made known on the server's own machine, with their secrets",
    "pacs node list": "the same",
    "pacs node show": "the same",
    "pacs node remove": "the same",
    "pacs retrieve": "originals are brought to the server's own machine",
    "pacs import": "the same",
    "pacs send": "files are sent from the server's own machine",
    "pacs index": "the same",
    "pipeline clean": "a run folder is no project",
}
NO_COMMAND = {
    "app.": "they move about in the app",
    "files.": "they move about in the tree; commands take folders and wildcards",
    "mapping.": "they edit cells; a command opens the whole file: map edit",
    "batch.mark": "commands take ids",
    "server.edit": "commands remove and add",
    "studies.": "they move about in what was found; pacs find prints and writes it",
    "imports.": "they are jobs of the batch; commands take ids",
    "batch.preview": "deid explain takes the path",
    "preview.": "they move about in what deid explain prints",
    "overview.": "they move about in what server list prints",
    "identities.again": "identities find again",
    "quarantine.mark": "commands take ids",
    "quarantine.decided": "quarantine list --state all",
    "quarantine.reread": "quarantine list again",
    "quarantine.release-again": "quarantine release --again",
    "review.": "quarantine release --box, quarantine show",
    "settings.change": "settings edit",
    "settings.default": "settings edit",
    "settings.edit-here": "settings edit",
    "welcome.": "serve, server add, settings: what the first start asks, once",
}


def leaves() -> set[str]:
    """The commands that do something by themselves."""
    found = {" ".join(words) for words in commands(root)}
    groups = {name for name in found if any(other.startswith(f"{name} ") for other in found)}
    return found - groups | (groups & {"serve", "paths"})


def action_of(command: str) -> str:
    return OTHERWISE_NAMED.get(command, command.replace(" ", "."))


def test_each_command_has_its_action() -> None:
    ids = {action.id for action in ACTIONS}
    missing = {name for name in leaves() if action_of(name) not in ids}
    assert missing == set(NO_ACTION)


def test_each_action_has_its_command() -> None:
    meant = {action_of(name) for name in leaves()}
    alone = {action.id for action in ACTIONS} - meant
    assert {id_ for id_ in alone if not id_.startswith(tuple(NO_COMMAND))} == set()
    assert all(any(id_.startswith(name) for id_ in alone) for name in NO_COMMAND)


def test_no_name_is_out_of_date() -> None:
    assert OTHERWISE_NAMED.keys() <= leaves()
    for action in ACTIONS:  # a key of its own, or a name in the palette
        assert action.key or action.name
