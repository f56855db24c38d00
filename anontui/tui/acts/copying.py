"""Taking the rows of a table elsewhere: the clipboard, a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.tui import manners, picked
from anontui.tui.acts import common
from anontui.tui.screens.confirm import ConfirmScreen
from anontui.tui.table import AT_ONCE

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI
    from anontui.tui.picked import Picked
    from anontui.tui.table import Table


def copy(app: AnonTUI) -> None:
    """Copy what is chosen, with tabs between cells."""
    from anontui.operations.tables import as_tsv

    _copy(app, lambda found: as_tsv(found.lines()))


def copy_csv(app: AnonTUI) -> None:
    """Copy what is chosen as CSV, with the columns' names above."""
    from anontui.operations.tables import as_csv

    _copy(app, lambda found: as_csv(found.names, found.lines()))


def _copy(app: AnonTUI, text_of: Callable[[Picked], str]) -> None:
    table = app.here.table
    if table is None:
        _copied(app, *app.here.copied())
        return
    found, is_identity = picked.chosen(table), table.shows_identity
    if len(found.at) <= AT_ONCE:
        _copied(app, text_of(found) if found.at else "", found.what, is_identity)
    else:
        app.start(
            "copy",
            lambda: text_of(found),
            lambda text: _copied(app, text, found.what, is_identity),
            label=f"Copying {found.what}",
        )


def _copied(app: AnonTUI, text: str, what: str, is_identity: bool = False) -> None:
    if text:
        manners.copy(app, text, what, is_identity=is_identity)
    else:
        app.say("There is nothing here to copy", "$warning")


def export(app: AnonTUI) -> None:
    """Ask for a file's name and write the rows that show into it."""
    question = "File to write what is shown into: .csv, .xlsx or .json"
    common.ask(app, question, f"{_table(app).label.lower()}.csv", lambda text: to(app, text))


def _table(app: AnonTUI) -> Table:
    table = app.here.table
    assert table is not None  # noqa: S101 - the action needs it
    return table


def to(app: AnonTUI, name: str) -> None:
    """Write the rows that show into a file of this name."""
    from anontui.operations.tables import check_name, write

    found, title = picked.shown(_table(app)), _table(app).label
    path = app.model.folder / Path(name.strip()).expanduser()
    check_name(path)

    def save() -> None:
        app.start(
            "files",
            lambda: write(path, found.names, found.lines(), title),
            lambda count: app.say(
                f"{count:,} row{'s'[: count != 1]} written to {path.name}", "$success"
            ),
            label=f"Writing {path.name}",
        )

    if path.exists():
        question = f"Replace {path.name}?"
        common.confirm(app, ConfirmScreen(question, "What it holds is lost.", "Replace"), save)
    else:
        save()
