"""``anontui map``: the mapping of the current folder."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path

import click

from anontui.cli.context import workspace
from anontui.cli.out import JSON_OPTION, follow, say, show_fields, show_json, show_table
from anontui.errors import UsageError


@click.group("map")
def command() -> None:
    """Say which data becomes which pseudonym."""


@command.command()
def init() -> None:
    """Start an empty mapping in the current folder."""
    from anontui.operations.mappings import new_mapping

    here = workspace()
    mapping = new_mapping(here)
    missing = [
        name
        for name in ("root_source_path", "project", "destination_path")
        if not mapping.option(name)
    ]
    say(f"Made {here.mapping_path}.")
    if missing:
        say(f"Set its options {', '.join(missing)}: in an editor, or in the app.")


@command.command()
@JSON_OPTION
def status(as_json: bool) -> None:
    """Show the mapping."""
    from anontui.project.mapping import COLUMNS, Mapping

    mapping = Mapping.load(workspace().mapping_path)
    rows = [
        {"row": row + 1} | {name: mapping.cell(row, name) for name in COLUMNS}
        for row in range(len(mapping.rows))
    ]
    if as_json:
        show_json(
            {"description": mapping.description, "options": dict(mapping.options), "rows": rows}
        )
        return
    show_fields({"description": mapping.description.strip()} | dict(mapping.options))
    click.echo()
    show_table(rows, ("row", *COLUMNS))


@command.command("add-study-folders")
@click.argument("folders", metavar="FOLDER...", nargs=-1, required=True)
@click.option(
    "--check-dicom/--no-check-dicom",
    default=True,
    help="Look into each file (default), or go by its name.",
)
@click.option(
    "-e", "--exclude-pattern", "exclude", multiple=True, help="Leave out what matches; repeatable."
)
@click.pass_context
def add_study_folders(
    context: click.Context, folders: tuple[str, ...], check_dicom: bool, exclude: tuple[str, ...]
) -> None:
    """Select the DICOM files in folders and add a row for each folder.

    FOLDER can hold wildcards: * for any part of a name, ** for any folders. Files that are
    not DICOM are left out. The pseudonym of the new rows is for you to fill in.
    """
    from anontui.operations.selecting import rows_for, select_folders
    from anontui.project.editor import MappingEditor

    here = workspace()
    editor = MappingEditor.load(here.mapping_path)
    selected = follow(
        select_folders(here, _folders(folders), check=check_dicom, exclude=exclude),
        "looking for DICOM",
    )
    rows = rows_for(here, editor.mapping, selected)
    if rows:
        editor.insert_rows(len(editor.mapping.rows), rows)
        editor.save()
    for row in rows:
        click.echo(f"{row['source']}: {row['description']}")
    wrong = [one for one in selected if one.problem]
    for one in wrong:
        say(f"Error: {one.folder}: {one.problem}. {one.advice}".strip())
    there = len(selected) - len(wrong) - len(rows)
    say(f"Added {len(rows)} rows{f'; {there} were there already' * bool(there)}.")
    context.exit(1 if wrong else 0)


def _folders(names: Iterable[str]) -> list[Path]:
    """The folders that are meant, wildcards replaced by what they match."""
    found: list[Path] = []
    for name in names:
        is_pattern = glob.has_magic(name) and not Path(name).exists()
        matches = sorted(glob.glob(name, recursive=True)) if is_pattern else [name]
        folders = [Path(match) for match in matches if Path(match).is_dir()]
        if not folders:
            raise UsageError(f"There is no folder {name}", advice="Check its spelling.")
        found += folders
    return found
