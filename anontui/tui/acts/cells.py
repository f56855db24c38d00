"""Cells of the mapping, many at once: paste, fill, clear, copies of rows, pseudonyms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from anontui.tui.acts import common
from anontui.tui.panes.mappingedits import edit
from anontui.tui.table import AT_ONCE

if TYPE_CHECKING:
    from anontui.operations.pseudonyms import Proposals
    from anontui.project.editor import MappingEditor
    from anontui.project.pasting import Paste
    from anontui.tui.app import AnonTUI


def _editor(app: AnonTUI) -> MappingEditor:
    editor = app.model.editor
    assert editor is not None  # noqa: S101 - the actions need it
    return editor


def _done(app: AnonTUI, words: str) -> None:
    app.say(app.registry.with_keys(f"{words}, {{mapping.undo}} takes it back"), "$success")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s'[: count != 1]}"


# -- paste -------------------------------------------------------------------------------


def paste_clipboard(app: AnonTUI) -> None:
    """Paste what was copied in the app."""
    paste(app, app.clipboard)


def paste(app: AnonTUI, text: str) -> None:
    """Paste a text from the cursor's cell on; ask first if it does more than fill cells."""
    from anontui.project.pasting import Paste, place, read_pasted
    from anontui.tui.screens.paste import PasteScreen

    pane, editor = app.main.mapping, _editor(app)
    grid = pane.grid
    if not text.strip():
        app.say("Paste: there is nothing to paste", "$warning")
        return
    rows, columns = grid.range
    names = [column.id for column in grid.columns]
    editable = [names[at] for at in columns if grid.columns[at].editable]
    first = next((i for i in range(columns.start, len(names)) if grid.columns[i].editable), 0)
    count = len(text.splitlines())  # a terminal sends carriage returns
    here = pane.provided(rows)
    below = pane.provided(range(rows.start, min(rows.start + count, grid.row_count)))
    fills, revision = grid.has_range, editor.revision

    def work() -> Paste:
        table = read_pasted(text)
        if fills and len(table) == len(table[0]) == 1:
            return Paste([(row, name, table[0][0]) for row in here for name in editable])
        return place(table, below, names[first:])

    def done(found: Paste) -> None:
        if editor.revision != revision:  # rows may have moved
            paste(app, text)
        elif not found.overflows:
            _take(app, found)
        else:
            app.push_screen(PasteScreen(found, editor.mapping), lambda yes: answered(found, yes))

    def answered(found: Paste, yes: bool | None) -> None:
        if yes and editor.revision == revision:
            _take(app, found)
        elif yes:
            paste(app, text)

    if count <= AT_ONCE:
        done(work())
    else:
        app.start("edit", work, done, label="Reading what is pasted")


def _take(app: AnonTUI, found: Paste) -> None:
    def work(editor: MappingEditor) -> int:
        with editor.one_step("paste"):
            editor.set_cells(found.cells)
            editor.insert_rows(len(editor.keys), found.rows)
        return len(found.cells) + sum(map(len, found.rows))

    _edit(app, "Pasting", len(found.cells) + len(found.rows), work, "pasted")


def _edit(
    app: AnonTUI,
    label: str,
    size: int,
    work: Callable[[MappingEditor], int],
    word: str,
    then: Callable[[], object] = lambda: None,
) -> None:
    """Edit cells, and say how many."""

    def done(count: int) -> None:
        _done(app, f"{_counted(count, 'cell')} {word}")
        then()

    edit(app.main.mapping, label, size, work, done)


def _set(
    app: AnonTUI,
    label: str,
    word: str,
    rows: Sequence[int],
    texts: Mapping[str, str],
    then: Callable[[], object] = lambda: None,
) -> None:
    """Write the same texts (by column) into rows."""

    def work(editor: MappingEditor) -> int:
        with editor.one_step(label):
            editor.set_cells((row, name, text) for row in rows for name, text in texts.items())
        return len(rows) * len(texts)

    _edit(app, label.capitalize(), len(rows), work, word, then)


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
        targets = [row for row in editor.rows_of(grid.marks) if row != source]
    elif len(rows) > 1:
        source, *targets = pane.provided(rows)
    elif rows.start:
        source, *targets = pane.provided(range(rows.start - 1, rows.start + 1))
        above = 1
    else:
        app.say(
            "Fill down: there is no row above; choose a range with shift and arrows", "$warning"
        )
        return
    cursor, texts = grid.cursor_row, {name: editor.mapping.cell(source, name) for name in names}

    def then() -> None:
        if above:
            grid.move_cursor(row=cursor + 1)

    _set(app, "fill down", "filled", targets, texts, then)


def clear(app: AnonTUI) -> None:
    """Empty the cells of the range, or the cursor's."""
    pane = app.main.mapping
    grid = pane.grid
    rows, columns = grid.range
    names = [grid.columns[at].id for at in columns if grid.columns[at].editable]
    _set(app, "clear cells", "cleared", pane.provided(rows), dict.fromkeys(names, ""))


def duplicate(app: AnonTUI) -> None:
    """Put a copy of the marked rows, or of the cursor's, below them."""
    pane, editor = app.main.mapping, _editor(app)
    rows = editor.rows_of(pane.chosen())

    def done(copies: range) -> None:
        _done(app, f"{_counted(len(copies), 'row')} copied")
        pane.grid.move_cursor(key=editor.keys[copies.start])

    edit(
        pane,
        f"Copying {_counted(len(rows), 'row')}",
        len(rows),
        lambda twin: twin.duplicate_rows(rows),
        done,
    )


# -- pseudonyms --------------------------------------------------------------------------


def pseudonyms(app: AnonTUI) -> None:
    """Make up pseudonyms, shown before they are taken over."""
    from anontui.operations.pseudonyms import give, of_jobs
    from anontui.tui.screens.pseudonyms import PseudonymScreen

    pane, editor, workspace = app.main.mapping, _editor(app), common.workspace_of(app)
    start = editor.snapshot()
    rows = editor.rows_of(pane.chosen()) if pane.grid.marks else None
    jobs = app.model.jobs
    unknown = sum(job_id not in jobs for job_id in app.model.job_ids())

    def answered(found: Proposals | None) -> None:
        if found is None or not found.rows:
            return
        if editor.revision != start.revision:  # rows may have moved
            app.say("The mapping was changed meanwhile: look at the pseudonyms again", "$warning")
            pseudonyms(app)
            return
        edit(pane, "Giving pseudonyms", len(found.rows), partial(give, proposals=found), done)

    def done(count: int) -> None:
        _done(app, f"{_counted(count, 'row')} got a pseudonym")

    app.push_screen(
        PseudonymScreen(
            workspace, start.state.mapping, rows, of_jobs(jobs.values()), unknown=unknown
        ),
        answered,
    )
