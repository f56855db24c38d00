"""What most acts are made of: a question, work in the background, a word at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import SuspendNotSupported
from textual.content import Content

from anontui.errors import AnonTUIError
from anontui.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from anontui.operations.workspace import Workspace
    from anontui.settings import Settings
    from anontui.tui.app import AnonTUI


def workspace_of(app: AnonTUI) -> Workspace:
    """The project; only for actions that need it to be loaded."""
    workspace = app.model.workspace
    assert workspace is not None  # noqa: S101 - the actions need it
    return workspace


def ask(app: AnonTUI, title: str, value: str, then: Callable[[str], None]) -> None:
    """Ask for a text; an error that ``then`` raises is told."""
    from anontui.tui.screens.prompt import PromptScreen

    def answered(text: str | None) -> None:
        if text is not None:
            told(app, lambda: then(text))

    app.push_screen(PromptScreen(title, value), answered)


def confirm(app: AnonTUI, question: ConfirmScreen, then: Callable[[], object]) -> None:
    """Ask before something is changed; an error that ``then`` raises is told."""

    def answered(yes: bool | None) -> None:
        if yes:
            told(app, then)

    app.push_screen(question, answered)


def told(app: AnonTUI, work: Callable[[], object]) -> None:
    """Do something at once; an expected failure is told."""
    try:
        work()
    except AnonTUIError as error:
        app.fail(error)


def run(app: AnonTUI, work: Callable[[], Any], word: str | Callable[[Any], str]) -> None:
    """Do something with the project's files in the background, say so, and read them again."""

    def done(result: Any) -> None:
        app.say(word if isinstance(word, str) else word(result))
        app.load()

    app.start("files", work, done)


def save_settings(app: AnonTUI, change: Callable[[Settings], Settings], word: str) -> None:
    """Change the settings and save them."""
    settings = change(workspace_of(app).settings)

    def saved(_: None) -> None:
        app.say(word)
        app.model.servers.clear()
        app.load()

    app.start("files", settings.save, saved)


def show_fields(app: AnonTUI, title: str, fields: Mapping[str, object]) -> None:
    """Show names and values; absent values are left out."""
    shown = {name: str(value) for name, value in fields.items() if value not in (None, "", {})}
    room = max(map(len, shown), default=0)
    lines = [Content.assemble((f"{n:>{room}}  ", "$text-muted"), v) for n, v in shown.items()]
    show_text(app, title, Content("\n").join(lines))


def show_text(app: AnonTUI, title: str, text: Content) -> None:
    """Show a text to read."""
    from anontui.tui.screens.text import TextScreen

    app.push_screen(TextScreen(title, text))


def edit_outside(app: AnonTUI, path: Path, then: Callable[[], None]) -> None:
    """Open a file in the user's editor; ``then`` comes when it is closed."""
    from anontui.editor import edit_file, opens_outside

    def work() -> None:
        if opens_outside():
            edit_file(path)
            app.say(f"Opened {path.name}")
            return
        with app.suspend():
            edit_file(path)
        app.refresh(layout=True)
        then()

    try:
        told(app, work)
    except SuspendNotSupported:
        app.say("This terminal cannot be left for an editor", "$warning")
