"""The archives that a server can search and fetch from, and its receiver."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from anontui.errors import AnonTUIError, CallRefused, ServerUnreachable
from anontui.idis.advice import OTHER_VERSION
from anontui.tui.panes.pane import Pane
from anontui.tui.widgets.grid import Cell, Column

if TYPE_CHECKING:
    from anontui.idis.archives import ArchiveNode, ReceiverState
    from anontui.settings import Server
    from anontui.tui.screens.pacs import PacsScreen

NO_ARCHIVES = (
    "{server} has no archive for you.\n"
    "On its machine, its admin runs\nanontui pacs node add NAME …\n"
    "and names it in your project."
)
NO_SEARCH = (
    "Give accession numbers to the mapping:\n"
    "esc, then {app.pane-3}, then {map.add-accession-numbers}."
)


def trouble(error: AnonTUIError) -> str:
    """What is wrong, and what to do: a refusal in the server's own words."""
    if isinstance(error, CallRefused) and error.errors:
        return " ".join(error.errors.values())
    return error.sentence()


def wrapped(text: str, width: int = 44) -> str:
    """Break a sentence into lines that fit into a pane."""
    return "\n".join(wrap(text, width))


class ArchiveRows:
    """Archives with the state of their last echo: seconds, a trouble, or none yet."""

    def __init__(self, nodes: Sequence[ArchiveNode], echoes: dict[str, float | str]) -> None:
        self._nodes, self._echoes = nodes, echoes

    def __len__(self) -> int:
        return len(self._nodes)

    def key(self, index: int) -> str:
        """The archive's name."""
        return self._nodes[index].name

    def cells(self, index: int) -> Sequence[str | Cell]:
        """State sign, name, answer time, ways."""
        node = self._nodes[index]
        sign, told = self.state(self._echoes.get(node.name))
        able = {"find": node.find, "fetch": node.retrieve, "send": node.send}
        can = " ".join(name for name, is_able in able.items() if is_able)
        return [sign, node.name, told, Cell(can, "dim")]

    @staticmethod
    def state(echo: float | str | None) -> tuple[Cell, Cell]:
        """The sign and the words for an echo."""
        if echo is None:
            return Cell("○", "dim"), Cell("asking…", "dim")
        if isinstance(echo, str):
            return Cell("✖", "bad"), Cell("no answer", "bad")
        return Cell("●", "good"), Cell(f"{max(echo * 1000, 1):,.0f} ms", "good")


class ArchivesPane(Pane):
    """Which archives there are, whether they answer, and whether the receiver runs."""

    label = "Archives"
    number = 1
    columns = (
        Column("up", "", 1, min_width=1),
        Column("name", "name", None, min_width=8),
        Column("echo", "answers in", 10),
        Column("can", "can", 15, min_width=4),
    )

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[ArchiveNode] = []
        self.echoes: dict[str, float | str] = {}
        self.receiver: ReceiverState | None = None
        self.server: Server | None = None
        self._line = Static(classes="receiver", markup=False)

    def compose(self) -> ComposeResult:
        """The archives, and the receiver's line below."""
        yield from super().compose()
        yield self._line

    def rows(self) -> ArchiveRows:
        """All archives of the server."""
        return ArchiveRows(self.nodes, self.echoes)

    def node(self) -> ArchiveNode | None:
        """The archive under the cursor: it is the one that is searched."""
        return next((node for node in self.nodes if node.name == self.key), None)

    def title(self) -> list[str | tuple[str, str]]:
        """Whose archives these are."""
        return [self.server.name] if self.server else []

    def cursor_moved(self) -> None:
        """Another archive is searched from now on; a silent one says why."""
        echo = self.echoes.get(str(self.key))
        if isinstance(echo, str) and self.anontui.front.current is self:
            self.anontui.say(f"{self.key}: {echo}", "$error")
        self._chosen()

    def activated(self) -> None:
        """A double click goes to the form."""
        self._pacs.search_here()

    @property
    def _pacs(self) -> PacsScreen:
        from anontui.tui.screens.pacs import PacsScreen

        assert isinstance(self.screen, PacsScreen)  # noqa: S101 - tells the type checker
        return self.screen

    def _chosen(self) -> None:
        if not self.is_attached:  # the app is closing
            return
        self.show_title()
        self._pacs.studies.archive_changed()
        self.anontui.front.refresh_lines()

    def cannot_search(self) -> str:
        """Need: an archive under the cursor that can be searched."""
        node = self.node()
        if node is None:
            return "there is no archive to search"
        return "" if node.find else f"{node.name} can only be sent to"

    def no_receiver(self) -> str:
        """Need: the server told of its receiver."""
        return "" if self.receiver is not None else "this server tells of no receiver"

    def server_changed(self) -> bool:
        """True if another server is active than the one that was asked."""
        return self.server is not None and self.server != self._active()

    def _active(self) -> Server | None:
        workspace = self.anontui.model.workspace
        if workspace is None or workspace.settings.active_server_name is None:
            return None
        return workspace.settings.active_server

    # -- asking the server ---------------------------------------------------------------

    def ask(self) -> None:
        """Ask the active server for its archives, and each of these whether it answers."""
        server, workspace = self._active(), self.anontui.model.workspace
        if server is None or workspace is None:
            self.server = self.receiver = None
            self._show([], "No server is active.\n\nesc, then 1, and activate one.")
            return
        settings = workspace.settings
        if server != self.server:
            self.server, self.nodes, self.receiver = server, [], None
        self.echoes.clear()
        if not self.nodes:
            self._show([], f"Asking {server.name} for its archives…")

        def work() -> Any:
            from anontui.operations.servers import connect

            with connect(settings, server) as client:
                return client.nodes()

        self.anontui.start("archives", work, self._told, self._failed)
        self.ask_receiver()

    def _told(self, nodes: list[ArchiveNode]) -> None:
        assert self.server is not None  # noqa: S101 - it was asked
        self._show(nodes, NO_ARCHIVES.format(server=self.server.name))
        for node in nodes:
            if node.find or node.retrieve or node.send:
                self._echo(node.name)

    def _failed(self, error: AnonTUIError) -> None:
        name = self.server.name if self.server else ""
        with_keys = self.anontui.registry.with_keys
        again = with_keys("{app.pane-1}, then {pacs.echo}: ask again.")
        if error.advice == OTHER_VERSION:
            words = f"{name} cannot search archives.\n\n{with_keys(NO_SEARCH)}"
        elif isinstance(error, ServerUnreachable):
            do = wrapped(error.advice or error.message)
            words = f"✖ {name} does not answer.\n{do}\n{again}"
        else:
            words = f"✖ {wrapped(trouble(error))}\n{again}"
        self._show([], words)

    def _show(self, nodes: list[ArchiveNode], empty: str) -> None:
        self.nodes, self.grid.empty = nodes, empty
        self.grid.set_rows(self.rows())
        self._show_receiver()
        self._chosen()

    def _echo(self, name: str) -> None:
        workspace, server = self.anontui.model.workspace, self.server
        assert workspace is not None  # noqa: S101 - its server told of this archive
        settings = workspace.settings

        def work() -> float:
            from anontui.operations.archives import LONG
            from anontui.operations.servers import connect

            with connect(settings, server, timeout=LONG) as client:
                return client.echo(name)

        def done(echo: float | str) -> None:
            if server == self.server:
                self.echoes[name] = echo
                self.grid.refresh_rows([name])
                self._chosen()

        self.anontui.start(f"echo {name}", work, done, lambda error: done(trouble(error)))

    # -- the receiver --------------------------------------------------------------------

    def ask_receiver(self) -> None:
        """Ask how the receiver is doing; a server that has none shows none."""
        workspace, server = self.anontui.model.workspace, self.server
        if workspace is None or server is None:
            return
        settings = workspace.settings

        def work() -> ReceiverState:
            from anontui.operations.servers import connect

            with connect(settings, server) as client:
                return client.receiver()

        self.anontui.start("receiver", work, self.receiver_told, lambda _: None)

    def receiver_told(self, state: ReceiverState) -> None:
        """Show how it is doing."""
        if state != self.receiver:
            self.receiver = state
            self._show_receiver()

    def _show_receiver(self) -> None:
        state = self.receiver
        self._line.display = state is not None
        if state is None:
            return
        parts: list[str | tuple[str, str]] = [("receiver ", "$text-muted")]
        if state.error:
            parts.append((f"✖ {state.error}", "$error"))
        elif state.running:
            parts += [("● on", "$success"), (f"  port {state.port}", "$text-muted")]
        else:
            parts.append(("○ off", "$text-muted"))
        parts.append((f"  {state.received:,} received\n", "$text-muted"))
        ways = (f"{aet} → {project}" for aet, project in (state.projects or {}).items())
        parts.append((", ".join(ways) or "no project receives", "$text-disabled"))
        self._line.update(Content.assemble(*parts))
