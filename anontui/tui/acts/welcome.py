"""The first start: a server is chosen, shares are agreed on, then the app is ready."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from anontui.tui.acts import common
from anontui.tui.screens.confirm import ConfirmScreen
from anontui.tui.screens.welcome import FirstServerForm, WelcomeScreen, is_wanted

if TYPE_CHECKING:
    from anontui.operations.mounts import Mount
    from anontui.settings import Settings
    from anontui.tui.app import AnonTUI

READY = (
    "Ready. Mark a folder with {files.mark}, then {map.add-study-folders} adds it to the mapping;"
    " {app.help} tells all keys"
)
NO_MAPPING = (
    "Ready. Press {app.pane-3}, then {map.init} to make a mapping; then {app.pane-2},"
    " and mark folders with {files.mark}"
)
LATER = (
    "No server yet: on the servers' pane ({app.pane-1}), {server.start-built-in} starts the"
    " built-in one, {server.add} adds one by its url"
)


def greet(app: AnonTUI) -> None:
    """Open the first screen, if there are no settings yet."""
    workspace = common.workspace_of(app)
    if app.readonly or not is_wanted(workspace.settings.path):
        return

    def closed(_: None) -> None:
        if app.model.workspace is not None and is_wanted(app.model.workspace.settings.path):
            app.say(app.registry.with_keys(LATER))

    app.push_screen(WelcomeScreen(app, workspace.settings), closed)


def _screen(app: AnonTUI) -> WelcomeScreen:
    screen = app.here
    assert isinstance(screen, WelcomeScreen)  # noqa: S101 - the actions need it
    return screen


def built_in(app: AnonTUI) -> None:
    """Start the built-in server for this folder."""
    screen, workspace = _screen(app), common.workspace_of(app)

    def work() -> Settings:
        from anontui.operations.own_server import switch_on

        return switch_on(workspace).settings

    screen.tell("Starting it …")
    app.start(
        "files",
        work,
        lambda settings: _chosen(app, screen, settings),
        screen.fail,
        label="Built-in server",
    )


def server(app: AnonTUI) -> None:
    """Ask for url, user and token."""
    screen = _screen(app)

    def answered(settings: Settings | None) -> None:
        if settings is not None:
            _save(app, screen, settings)

    app.push_screen(FirstServerForm(app, screen.settings.replace(servers=())), answered)


def take_over(app: AnonTUI) -> None:
    """Go on with AnonAPI's settings, in a file of our own."""
    screen = _screen(app)
    _save(app, screen, screen.settings)


def _save(app: AnonTUI, screen: WelcomeScreen, settings: Settings) -> None:
    app.start("files", settings.save, lambda _: _chosen(app, screen, settings), screen.fail)


def _chosen(app: AnonTUI, screen: WelcomeScreen, settings: Settings) -> None:
    app.model.servers.clear()
    app.load()
    screen.tell(f"✔ {settings.active_server_name or 'Settings'}: saved. Looking for shares …")

    def work() -> list[Mount]:
        from anontui.operations.paths import proposals
        from anontui.operations.workspace import open_workspace

        return proposals(open_workspace(app.model.folder))

    app.start("files", work, lambda found: _shares(app, screen, found), screen.fail)


def _shares(app: AnonTUI, screen: WelcomeScreen, mounts: Sequence[Mount]) -> None:
    """Ask of each mount whether it is the share that it seems to be, then begin."""
    if not mounts:
        if screen.is_attached:
            screen.dismiss(None)
        app.main.show_pane(app.main.files)
        word = READY if app.model.editor else NO_MAPPING
        app.say(app.registry.with_keys(word), "$success")
        return
    mount, rest = mounts[0], mounts[1:]

    def answered(yes: bool | None) -> None:
        if not yes:
            _shares(app, screen, () if yes is None else rest)
            return

        def work() -> None:
            from anontui.operations.paths import confirm
            from anontui.operations.workspace import open_workspace

            confirm(open_workspace(app.model.folder), [mount])

        def saved(_: None) -> None:
            app.load()
            _shares(app, screen, rest)

        app.start("files", work, saved, screen.fail)

    doubt = "" if mount.is_sure else "This is a guess: Windows may know it by another name. "
    meaning = f"{doubt}Jobs find data by the names of shares. Esc asks no more."
    question = f"Is {mount.local} the share {mount.unc}?"
    app.push_screen(ConfirmScreen(question, meaning, "It is"), answered)
