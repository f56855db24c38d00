"""Pane 3: the mapping as a grid that is edited in place and saved by itself."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from anontui.errors import AnonTUIError
from anontui.project.journal import Draft
from anontui.tui.panes.mappingedits import edit
from anontui.tui.panes.mappingfile import MappingFile
from anontui.tui.panes.mappingrows import MappingRows
from anontui.tui.panes.pane import Pane
from anontui.tui.widgets.grid import Column, Grid, Rows
from anontui.tui.widgets.view import NoRows

if TYPE_CHECKING:
    from anontui.project.editor import MappingEditor

OPTIONS = (
    ("project", "project"),
    ("root_source_path", "root"),
    ("destination_path", "destination"),
)
_PSEUDONYMS = ("pseudo_id", "pseudo_name")
WATCH_SECONDS = 2.0
"""How often to look whether another program changed the file."""


class MappingPane(Pane):
    """Which source gets which pseudonym."""

    label = "Mapping"
    number = 3
    cell_cursor = True
    columns = (
        Column("#", "#", 4, right=True),
        Column("source", "source", None, min_width=16, editable=True),
        Column("pseudo_id", "pseudo_id", 12, min_width=10, editable=True),
        Column("pseudo_name", "pseudo_name", 12, min_width=8, editable=True),
        Column("description", "description", 17, min_width=8, editable=True),
    )
    empty = (
        "No rows yet.\n\nMark folders in Files ({app.pane-2}, {files.mark}) and press "
        "{map.add-study-folders},\nor add a row here with {mapping.add-row}."
    )
    no_file = "This folder has no mapping yet.\n\nPress {map.init} to make one."

    def __init__(self) -> None:
        super().__init__()
        self.options = Static(classes="options", markup=False)
        self.file: MappingFile = MappingFile(self)
        self._shown: MappingEditor | None = None

    def compose(self) -> ComposeResult:
        """The options line above the grid."""
        yield self.options
        yield from super().compose()

    def on_mount(self) -> None:
        """Look now and then whether Excel or ``anon`` changed the file."""
        self.set_interval(WATCH_SECONDS, self.file.look)

    @property
    def editor(self) -> MappingEditor | None:
        """The editor of the mapping; None where there is no readable mapping."""
        return self.anontui.model.editor

    def rows(self) -> Rows:
        """All rows of the mapping."""
        editor = self.editor
        return MappingRows(editor.state, editor.shares, self.columns) if editor else NoRows()

    def still(self) -> Rows:
        """The rows as they are now."""
        editor = self.editor
        if editor is None:
            return NoRows()
        return MappingRows(editor.snapshot().state, editor.shares, self.columns)

    def project_loaded(self) -> None:
        """Show the mapping that was read."""
        self.grid.empty = self.hint()
        if self.editor is not self._shown:
            self._shown = self.editor
            self.file.forget()
        self.show_rows()
        if self.grid.cursor_column == 0:
            self.grid.move_cursor(column=2)

    def hint(self) -> str:
        """What stands where there are no rows: why, and what to do."""
        if (error := self.anontui.model.mapping_error) is not None:
            return f"{error.message}\n\n{error.advice}"
        return self.anontui.registry.with_keys(self.empty if self.editor else self.no_file)

    def title(self) -> list[str | tuple[str, str]]:
        """File, number of rows, and whether all is on disk."""
        if self.editor is None:
            return []
        count = len(self.editor.keys)
        return [f"{count:,} row{'s'[: count != 1]}", self.file.state()]

    def show_rows(self) -> None:
        """Show the mapping as it is now."""
        self.set_rows()
        self._show_options()

    def _show_options(self) -> None:
        self.options.display = self.editor is not None
        if self.editor is None:
            return
        parts: list[Content] = []
        for name, label in OPTIONS:
            value = self.editor.mapping.option(name)
            shown = (value, "$text") if value else ("not set", "$warning")
            parts.append(Content.assemble((f"{label} ", "$text-muted"), shown))
        project, root, destination = parts
        self.options.update(Content("\n").join([Content("   ").join([project, root]), destination]))

    # -- edits ---------------------------------------------------------------------------

    def unreadable(self) -> str:
        """Need: a mapping."""
        words = "there is no mapping yet ({map.init} makes one)"
        return "" if self.editor else self.anontui.registry.with_keys(words)

    def no_row(self) -> str:
        """Need: a row under the cursor."""
        return "" if self.key is not None else "the mapping has no rows"

    def row_of(self, key: Hashable) -> int:
        """Where the row with this key is in the mapping, from 0."""
        assert self.editor is not None  # noqa: S101 - rows come from it
        return self.editor.keys.index(key)  # type: ignore[arg-type]  # keys are its own

    def pasted(self, text: str) -> None:
        """Put pasted text into the cells from the cursor's on."""
        self.anontui.run_action_named(self.anontui.registry.actions["mapping.paste"], text)

    def cursor_moved(self) -> None:
        """Say what is wrong with the row under the cursor, if anything is."""
        if self.editor is None or self.key is None or self.anontui.main.current is not self:
            return
        problems = self.editor.problems(self.row_of(self.key))
        if problems:
            self.anontui.last_word = ("; ".join(problems.values()), "$warning")
            self.anontui.main.strip.redraw()

    def activated(self) -> None:
        """A double click edits the cell."""
        self.edit()

    def edit(self) -> None:
        """Edit the cell under the cursor in place."""
        if self.anontui.readonly:
            self.anontui.say("Edit: not now, the app was started read-only", "$warning")
            return
        assert self.editor is not None  # noqa: S101 - the action needs a row
        if self.grid.cursor_column == 0:
            self.grid.move_cursor(column=2)
        name = self.grid.columns[self.grid.cursor_column].id
        row = self.row_of(self.key)
        self.grid.begin_edit(self.editor.mapping.cell(row, name))

    def edited(self, message: Grid.Edited) -> None:
        """Take over what was typed."""
        assert self.editor is not None  # noqa: S101 - rows come from it
        try:
            self.editor.set_cell(self.row_of(message.key), message.column_id, message.value)
        except AnonTUIError as error:
            self.anontui.fail(error)
        self.editor.note_draft(None)
        self.grid.refresh_rows([message.key])
        self.file.changed()

    def drafted(self, message: Grid.Drafted) -> None:
        """A cell is being typed in: have it kept, and say what is wrong with it."""
        editor = self.editor
        assert editor is not None  # noqa: S101 - rows come from it
        key, name, text = message.key, message.column_id, message.text
        assert isinstance(key, int)  # noqa: S101 - the editor's keys are
        if text is None:
            editor.note_draft(None)
            self.cursor_moved()
            self.file.look()
            return
        editor.note_draft(Draft(key, name, text))
        self.file.sync_journal()
        problem = editor.problems(self.row_of(key), {name: text}).get(name, "")
        self.grid.edit_problem = problem
        word = problem or "enter takes it, esc leaves the cell as it was"
        self.anontui.last_word = (f"{name}: {word}", "$warning" if problem else "$text-muted")
        self.anontui.main.strip.redraw()

    def insert(self, rows: list[dict[str, str]]) -> None:
        """Add rows at the end and go to the first of them."""
        assert self.editor is not None  # noqa: S101 - the callers need a mapping
        at = len(self.editor.keys)
        edit(
            self,
            f"Adding {len(rows):,} rows",
            len(rows),
            lambda editor: editor.insert_rows(at, rows),
            lambda span: self.grid.move_cursor(row=span.start, column=2),
        )

    def add_row(self) -> None:
        """Add an empty row."""
        self.insert([{}])

    def delete_rows(self) -> None:
        """Delete the marked rows, or the one under the cursor; undo brings them back."""
        assert self.editor is not None  # noqa: S101 - the action needs a row
        rows = self.editor.rows_of(self.chosen())
        count = f"{len(rows):,} row{'s'[: len(rows) != 1]}"

        def done(_: None) -> None:
            self.anontui.say(f"{count} deleted, u brings them back")

        self.grid.clear_marks()
        edit(self, f"Deleting {count}", len(rows), lambda editor: editor.delete_rows(rows), done)

    def undo(self) -> None:
        """Take the last edit back."""
        self._step("undo")

    def redo(self) -> None:
        """Do the edit again that was taken back."""
        self._step("redo")

    def _step(self, way: str) -> None:
        assert self.editor is not None  # noqa: S101 - the action needs a mapping
        word = self.editor.undo() if way == "undo" else self.editor.redo()
        self.show_rows()
        self.file.changed()
        self.anontui.say(f"{way}: {word}" if word else f"nothing to {way}")

    def set_option(self, name: str, label: str) -> None:
        """Ask for one of the options above the grid."""
        from anontui.tui.screens.prompt import PromptScreen

        editor = self.editor
        assert editor is not None  # noqa: S101 - the action needs a mapping

        def answered(value: str | None) -> None:
            if value is None:
                return
            try:
                editor.set_option(name, value)
            except AnonTUIError as error:
                self.anontui.fail(error)
            self._show_options()
            self.file.changed()
            if name == "root_source_path":
                self.anontui.main.files.reread()

        self.app.push_screen(PromptScreen(label, editor.mapping.option(name)), answered)

    # -- the file ------------------------------------------------------------------------

    def make(self) -> None:
        """Make a new mapping in this folder."""
        app = self.anontui

        def work() -> None:
            from anontui.operations.mappings import new_mapping

            assert app.model.workspace is not None  # noqa: S101 - the action needs it
            new_mapping(app.model.workspace)

        app.start("files", work, lambda _: app.load())

    def no_mapping_file(self) -> str:
        """Need: a mapping, readable or not."""
        return self.unreadable() if self.anontui.model.mapping_error is None else ""

    def show_changes(self) -> None:
        """Show and save what was changed in the editor."""
        self.show_rows()
        self.file.changed()

    def reread(self) -> None:
        """Read the file, which another program may have changed or deleted."""
        if self.editor is not None:
            self.file.look()
        self.anontui.load()

    def already_there(self) -> str:
        """Need: no mapping file yet."""
        if self.editor or self.anontui.model.mapping_error:
            return "this folder has a mapping already"
        return "" if self.anontui.model.workspace else "the project is not loaded yet"

    # -- creating jobs -------------------------------------------------------------------

    def marked_pseudonyms(self) -> set[str] | None:
        """The pseudonyms of the marked rows; None where no row is marked."""
        if not self.grid.marks or self.editor is None:
            return None
        named = map(self.editor.mapping.named, self.editor.rows_of(self.grid.marks))
        return {cells[name] for cells in named for name in _PSEUDONYMS if name in cells}

    # -- remembered ----------------------------------------------------------------------

    def remember(self) -> dict[str, Any]:
        """Also the column."""
        return {**super().remember(), "column": self.grid.cursor_column}

    def recall(self, state: dict[str, Any]) -> None:
        """Also the column."""
        super().recall(state)
        if isinstance(state.get("column"), int):
            self.grid.move_cursor(column=state["column"])
