"""The first start: which server, in one key, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from anontui.errors import AnonTUIError
from anontui.settings import ANONAPI_NAME
from anontui.tui.screens.server import ServerForm
from anontui.tui.screens.stage import Stage
from anontui.tui.widgets.grid import Cell, Column, Grid

if TYPE_CHECKING:
    from anontui.operations.surveying import Survey
    from anontui.settings import Settings
    from anontui.tui.actions import Registry
    from anontui.tui.app import AnonTUI

GREETING = """\
anontui takes patients' identity out of hospitals' images, for research.

You mark folders and give each patient a pseudonym; a server does the rest.
Which server shall it be?"""


class _Choices:
    def __init__(self, settings: Settings, registry: Registry) -> None:
        count = len(settings.servers)
        names = ", ".join(server.name for server in settings.servers[:4])
        found = f"found: {names}" if count else "there are none in your home folder"
        self._rows = (
            ("built-in", "The built-in one", "on this machine, at once"),
            ("server", "A server that there is", "by its url and your token"),
            ("import", "AnonAPI's settings", found),
        )
        if count:  # whoever has used AnonAPI goes on with it
            self._rows = (self._rows[2], *self._rows[:2])
        self._can_import = bool(count)
        self._registry = registry

    def __len__(self) -> int:
        return len(self._rows)

    def key(self, index: int) -> str:
        """What is chosen."""
        return self._rows[index][0]

    def cells(self, index: int) -> Sequence[str | Cell]:
        """Key, name, what it is."""
        choice, name, about = self._rows[index]
        key = self._registry.with_keys(f"{{welcome.{choice}}}")
        off = choice == "import" and not self._can_import
        return [Cell(key, "dim" if off else "accent"), Cell(name, "dim" * off), Cell(about, "dim")]


class WelcomeScreen(Stage):
    """A greeting and three ways on; Esc looks around without a server."""

    scope = "welcome"
    label = "Welcome"
    DEFAULT_CSS = """
    WelcomeScreen .stage { align: center middle; }
    WelcomeScreen .box {
        width: 84; max-width: 96%; height: auto; border: round $primary; padding: 1 2;
        background: $surface;
    }
    WelcomeScreen Grid { height: 3; margin-top: 1; }
    WelcomeScreen .word { margin-top: 1; color: $text-muted; height: auto; min-height: 2; }
    """

    def __init__(self, app: AnonTUI, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        columns = (
            Column("key", "", 2, min_width=1),
            Column("name", "", 24, min_width=20),
            Column("about", "", None, min_width=20),
        )
        self.grid = Grid(columns, _Choices(settings, app.registry), header=False)
        self._word = Static("", classes="word", markup=False)

    def parts(self) -> ComposeResult:
        """A box in the middle."""
        with Vertical(classes="box"):
            yield Static(Content(GREETING))
            yield self.grid
            yield self._word

    def begin(self) -> None:
        """The first choice waits for Enter."""
        self.grid.focus()
        word = "Servers are added and changed at any time. {app.back} looks around first."
        self.tell(self.anontui.registry.with_keys(word))

    def state_line(self) -> list[str | tuple[str, str]]:
        """There is no server to tell of."""
        return [("no settings yet ", "$text-muted")]

    def tell(self, word: str, tone: str = "$text-muted") -> None:
        """Say something in the box."""
        self._word.update(Content.assemble((word, tone)))

    def fail(self, error: AnonTUIError) -> None:
        """Say what went wrong, and stay."""
        self.tell(f"✖ {error.sentence()}", "$error")

    def nothing_found(self) -> str:
        """Need: settings of AnonAPI."""
        return "" if self.settings.servers else f"there is no {ANONAPI_NAME} in your home folder"

    def on_grid_activated(self) -> None:
        """Enter takes the choice under the cursor."""
        action = self.anontui.registry.actions[f"welcome.{self.grid.cursor_key}"]
        self.anontui.run_action_named(action)


class FirstServerForm(ServerForm):
    """A server, tested before it is taken; one that fails is taken by a second Enter."""

    def __init__(self, app: AnonTUI, settings: Settings) -> None:
        super().__init__(settings)
        self._anontui = app
        self._refused: Settings | None = None
        self._asked: Settings | None = None
        self.box.border_title = "A server that there is"
        self.box.border_subtitle = "enter test and take it · esc back"
        self._verdict.update("Ask the server's admin for these. Without a name it gets its host's.")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Test it, and take it if it answers."""
        event.prevent_default()  # the form for one more server takes it untested
        if not self._name_field.value.strip():
            host = urlsplit(self._url_field.value.strip()).hostname or ""
            self._name_field.value = host.partition(".")[0]
        try:
            settings = self._entered()
        except AnonTUIError as error:
            self._say(error.sentence(), "$error")
            return
        if settings == self._refused:
            self.dismiss(settings)
            return
        server = next(s for s in settings.servers if s.name == self._name_field.value.strip())

        def ask() -> Survey:
            from anontui.operations.surveying import survey

            return survey(settings, server)

        def done(found: Survey) -> None:
            if self.is_attached and settings is self._asked:
                self._judge(settings, found)

        self._asked = settings
        self._say(f"Asking {server.url} …", "$text-muted")
        self._anontui.start("poll", ask, done)

    def _judge(self, settings: Settings, found: Survey) -> None:
        if found.state.up and not found.problem:
            self.dismiss(settings)
            return
        self._refused = settings
        problem = found.problem or f"{found.state.problem}. {found.state.advice}"
        self._say(f"✖ {problem}\n\nEnter takes it all the same.", "$error")

    def _say(self, word: str, tone: str) -> None:
        self._verdict.update(Content.assemble((word, tone)))


def is_wanted(path: Path) -> bool:
    """Whether nobody chose anything yet: there are no settings of ours."""
    return not path.exists()
