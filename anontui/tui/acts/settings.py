"""The settings, and where one stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anontui.errors import UsageError
from anontui.tui.acts import common
from anontui.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


def standing(app: AnonTUI) -> None:
    """Show folder, mapping, batch, settings and servers."""
    from anontui.operations.overview import in_words

    workspace = common.workspace_of(app)
    app.start(
        "files",
        lambda: in_words(workspace),
        lambda facts: common.show_fields(app, "Where one stands", facts),
    )


def show(app: AnonTUI) -> None:
    """Show all settings but the token, and the keys, to be changed."""
    from anontui.tui.screens.settings import SettingsScreen

    app.push_screen(SettingsScreen())


def edit(app: AnonTUI) -> None:
    """Open the settings file; it stays the user's alone."""
    from anontui.operations.settings import settings_file

    def opened() -> None:
        path = settings_file(app.model.folder)

        def closed() -> None:
            path.chmod(0o600)  # some editors write a new file
            app.load()

        common.edit_outside(app, path, closed)

    common.told(app, opened)


def switch_validate_ssl(app: AnonTUI) -> None:
    """Check certificates again, or stop that after a question."""
    if not common.workspace_of(app).settings.validate_ssl:
        common.save_settings(
            app, lambda s: s.replace(validate_ssl=True), "Certificates are checked"
        )
        return
    question = "Take any certificate from servers?"
    meaning = "Whoever is in between can then read your token and everything you send."
    common.confirm(
        app,
        ConfirmScreen(question, meaning, "Take any"),
        lambda: common.save_settings(
            app, lambda s: s.replace(validate_ssl=False), "Certificates are NOT checked any more"
        ),
    )


def set_username(app: AnonTUI) -> None:
    """Ask for the user name."""

    def answered(name: str) -> None:
        if not name:
            raise UsageError("This is no user name", advice="Write it as your server's admin does.")
        common.save_settings(app, lambda s: s.replace(user_name=name), f"You are {name} now")

    common.ask(app, "User name", common.workspace_of(app).settings.user_name, answered)


def new_token(app: AnonTUI) -> None:
    """Make a token, after a question if there is one."""
    from anontui.operations.settings import with_new_token

    def make() -> None:
        word = "A new token is set; a server's admin needs it: anontui settings info --show-token"
        common.save_settings(app, with_new_token, word)

    if not common.workspace_of(app).settings.user_token:
        make()
        return
    meaning = "Servers know you by the one that is set; it is lost."
    question = ConfirmScreen("Replace your token by a new one?", meaning, "Replace")
    common.confirm(app, question, make)


def set_defaults(app: AnonTUI) -> None:
    """Ask for the project and the destination that jobs get where a mapping says nothing."""
    from anontui.operations.settings import with_defaults

    before = common.workspace_of(app).settings.job_defaults

    def with_project(project: str) -> None:
        def with_destination(path: str) -> None:
            common.save_settings(
                app,
                lambda s: with_defaults(s, project=project, destination_path=path),
                "Defaults saved; a new mapping starts with them",
            )

        title = "Default destination, a UNC path"
        common.ask(app, title, before.get("destination_path", ""), with_destination)

    common.ask(app, "Default project", before.get("project", ""), with_project)
