"""``anontui select``: the selection of files in the current folder."""

from __future__ import annotations

from pathlib import Path

import click

from anontui.cli.out import JSON_OPTION, follow, say, show_json
from anontui.errors import ProjectError


@click.group("select")
def command() -> None:
    """Select files for one job: a list of those in and below the current folder."""


@command.command()
@click.argument("patterns", metavar="PATTERN...", nargs=-1, required=True)
@click.option("--recurse/--no-recurse", default=True, help="Look in subfolders too (default).")
@click.option(
    "--check-dicom/--no-check-dicom",
    default=True,
    help="Look into each file (default), or go by its name.",
)
@click.option(
    "-e", "--exclude-pattern", "exclude", multiple=True, help="Leave out what matches; repeatable."
)
def add(
    patterns: tuple[str, ...], recurse: bool, check_dicom: bool, exclude: tuple[str, ...]
) -> None:
    """Add the DICOM files that match a pattern.

    In a PATTERN * stands for any part of a name and ** for any folders; a folder that
    matches stands for all files in it. Quote it, so that the shell leaves it alone.
    """
    from anontui.operations.selecting import add_to_selection

    chosen = follow(
        add_to_selection(Path.cwd(), patterns, recurse=recurse, check=check_dicom, exclude=exclude),
        "looking for DICOM",
    )
    say(f"The selection now holds {len(chosen.paths)} files.")


@command.command()
@JSON_OPTION
def status(as_json: bool) -> None:
    """Show the selection."""
    from anontui.project.selection import FILENAME, Selection

    path = Path.cwd() / FILENAME
    if not path.exists():
        raise ProjectError(
            "This folder has no selection", advice="Make one with: anontui select add PATTERN"
        )
    chosen = Selection.load(path)
    if as_json:
        show_json(
            {"description": chosen.description, "id": chosen.id, "selected_paths": chosen.paths}
        )
    else:
        say(f"{len(chosen.paths)} files: {chosen.description}")
        for name in chosen.paths:
            click.echo(name)
