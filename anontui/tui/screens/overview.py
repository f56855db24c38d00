"""All servers at a glance: what they are, whether they answer, how their jobs are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from anontui.idis.model import JobStatus
from anontui.operations.own_server import SERVER_NAME, data_folder, is_on
from anontui.tui.panes.batch import SIGNS
from anontui.tui.panes.servers import latency
from anontui.tui.screens.stage import TableStage
from anontui.tui.widgets.grid import Cell, Column

if TYPE_CHECKING:
    from anontui.operations.surveying import Survey
    from anontui.operations.workspace import Workspace
    from anontui.settings import Server

LANES = 4
"""As many servers are asked at the same time, so that a dead one holds nobody up."""


class SurveyRows:
    """The servers of the settings, and a word on the built-in one where it is not among them."""

    def __init__(
        self, servers: Sequence[Server], surveys: Mapping[str, Survey], active: str, extra: str
    ) -> None:
        self.servers, self.surveys, self._active = servers, surveys, active
        self._extra = extra

    def __len__(self) -> int:
        return len(self.servers) + bool(self._extra)

    def key(self, index: int) -> str:
        """The server's name; empty for a built-in one that is not set up yet."""
        return self.servers[index].name if index < len(self.servers) else ""

    def cells(self, index: int) -> Sequence[str | Cell]:
        """State, name, what it is, answers in, jobs by status, url."""
        if index == len(self.servers):
            name = Cell(SERVER_NAME, "dim")
            return [Cell("○", "dim"), name, "", "", *[""] * 5, Cell(self._extra, "dim")]
        server = self.servers[index]
        is_active = server.name == self._active
        name = Cell(f"{server.name}{' ←' * is_active}", "accent" if is_active else "")
        found = self.surveys.get(server.name)
        if found is None:
            return [
                Cell("○", "dim"),
                name,
                "",
                Cell("…", "dim"),
                *[""] * 5,
                Cell(server.url, "dim"),
            ]
        url = Cell(server.url, "dim")
        if not found.state.up:
            return [Cell("✖", "bad"), name, "", Cell("down", "bad"), *[""] * 5, url]
        counts = [_count(found, status) for status in _ORDER]
        software = found.software or "IDIS"
        answers = Cell(latency(found.state.latency_ms), "dim")
        return [Cell("●", "good"), name, software, answers, *counts, url]


_ORDER = (
    JobStatus.DONE,
    JobStatus.UPLOADED,
    JobStatus.ACTIVE,
    JobStatus.ERROR,
    JobStatus.INACTIVE,
)


def _count(found: Survey, status: JobStatus) -> Cell:
    if found.problem:
        return Cell("?", "warn")
    count = found.jobs.get(status, 0)
    return Cell(str(count), SIGNS[status][1]) if count else Cell("·", "dim")


class OverviewScreen(TableStage):
    """One row a server, filled in as they answer."""

    scope = "overview"
    label = "Servers"
    columns = (
        Column("up", "", 1, min_width=1),
        Column("name", "name", 16, min_width=8),
        Column("software", "what it is", 14, min_width=6),
        Column("answers", "answers in", 10, min_width=6),
        Column("done", "done", 5, min_width=4, right=True),
        Column("running", "runs", 5, min_width=4, right=True),
        Column("waiting", "waits", 5, min_width=4, right=True),
        Column("errors", "error", 5, min_width=4, right=True),
        Column("cancelled", "off", 5, min_width=3, right=True),
        Column("url", "url", None, min_width=10),
    )
    dropped = frozenset({"url", "cancelled"})
    DEFAULT_CSS = "OverviewScreen .detail { height: 6; }"

    def __init__(self) -> None:
        super().__init__()
        self.surveys: dict[str, Survey] = {}
        self.built_in = ""

    def begin(self) -> None:
        """Show the servers, and ask them."""
        super().begin()
        self.ask()

    def about(self) -> list[str | tuple[str, str]]:
        """How many answer."""
        up = sum(one.state.up for one in self.surveys.values())
        count = len(self.workspace.settings.servers)
        told = f"{up} of {count} answer" if len(self.surveys) == count else f"asking {count} …"
        return [told if count else "none yet", *self.counted()]

    @property
    def workspace(self) -> Workspace:
        """The project."""
        workspace = self.anontui.model.workspace
        assert workspace is not None  # noqa: S101 - the action needs it
        return workspace

    def project_loaded(self) -> None:
        """The settings may be others now."""
        self.ask()

    def ask(self) -> None:
        """Ask every server."""
        workspace = self.workspace
        settings = workspace.settings
        self.surveys = {}
        self._show()
        for number, server in enumerate(settings.servers):

            def work(server: Server = server) -> Survey:
                from anontui.operations.surveying import survey

                return survey(settings, server)

            def done(found: Survey, name: str = server.name) -> None:
                if self.is_attached and settings is self.workspace.settings:
                    self.surveys[name] = found
                    self.anontui.model.look({name: found.state})
                    self.anontui.main.servers.servers_changed()
                    self._show()

            self.anontui.start(f"survey-{number % LANES}", work, done)

        def known(running: bool) -> None:
            self.built_in = "runs" if running else "does not run"
            self._tell()

        self.anontui.start("survey-own", lambda: is_on(workspace), known)

    def _show(self) -> None:
        if not self.is_attached:
            return
        settings = self.workspace.settings
        starts = self.anontui.registry.with_keys("{overview.built-in} starts it here")
        extra = starts if settings.built_in is None else ""
        active = settings.active_server_name or ""
        self.show_rows(SurveyRows(settings.servers, self.surveys, active, extra))

    def cursor_moved(self) -> None:
        """Tell more of another server."""
        self._tell()

    def _tell(self) -> None:
        name = str(self.grid.cursor_key or "")
        found = self.surveys.get(name)
        lines: list[Content] = []
        if found is not None and not found.state.up:
            lines.append(Content(found.state.url))
            lines.append(Content.assemble((found.state.problem, "$error")))
            lines.append(Content(found.state.advice))
        elif found is not None:
            what = found.software or "An IDIS server: it tells no version, and has no extensions"
            lines.append(Content.assemble((found.state.url, "$text"), "  ", what))
            lines.append(Content("jobs: the newest that it tells of"))
            if found.extensions:
                lines.append(Content(f"extensions: {', '.join(found.extensions)}"))
            if found.problem:
                lines.append(Content.assemble((found.problem, "$warning")))
        elif not name:
            lines.append(
                Content("A server of your own on this machine; jobs go on without the app.")
            )
        settings = self.workspace.settings
        if self.built_in and settings.built_in:
            words = f"The built-in server {self.built_in}; its data: {data_folder(self.workspace)}"
            lines.append(Content(words))
        self.detail.update(Content("\n").join(lines))
        self.refresh_lines()

    # -- deeds ---------------------------------------------------------------------------

    def no_server(self) -> str:
        """Need: a server of the settings under the cursor."""
        return (
            ""
            if self.grid.cursor_key
            else "it is not in the settings yet ({overview.built-in} starts it)"
        )

    def activated(self) -> None:
        """A double click activates, if that may be."""
        self.anontui.run_action_named(self.anontui.registry.actions["overview.activate"])

    def activate(self) -> None:
        """Make the server under the cursor the active one."""
        from anontui.tui.acts.common import save_settings

        name = str(self.grid.cursor_key)
        word = f"{name} is the active server now"
        save_settings(self.anontui, lambda settings: settings.activated(name), word)

    def switch_built_in(self) -> None:
        """Start the built-in server, or stop it."""
        self.anontui.main.servers.switch_built_in()
