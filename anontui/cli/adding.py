"""``anontui map add-…``: rows for folders, accession numbers and selections."""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from anontui.cli.context import mapping_path, workspace
from anontui.cli.out import JSON_OPTION, YES_OPTION, confirm, follow, say, show_json
from anontui.errors import AnonTUIError, UsageError

if TYPE_CHECKING:
    from anontui.operations.importing import Added, Wanted
    from anontui.operations.workspace import Workspace
    from anontui.project.editor import MappingEditor
    from anontui.project.mapping import Mapping

F = TypeVar("F", bound=Callable[..., Any])


def _adding(what: str) -> Callable[[F], F]:
    """Give a command the options that all ways to add rows share."""

    def decorate(function: F) -> F:
        for option in (
            JSON_OPTION,
            YES_OPTION,
            click.option(
                "--random-pseudonyms",
                "random",
                is_flag=True,
                help="Make up the pseudonyms that are not given.",
            ),
            click.option(
                "-p",
                "--pseudonym",
                "pseudonyms",
                multiple=True,
                help=f"Pseudonym of a {what}; once for each, in the same order.",
            ),
        ):
            function = option(function)
        return function

    return decorate


def _input_file(columns: str) -> Callable[[F], F]:
    return click.option(
        "-f",
        "--input-file",
        type=click.Path(path_type=Path),
        help=f"An .xlsx, .csv or .txt file with the columns {columns}.",
    )


@click.command("add-study-folders")
@click.argument("folders", metavar="[FOLDER]...", nargs=-1)
@_input_file("'folder' and 'pseudonym'")
@click.option(
    "--check-dicom/--no-check-dicom",
    default=True,
    help="Look into each file (default), or go by its name.",
)
@click.option(
    "-e", "--exclude-pattern", "exclude", multiple=True, help="Leave out what matches; repeatable."
)
@_adding("folder")
@click.pass_context
def add_study_folders(
    context: click.Context,
    *,
    folders: tuple[str, ...],
    input_file: Path | None,
    check_dicom: bool,
    exclude: tuple[str, ...],
    pseudonyms: tuple[str, ...],
    random: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Select the DICOM files in folders and add a row for each folder.

    FOLDER can hold wildcards: * for any part of a name, ** for any folders. Files that are
    not DICOM are left out. Where nothing gives a row its pseudonym, it is for you to fill in.
    """
    from anontui.operations.importing import add_folders

    here = workspace()
    wanted = _wanted([str(one) for one in _folders(folders)], pseudonyms, input_file, "path", yes)
    editor = _editor(here)
    places = _places(here, editor.mapping, wanted)
    here = agree_to_shares(here, places, yes=yes)
    adding = add_folders(here, editor, wanted, random=random, check=check_dicom, exclude=exclude)
    context.exit(_tell(here, editor.mapping, follow(adding, "looking for DICOM"), as_json))


@click.command("add-accession-numbers")
@click.argument("numbers", metavar="[NUMBER]...", nargs=-1)
@_input_file("'accession number' and 'pseudonym'")
@_adding("number")
@click.pass_context
def add_accession_numbers(
    context: click.Context,
    *,
    numbers: tuple[str, ...],
    input_file: Path | None,
    pseudonyms: tuple[str, ...],
    random: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Add a row for each accession number: a study that the server gets from its PACS."""
    from anontui.operations.importing import add_accession_numbers

    here = workspace()
    wanted = _wanted(numbers, pseudonyms, input_file, "accession_number", yes)
    editor = _editor(here)
    context.exit(
        _tell(
            here,
            editor.mapping,
            add_accession_numbers(here, editor, wanted, random=random),
            as_json,
        )
    )


@click.command("add-studies")
@click.argument("uids", metavar="STUDY_UID...", nargs=-1, required=True)
@_adding("study")
@click.pass_context
def add_studies(
    context: click.Context,
    *,
    uids: tuple[str, ...],
    pseudonyms: tuple[str, ...],
    random: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Add a row for each StudyInstanceUID: a study that the server gets from its PACS."""
    from anontui.operations.importing import add_study_uids

    here = workspace()
    wanted = _wanted(uids, pseudonyms, None, "", yes)
    editor = _editor(here)
    added = add_study_uids(here, editor, wanted, random=random)
    context.exit(_tell(here, editor.mapping, added, as_json))


@click.command("add-selection-file")
@click.argument("selections", metavar="SELECTION...", nargs=-1, required=True)
@_adding("selection")
@click.pass_context
def add_selection_file(
    context: click.Context,
    *,
    selections: tuple[str, ...],
    pseudonyms: tuple[str, ...],
    random: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Add a row for each file selection (fileselection.txt, or a folder that holds one)."""
    from anontui.operations.importing import add_selections
    from anontui.project.selection import FILENAME

    here = workspace()
    paths = [Path(name) / FILENAME if Path(name).is_dir() else Path(name) for name in selections]
    wanted = _wanted([str(path) for path in paths], pseudonyms, None, "", yes)
    editor = _editor(here)
    here = agree_to_shares(here, [path.parent for path in paths], yes=yes)
    context.exit(
        _tell(here, editor.mapping, add_selections(here, editor, wanted, random=random), as_json)
    )


def _editor(here: Workspace) -> MappingEditor:
    from anontui.project.editor import MappingEditor

    return MappingEditor.load(mapping_path(here))


def _wanted(
    given: Sequence[str],
    pseudonyms: Sequence[str],
    input_file: Path | None,
    column: str,
    yes: bool,
) -> list[Wanted]:
    """What shall be added: what is given, then what the input file has."""
    from anontui.operations.importing import Wanted, wanted_in, with_pseudonyms
    from anontui.project.inputfile import read_input_file

    wanted = [Wanted(text) for text in given]
    if pseudonyms:
        wanted = with_pseudonyms(wanted, pseudonyms)
    if input_file is not None:
        table = read_input_file(input_file, column)
        for warning in table.warnings:
            confirm(f"{warning}. Add them as they are?", yes=yes)
        for header in table.to_confirm:
            confirm(
                f"The column {header!r} is taken as pseudonyms, which go into the data and to the "
                "server. Are these pseudonyms, and not the patients' names?",
                yes=yes,
            )
        wanted += wanted_in(table, column)
    if not wanted:
        raise UsageError("Nothing to add is given", advice="Name it, or give an --input-file.")
    return wanted


def _places(here: Workspace, mapping: Mapping, wanted: Iterable[Wanted]) -> list[Path]:
    """The folders that are there; what is wrong with others is told where they are added."""
    from anontui.operations.roots import local_folder

    places = []
    for one in wanted:
        with suppress(AnonTUIError):
            places.append(local_folder(here, mapping, one.text))
    return places


def agree_to_shares(here: Workspace, places: Iterable[Path], *, yes: bool) -> Workspace:
    """Have the user agree to the shares on which folders seem to be, once for each."""
    from anontui.operations import paths

    for mount in {mount for place in places if (mount := paths.proposal_for(here, place))}:
        question = f"{mount.local} is the share {mount.unc}, as it seems. Is that right?"
        asked = sys.stdin.isatty() and not yes
        if (mount.is_sure and yes) or (asked and click.confirm(question, err=True)):
            here = paths.confirm(here, [mount])
            say(f"{mount.local} is {mount.unc} from now on (anontui paths).")
    return here


def _tell(here: Workspace, mapping: Mapping, added: Added, as_json: bool) -> int:
    """Show what was added; returns the exit code."""
    from anontui.operations.roots import is_relative

    if as_json:
        show_json(added.rows)
    else:
        for row in added.rows:
            click.echo(": ".join(filter(None, (row["source"], row["description"]))))
    for trouble in added.troubles:
        say(f"Error: {trouble.sentence()}")
    known = f"; {added.known} were there already" if added.known else ""
    filled = f"; {added.filled} that were there got their pseudonym" if added.filled else ""
    say(f"Added {len(added.rows)} row{'s'[: len(added.rows) != 1]}{known}{filled}.")
    if not mapping.option("root_source_path") and any(is_relative(r["source"]) for r in added.rows):
        say(
            f"These sources are relative to {here.folder}: set the option root_source_path to its "
            "UNC path. Where a share is known (anontui paths), that is not needed."
        )
    return 1 if added.troubles else 0


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
    return list(dict.fromkeys(found))
