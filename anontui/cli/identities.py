"""``anontui identities``: who is who on a server of this machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anontui.cli.out import JSON_OPTION, YES_OPTION, confirm, say, show_json, show_table
from anontui.cli.serve import DATA_OPTION, default_data

if TYPE_CHECKING:
    from anontui.server.review import Review

_COLUMNS = {
    "pseudonym": "new_id",
    "patient": "original_id",
    "name": "original_name",
    "study": "original_uid",
    "new study": "new_uid",
    "date": "original_date",
    "offset": "date_offset",
    "accession": "original_accession",
    "series": "series",
    "instances": "instances",
    "project": "project",
}
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("identities")
def command() -> None:
    """Look up who is who on a server of this machine; every use is in its audit."""


@command.command()
@click.argument("text")
@JSON_OPTION
@DATA_OPTION
def find(text: str, as_json: bool, data: Path | None) -> None:
    """Show whom TEXT names: an id, a name, a UID, an accession number, or a pseudonym.

    Upper and lower case are alike; * stands for any characters.
    """
    from anontui.server.review import who_types

    with open_review(data) as review:
        rows = review.find(text, who_types())
    if as_json:
        show_json(rows)
    elif rows:
        shown = [{name: row.get(key) for name, key in _COLUMNS.items()} for row in rows]
        for line, row in zip(shown, rows, strict=True):
            if "kind" in row:  # an imported value that belongs to no patient yet
                line |= {"study": row["original"], "new study": row["new"]}
        show_table(shown, _COLUMNS)
    else:
        say("Nobody is found. Parts of a text are found with *, such as: Jan*")


@command.command()
@click.argument("file", type=_FILE)
@YES_OPTION
@DATA_OPTION
def export(file: Path, yes: bool, data: Path | None) -> None:
    """Write everybody to FILE: the PHI index (CSV) of RSNA's DICOM Anonymizer.

    The file tells who every pseudonym is: keep it where nobody else reads it.
    """
    from anontui import atomic
    from anontui.errors import UsageError
    from anontui.server.phi_index import write_csv
    from anontui.server.review import who_types

    if file.exists():
        confirm(f"{file} is there already. Replace it?", yes=yes)
    with open_review(data) as review:
        rows = review.export(who_types())
    try:
        atomic.write_bytes(file, write_csv(rows), mode=0o600)
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written", cause=error.strerror or "", advice="Choose another place."
        ) from error
    say(f"Wrote {len(rows)} rows to {file}. It holds identities; only you can read it.")


@command.command("import")
@click.argument("file", type=_FILE)
@click.option("--project", default="", help="For this project only; by default for all.")
@JSON_OPTION
@DATA_OPTION
def import_(file: Path, project: str, as_json: bool, data: Path | None) -> None:
    """Take over the pseudonyms of FILE, so that they go on being used.

    FILE is the PHI index (CSV) of RSNA's DICOM Anonymizer, the index of its Java predecessor
    (xlsx), or an identity.db of dicom-pipeline. What contradicts what was given out already is
    left out.
    """
    from anontui.server.phi_index import read_index
    from anontui.server.review import who_types

    entries = read_index(file)
    with open_review(data) as review:
        taken = review.take(entries, project, who_types())
    if as_json:
        show_json({"patients": taken.patients, "conflicts": taken.conflicts})
    else:
        say(f"Took over {taken.patients} patients and {taken.values} other values.")
    if taken.conflicts:
        lines = ", ".join(map(str, taken.conflicts[:20]))
        say(
            f"Warning: {len(taken.conflicts)} entries were left out, for they contradict what"
            f" was given out already or cannot stand in a file: {lines}"
            f"{' …' if len(taken.conflicts) > 20 else ''} (counted without the heading)."
        )
        click.get_current_context().exit(1)


@contextmanager
def open_review(data: Path | None) -> Iterator[Review]:
    """Open the privileged functions over a server's data folder.

    Raises
    ------
    CannotStart
        If there is no such folder, or it cannot be written.
    """
    from anontui.errors import CannotStart
    from anontui.server.folder import DataFolder
    from anontui.server.review import Review

    folder = DataFolder((data or default_data()).absolute())
    if not folder.ledger.exists():
        raise CannotStart(
            f"There is no server's data in {folder.path}", advice="Name its folder with --data."
        )
    try:
        with Review.of(folder) as review:
            yield review
    except (OSError, sqlite3.Error) as error:
        raise CannotStart(
            f"The server's data in {folder.path} cannot be changed",
            cause=getattr(error, "strerror", None) or str(error),
            advice="Check that the disk has room, then try again.",
        ) from error
