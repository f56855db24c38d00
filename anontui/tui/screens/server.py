"""Adding and editing a server: name, url, user and token, tested before they are saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from anontui.errors import AnonTUIError
from anontui.tui.screens.dialog import Dialog

if TYPE_CHECKING:
    from anontui.operations.servers import ServerState
    from anontui.settings import Settings


class ServerForm(Dialog["Settings"]):
    """Asks for a server; gives the settings with it."""

    def __init__(self, settings: Settings, name: str = "") -> None:
        super().__init__(
            f"Server {name}" if name else "New server", "enter save · ^t test · esc back"
        )
        self._settings = settings
        self._old = name
        url = next((server.url for server in settings.servers if server.name == name), "https://")
        self._name_field = Input(name, placeholder="p01", compact=True, select_on_focus=False)
        self._url_field = Input(url, compact=True, select_on_focus=False)
        self._user_field = Input(settings.user_name, compact=True, select_on_focus=False)
        self._token_field = Input(
            settings.user_token, password=True, compact=True, select_on_focus=False
        )
        self._verdict = Static("User and token are the same for all servers.", markup=False)

    def parts(self) -> list[Widget]:
        """A line a field, then what the test said."""
        fields = (
            ("name", self._name_field),
            ("url", self._url_field),
            ("user", self._user_field),
            ("token", self._token_field),
        )
        lines = [
            Horizontal(Label(f"{label:>6} "), field, classes="field") for label, field in fields
        ]
        return [*lines, self._verdict]

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter saves."""
        try:
            self.dismiss(self._entered())
        except AnonTUIError as error:
            self._fail(error.sentence())

    def on_key(self, event: events.Key) -> None:
        """``ctrl+t`` asks the server before anything is saved."""
        if event.key == "ctrl+t":
            event.stop()
            self._test()

    def _entered(self) -> Settings:
        """The settings as they would be; raises :class:`SettingsError` for a bad url or name."""
        settings = self._settings
        name = self._name_field.value.strip()
        if self._old and self._old != name:
            settings = settings.without_server(self._old)
        settings = settings.with_server(name, self._url_field.value.strip())
        if settings.active_server_name is None or settings.active_server_name == self._old:
            settings = settings.activated(name)
        return settings.replace(
            user_name=self._user_field.value.strip(), user_token=self._token_field.value.strip()
        )

    def _fail(self, word: str) -> None:
        self._verdict.update(Content.assemble((f"✖ {word}", "$error")))

    def _test(self) -> None:
        from anontui.tui.app import AnonTUI

        app = self.app
        assert isinstance(app, AnonTUI)  # noqa: S101 - tells the type checker
        try:
            settings = self._entered()
        except AnonTUIError as error:
            self._fail(error.sentence())
            return
        server = next(s for s in settings.servers if s.name == self._name_field.value.strip())

        def ask() -> ServerState:
            from anontui.operations.servers import probe

            return probe(settings, server)

        def done(state: ServerState) -> None:
            if state.up:
                word = "✔ It answers, and takes user and token."
                self._verdict.update(Content.assemble((word, "$success")))
            else:
                self._fail(f"{state.problem.rstrip('.')}. {state.advice}".strip())

        self._verdict.update("Asking…")
        app.start("poll", ask, done)
