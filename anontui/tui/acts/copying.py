"""Taking the rows of a pane elsewhere: the clipboard, a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.tui import manners, picked
from anontui.tui.acts import common
from anontui.tui.panes.pane import AT_ONCE
from anontui.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI
    from anontui.tui.picked import Picked


def copy(app: AnonTUI) -> None:
    """Copy what is chosen, with tabs between cells."""
    from anontui.operations.tables import as_tsv

    _copy(app, lambda found: as_tsv(found.lines()))


def copy_csv(app: AnonTUI) -> None:
    """Copy what is chosen as CSV, with the columns' names above."""
    from anontui.operations.tables import as_csv

    _copy(app, lambda found: as_csv(found.names, found.lines()))


def _copy(app: AnonTUI, text_of: Callable[[Picked], str]) -> None:
    found = picked.chosen(app.front.current)
    if not found.at:
        app.say("There is nothing here to copy", "$warning")
    elif len(found.at) <= AT_ONCE:
        _copied(app, text_of(found), found.what)
    else:
        app.start(
            "copy",
            lambda: text_of(found),
            lambda text: _copied(app, text, found.what),
            label=f"Copying {found.what}",
        )


def _copied(app: AnonTUI, text: str, what: str) -> None:
    if text:
        manners.copy(app, text, what)
    else:
        app.say("There is nothing here to copy", "$warning")


def export(app: AnonTUI) -> None:
    """Ask for a file's name and write the rows that show into it."""
    name = f"{app.front.current.id}.csv"
    common.ask(
        app, "File to write what is shown into: .csv, .xlsx or .json", name, lambda t: to(app, t)
    )


def to(app: AnonTUI, name: str) -> None:
    """Write the rows that show into a file of this name."""
    from anontui.operations.tables import check_name, write

    found, title = picked.shown(app.front.current), app.front.current.label
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
