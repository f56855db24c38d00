"""Pane 1: the servers, and whether they answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from anontui.tui.panes.pane import Pane
from anontui.tui.widgets.grid import Cell, Column

if TYPE_CHECKING:
    from anontui.settings import Server, Settings
    from anontui.tui.model import Model


def latency(milliseconds: float | None) -> str:
    """Coarse on purpose: a figure that always changes would redraw an idle screen."""
    if milliseconds is None:
        return ""
    steps = (10, 25, 50, 100, 250, 500, 1000)
    return next((f"< {step} ms" for step in steps if milliseconds < step), "slow")


class ServerRows:
    """The servers of the settings."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def _servers(self) -> Sequence[Server]:
        workspace = self._model.workspace
        return workspace.settings.servers if workspace else ()

    def __len__(self) -> int:
        return len(self._servers)

    def key(self, index: int) -> str:
        """The server's name."""
        return self._servers[index].name

    def cells(self, index: int) -> Sequence[str | Cell]:
        """State sign, name, state, active."""
        server = self._servers[index]
        state = self._model.servers.get(server.name)
        active = server.name == self._model.server_name()
        name = Cell(server.name, "accent" if active else "")
        word = Cell("active", "accent") if active else Cell("", "")
        if state is None:
            return [Cell("○", "dim"), name, Cell("…", "dim"), word]
        if state.up:
            return [Cell("●", "good"), name, Cell(latency(state.latency_ms), "dim"), word]
        return [Cell("✖", "bad"), name, Cell(self._model.down(server.name), "bad"), word]


class ServersPane(Pane):
    """Which servers there are, which is active, and which answer."""

    label = "Servers"
    number = 1
    columns = (
        Column("up", "", 1, min_width=1),
        Column("name", "name", None, min_width=8),
        Column("state", "answers in", 10),
        Column("active", "", 6),
    )
    empty = (
        "No server yet.\n\n{server.start-built-in} starts the built-in one,\n"
        "{server.add} adds one by its url."
    )

    def rows(self) -> ServerRows:
        """All servers of the settings."""
        return ServerRows(self.anontui.model)

    def project_loaded(self) -> None:
        """Show the servers; whether they answer comes later."""
        self.grid.set_rows(self.rows())
        self.show_title()

    def servers_changed(self) -> None:
        """A server's state may have changed."""
        rows = self.rows()
        self.grid.refresh_rows([rows.key(i) for i in range(len(rows))])

    # -- actions -------------------------------------------------------------------------

    def no_server(self) -> str:
        """Need: a server under the cursor."""
        return "" if self.key is not None else "there is no server yet"

    def activated(self) -> None:
        """A double click activates, if that may be now."""
        app = self.anontui
        app.run_action_named(app.registry.actions["server.activate"])

    def activate(self) -> None:
        """Make the server under the cursor the active one."""
        name = str(self.key)
        self._change(lambda settings: settings.activated(name), f"{name} is the active server now")

    def add(self) -> None:
        """Ask for name, url, user and token of a server."""
        from anontui.tui.screens.server import ServerForm

        workspace = self.anontui.model.workspace
        if workspace is not None:
            self.app.push_screen(ServerForm(workspace.settings), self._save)

    def edit(self) -> None:
        """Change the server under the cursor."""
        from anontui.tui.screens.server import ServerForm

        workspace = self.anontui.model.workspace
        if workspace is not None:
            form = ServerForm(workspace.settings, str(self.key))
            self.app.push_screen(form, self._save)

    def forget(self) -> None:
        """Take the server under the cursor out of the settings."""
        from anontui.tui.screens.confirm import ConfirmScreen

        name = str(self.key)

        def answered(yes: bool | None) -> None:
            if yes:
                self._change(lambda settings: settings.without_server(name), f"{name} removed")

        self.app.push_screen(
            ConfirmScreen(
                f"Remove server {name} from the settings?", "Jobs on it go on.", "Remove"
            ),
            answered,
        )

    def switch_built_in(self) -> None:
        """Start the built-in server for this folder, or stop it."""
        app = self.anontui
        workspace = app.model.workspace
        assert workspace is not None  # noqa: S101 - the action needs it

        def work() -> str:
            from anontui.operations import own_server

            if own_server.is_on(workspace):
                own_server.switch_off(workspace)
                return "The built-in server was stopped; jobs go on when it is started again"
            own_server.switch_on(workspace)
            return "The built-in server runs and is the active one"

        def done(word: str) -> None:
            app.say(word, "$success")
            app.load()

        app.start("files", work, done, label="Built-in server")

    def _save(self, settings: Settings | None) -> None:
        if settings is not None:
            self._change(lambda _: settings, "Saved")

    def _change(self, change: Callable[[Settings], Settings], word: str) -> None:
        from anontui.tui.acts.common import save_settings

        if self.anontui.model.workspace is not None:
            save_settings(self.anontui, change, word)
