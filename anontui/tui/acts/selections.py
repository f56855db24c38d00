"""The selection of the folder under the cursor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.content import Content

from anontui.tui.acts import common
from anontui.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from anontui.project.selection import Selection
    from anontui.tui.app import AnonTUI


def add(app: AnonTUI) -> None:
    """Ask for patterns, and select the DICOM files that match."""
    folder = app.main.files.folder()
    assert folder is not None  # noqa: S101 - the action needs one

    def answered(text: str) -> None:
        def work() -> Any:
            from anontui.operations.selecting import add_to_selection

            return add_to_selection(folder, text.split())

        def done(chosen: Selection) -> None:
            app.say(f"The selection holds {len(chosen.paths)} files", "$success")
            app.main.files.reread()

        app.start("files", work, done, label=f"Selecting in {folder.name}")

    common.ask(app, f"Files to select in {folder.name}, by patterns", "*", answered)


def _selection(app: AnonTUI) -> Path:
    path = app.main.files.selection()
    assert path is not None  # noqa: S101 - the actions need one
    return path


def show(app: AnonTUI) -> None:
    """Show which files it holds."""
    from anontui.project.selection import Selection

    path = _selection(app)

    def done(chosen: Selection) -> None:
        head = f"{chosen.description}: {len(chosen.paths)} files"
        common.show_text(app, path.name, Content("\n").join(map(Content, (head, *chosen.paths))))

    app.start("files", lambda: Selection.load(path), done)


def edit(app: AnonTUI) -> None:
    """Open it in the user's editor, and look whether it can be read afterwards."""
    from anontui.project.selection import Selection

    path = _selection(app)

    def closed() -> None:
        app.say(f"The selection holds {len(Selection.load(path).paths)} files")

    common.edit_outside(app, path, closed)


def delete(app: AnonTUI) -> None:
    """Delete it, after a question."""
    from anontui.project import files

    path = _selection(app)

    def done(_: None) -> None:
        app.say(f"{path.name} deleted")
        app.main.files.reread()

    question = f"Delete the selection {path.parent.name}/{path.name}?"
    common.confirm(
        app,
        ConfirmScreen(question, "The files that it lists stay.", "Delete"),
        lambda: app.start("files", lambda: files.delete(path, "file selection"), done),
    )


def add_to_mapping(app: AnonTUI) -> None:
    """Make a row of it."""
    from anontui.operations.importing import Wanted, add_selections
    from anontui.tui.acts.mapping import tell

    path, editor = _selection(app), app.model.editor
    assert editor is not None  # noqa: S101 - the action needs a mapping
    workspace = common.workspace_of(app)
    common.told(app, lambda: tell(app, add_selections(workspace, editor, [Wanted(str(path))])))
