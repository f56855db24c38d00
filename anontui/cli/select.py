"""``anontui select``: the selection of files in the current folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from anontui.cli.out import JSON_OPTION, YES_OPTION, confirm, follow, say, show_json
from anontui.editor import edit_file
from anontui.errors import ProjectError

F = TypeVar("F", bound=Callable[..., Any])


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
@click.option(
    "--into",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Keep the selection in a folder above, where this one may not be written.",
)
def add(
    patterns: tuple[str, ...],
    recurse: bool,
    check_dicom: bool,
    exclude: tuple[str, ...],
    into: Path | None,
) -> None:
    """Add the DICOM files that match a pattern.

    In a PATTERN * stands for any part of a name and ** for any folders; a folder that
    matches stands for all files in it. Quote it, so that the shell leaves it alone.
    """
    from anontui.operations.selecting import add_to_selection, selection_file

    here = Path.cwd()
    into = Path(os.path.abspath(into)) if into else None
    adding = add_to_selection(
        here, patterns, recurse=recurse, check=check_dicom, exclude=exclude, into=into
    )
    chosen = follow(adding, "looking for DICOM")
    say(f"{selection_file(here, into)} now holds {len(chosen.paths)} files.")


def _place(function: F) -> F:
    """Give a command the selection that it is about, the current folder's by default."""
    return click.argument("place", metavar="[SELECTION]", default=".", callback=_found)(function)


def _found(ctx: click.Context, param: click.Parameter, place: str) -> Path:
    from anontui.project.selection import FILENAME

    path = Path(os.path.abspath(place))
    path = path / FILENAME if path.is_dir() else path
    if not path.exists():
        what = "This folder has no selection" if place == "." else f"There is no selection {place}"
        raise ProjectError(what, advice="Make one with: anontui select add PATTERN")
    return path


@command.command()
@_place
@JSON_OPTION
def status(place: Path, as_json: bool) -> None:
    """Show the selection."""
    from anontui.project.selection import Selection

    chosen = Selection.load(place)
    if as_json:
        show_json(
            {"description": chosen.description, "id": chosen.id, "selected_paths": chosen.paths}
        )
    else:
        say(f"{len(chosen.paths)} files: {chosen.description}")
        for name in chosen.paths:
            click.echo(name)


@command.command()
@_place
def edit(place: Path) -> None:
    """Open the selection in your editor ($VISUAL or $EDITOR, else its usual program)."""
    from anontui.project.selection import Selection

    if edit_file(place):
        say(f"The selection holds {len(Selection.load(place).paths)} files.")


@command.command()
@_place
@YES_OPTION
def delete(place: Path, yes: bool) -> None:
    """Delete the selection; the files that it lists stay."""
    from anontui.project import files

    confirm(f"Delete {place}? The files that it lists stay.", yes=yes)
    files.delete(place, "file selection")
    say(f"Deleted {place}.")
