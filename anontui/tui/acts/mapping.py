"""The mapping as a whole: more rows, a thorough check, the user's own editor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from anontui.tui.acts import common
from anontui.tui.panes import mappingedits
from anontui.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from anontui.operations.importing import Added, Chosen, Wanted
    from anontui.project.editor import MappingEditor
    from anontui.project.inputfile import InputTable
    from anontui.tui.app import AnonTUI

_TABLES = (".xlsx", ".csv", ".txt")


def _editor(app: AnonTUI) -> MappingEditor:
    editor = app.model.editor
    assert editor is not None  # noqa: S101 - the actions need it
    return editor


def add_numbers(app: AnonTUI) -> None:
    """Ask for accession numbers, or for the name of an input file with those or with folders."""

    def answered(text: str) -> None:
        if text.lower().endswith(_TABLES):
            _add_table(app, app.model.folder / Path(text).expanduser())
        elif text:
            from anontui.operations.importing import Wanted

            _add_wanted(app, [Wanted(number) for number in text.replace(",", " ").split()])

    common.ask(app, "Accession numbers, or an input file (.xlsx, .csv, .txt)", "", answered)


def _add_table(app: AnonTUI, path: Path) -> None:
    from anontui.project.inputfile import Sheet, look_into

    def done(sheet: Sheet) -> None:
        from anontui.tui.screens.importing import ImportScreen

        def answered(table: InputTable | None) -> None:
            if table is not None:
                _confirmed(app, path, table)

        app.push_screen(ImportScreen(path.name, sheet), answered)

    app.start("files", lambda: look_into(path), done)


def _confirmed(app: AnonTUI, path: Path, table: InputTable) -> None:
    for warning in table.warnings:
        app.notify(warning, title=path.name, severity="warning", markup=False)
    if not table.to_confirm:
        _add_rows(app, table)
        return
    question = f"Are the values under {', '.join(table.to_confirm)} pseudonyms?"
    meaning = "If they are the patients' real names, they would be sent as pseudonyms."
    common.confirm(
        app,
        ConfirmScreen(question, meaning, "Take them", word="pseudonyms"),
        lambda: _add_rows(app, table),
    )


def _add_rows(app: AnonTUI, table: InputTable) -> None:
    from anontui.operations.importing import wanted_in

    if "accession_number" in table.columns:
        _add_wanted(app, wanted_in(table, "accession_number"))
        return
    wanted = wanted_in(table, "path")
    editor, workspace = _editor(app), common.workspace_of(app)
    mapping = editor.snapshot().state.mapping

    def work() -> Any:
        from anontui.operations.importing import choose_folders

        return choose_folders(workspace, mapping, wanted)

    def done(chosen: Chosen) -> None:
        from anontui.operations.importing import add_chosen

        mappingedits.edit(
            app.main.mapping,
            "Adding rows",
            len(wanted),
            lambda twin: add_chosen(workspace, twin, chosen),
            lambda added: tell(app, added),
        )

    app.start("files", work, done, label=f"Selecting DICOM in {len(wanted)} folders")


def _add_wanted(app: AnonTUI, wanted: list[Wanted]) -> None:
    from anontui.operations.importing import add_accession_numbers

    workspace = common.workspace_of(app)
    mappingedits.edit(
        app.main.mapping,
        "Adding rows",
        len(wanted),
        lambda editor: add_accession_numbers(workspace, editor, wanted),
        lambda added: tell(app, added),
    )


def tell(app: AnonTUI, added: Added) -> None:
    """Show the rows that came, say what could not be added, and go to the mapping."""
    told_of(app, added)
    if added.rows:
        app.main.show_pane(app.main.mapping)


def told_of(app: AnonTUI, added: Added) -> None:
    """Show the rows that came, and say what could not be added."""
    app.main.mapping.show_changes()
    count = len(added.rows)
    words = [f"{count} row{'s'[: count != 1]} added to the mapping"]
    words += [f"{added.known} already there"] if added.known else []
    words += [f"{added.filled} now have their pseudonym"] if added.filled else []
    app.say(", ".join(words), "$success")
    for trouble in added.troubles:
        title = f"{trouble.where}: {trouble.message}"
        app.notify(trouble.advice, title=title, severity="warning", markup=False)


def edit(app: AnonTUI) -> None:
    """Open the mapping in the user's editor."""
    path, pane = common.workspace_of(app).mapping_path, app.main.mapping
    pane.file.when_saved(lambda: common.edit_outside(app, path, pane.reread))


def activate(app: AnonTUI) -> None:
    """Make this mapping the one that commands work on, wherever they are given."""
    from anontui.operations.mappings import activate as make_active

    workspace = common.workspace_of(app)
    common.run(
        app,
        lambda: make_active(workspace, workspace.mapping_path),
        "This mapping is the active one now",
    )


def delete(app: AnonTUI) -> None:
    """Delete the mapping, after a question."""
    from anontui.operations.mappings import delete_mapping

    workspace = common.workspace_of(app)

    def deleted() -> None:
        if app.model.editor and app.model.editor.journal:
            app.model.editor.journal.close()
        app.model.editor = app.model.mapping_error = None
        common.run(
            app, lambda: delete_mapping(workspace, workspace.mapping_path), "The mapping is deleted"
        )

    question = f"Delete {workspace.mapping_path.name}?"
    meaning = "It tells which pseudonym is whose. Selections, batch and jobs stay."
    common.confirm(app, ConfirmScreen(question, meaning, "Delete", word="delete"), deleted)
