"""Cells of the mapping, many at once: paste, fill, clear, copies of rows, pseudonyms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anontui.tui.acts import common

if TYPE_CHECKING:
    from anontui.operations.pseudonyms import Proposals
    from anontui.project.editor import MappingEditor
    from anontui.project.pasting import Paste
    from anontui.tui.app import AnonTUI


def _editor(app: AnonTUI) -> MappingEditor:
    editor = app.model.editor
    assert editor is not None  # noqa: S101 - the actions need it
    return editor


def _changed(app: AnonTUI, words: str) -> None:
    app.main.mapping.show_changes()
    app.say(f"{words}, u takes it back", "$success")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s'[: count != 1]}"


# -- paste -------------------------------------------------------------------------------


def paste_clipboard(app: AnonTUI) -> None:
    """Paste what was copied in the app."""
    paste(app, app.clipboard)


def paste(app: AnonTUI, text: str) -> None:
    """Paste a text from the cursor's cell on; ask first if it does more than fill cells."""
    from anontui.project.pasting import Paste, place, read_pasted

    pane, editor = app.main.mapping, _editor(app)
    grid = pane.grid
    if not text.strip():
        app.say("Paste: there is nothing to paste", "$warning")
        return
    table = read_pasted(text)
    rows, columns = grid.range
    names = [column.id for column in grid.columns]
    if grid.has_range and len(table) == len(table[0]) == 1:
        cells = [
            (row, names[column], table[0][0])
            for row in pane.rows_at(rows)
            for column in columns
            if grid.columns[column].editable
        ]
        found = Paste(cells)
    else:
        below = pane.rows_at(range(rows.start, min(rows.start + len(table), grid.row_count)))
        first = next((i for i in range(columns.start, len(names)) if grid.columns[i].editable), 0)
        found = place(table, below, names[first:])
    if not found.overflows:
        _take(app, editor, found)
        return
    from anontui.tui.screens.paste import PasteScreen

    app.push_screen(
        PasteScreen(found, editor.mapping), lambda yes: _take(app, editor, found) if yes else None
    )


def _take(app: AnonTUI, editor: MappingEditor, found: Paste) -> None:
    def work() -> None:
        with editor.one_step("paste"):
            editor.set_cells(found.cells)
            editor.insert_rows(len(editor.mapping.records), found.rows)
        cells = len(found.cells) + sum(map(len, found.rows))
        _changed(app, f"{_counted(cells, 'cell')} pasted")

    common.told(app, work)


# -- fill, clear, copies -----------------------------------------------------------------


def fill_down(app: AnonTUI) -> None:
    """Write the first row's cells into the rows below, of the range or of the marked rows.

    Without either, the cell above is written into the cursor's, and the cursor goes on.
    """
    pane, editor = app.main.mapping, _editor(app)
    grid = pane.grid
    rows, columns = grid.range
    names = [grid.columns[at].id for at in columns if grid.columns[at].editable]
    above = 0
    if grid.marks:
        source = pane.row_of(pane.key)
        targets = [row for key in grid.marks if (row := pane.row_of(key)) != source]
    elif len(rows) > 1:
        source, *targets = pane.rows_at(rows)
    elif rows.start:
        source, *targets = pane.rows_at(range(rows.start - 1, rows.start + 1))
        above = 1
    else:
        app.say(
            "Fill down: there is no row above; choose a range with shift and arrows", "$warning"
        )
        return
    cells = [(row, name, editor.mapping.cell(source, name)) for row in targets for name in names]

    def work() -> None:
        with editor.one_step("fill down"):
            editor.set_cells(cells)
        cursor = grid.cursor_row
        _changed(app, f"{_counted(len(cells), 'cell')} filled")
        if above:
            grid.move_cursor(row=cursor + 1)

    common.told(app, work)


def clear(app: AnonTUI) -> None:
    """Empty the cells of the range, or the cursor's."""
    pane, editor = app.main.mapping, _editor(app)
    grid = pane.grid
    rows, columns = grid.range
    names = [grid.columns[at].id for at in columns if grid.columns[at].editable]
    cells = [(row, name, "") for row in pane.rows_at(rows) for name in names]

    def work() -> None:
        with editor.one_step("clear cells"):
            editor.set_cells(cells)
        _changed(app, f"{_counted(len(cells), 'cell')} cleared")

    common.told(app, work)


def duplicate(app: AnonTUI) -> None:
    """Put a copy of the marked rows, or of the cursor's, below them."""
    pane, editor = app.main.mapping, _editor(app)
    copies = editor.duplicate_rows(pane.row_of(key) for key in pane.chosen())
    _changed(app, f"{_counted(len(copies), 'row')} copied")
    pane.grid.move_cursor(key=editor.keys[copies.start])


# -- pseudonyms --------------------------------------------------------------------------


def pseudonyms(app: AnonTUI) -> None:
    """Make up pseudonyms, shown before they are taken over."""
    from anontui.tui.screens.pseudonyms import PseudonymScreen

    pane, editor, workspace = app.main.mapping, _editor(app), common.workspace_of(app)
    rows = [pane.row_of(key) for key in pane.chosen()] if pane.grid.marks else None
    jobs = app.model.jobs.values()
    taken = [job.source_anonymizedpatientid or "" for job in jobs]
    taken += [job.source_anonymizedpatientname or "" for job in jobs]

    def answered(found: Proposals | None) -> None:
        from anontui.operations.pseudonyms import give

        if found is not None and found.rows:
            common.told(app, lambda: give(editor, found))
            _changed(app, f"{_counted(len(found.rows), 'row')} got a pseudonym")

    app.push_screen(
        PseudonymScreen(workspace, editor.mapping, rows, list(filter(None, taken))), answered
    )
