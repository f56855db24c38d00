"""``anontui map``: the active mapping, or the current folder's."""

from __future__ import annotations

from pathlib import Path

import click

from anontui.cli.adding import (
    add_accession_numbers,
    add_selection_file,
    add_studies,
    add_study_folders,
    agree_to_shares,
)
from anontui.cli.complete import mapping_paths
from anontui.cli.context import mapping_path, workspace
from anontui.cli.out import (
    JSON_OPTION,
    YES_OPTION,
    confirm,
    follow,
    say,
    show_fields,
    show_json,
    show_table,
)
from anontui.editor import edit_file


@click.group("map")
def command() -> None:
    """Say which data becomes which pseudonym.

    Commands work on the active mapping (init and activate make one that), in whatever folder
    they are given; without one, on the current folder's.
    """


@command.command()
@YES_OPTION
def init(yes: bool) -> None:
    """Start an empty mapping in the current folder, and make it the active one."""
    from anontui.operations.mappings import activate, new_mapping

    here = workspace()
    replace = here.mapping_path.exists()
    if replace:
        confirm(
            f"There is a mapping already: {here.mapping_path}. "
            "Start a new one, and keep the old one beside it?",
            yes=yes,
        )
    here = agree_to_shares(here, [here.folder], yes=yes)
    mapping = new_mapping(here, replace=replace)
    activate(here, here.mapping_path)
    say(f"Made {here.mapping_path}. It is the active mapping now.")
    missing = [
        name
        for name in ("root_source_path", "project", "destination_path")
        if not mapping.option(name)
    ]
    if missing:
        say(
            f"Not set yet: {', '.join(missing)}. Write lines like 'project,NAME' below "
            "## Options ## (anontui map edit), or set them in the app."
        )


@command.command()
@click.argument("place", metavar="[FOLDER]", default=".", shell_complete=mapping_paths)
def activate(place: str) -> None:
    """Make the mapping of FOLDER (default: the current one) the active one.

    All commands of this group then work on it, wherever they are given.
    """
    from anontui.operations.mappings import activate

    after = activate(workspace(), Path(place))
    say(f"{after.settings.active_mapping_file} is the active mapping now.")


@command.command()
@JSON_OPTION
def status(as_json: bool) -> None:
    """Show the mapping."""
    from anontui.project.columns import canonical
    from anontui.project.mapping import COLUMNS, Mapping

    path = mapping_path(workspace())
    mapping = Mapping.load(path)
    columns = list(dict.fromkeys([*COLUMNS, *filter(None, map(canonical, mapping.columns))]))
    rows = [
        {"row": row + 1} | {name: mapping.cell(row, name) for name in columns}
        for row in range(len(mapping.rows))
    ]
    if as_json:
        options = dict(mapping.options)
        show_json(
            {
                "path": str(path),
                "description": mapping.description,
                "options": options,
                "rows": rows,
            }
        )
        return
    say(f"Mapping: {path}")
    show_fields({"description": mapping.description.strip()} | dict(mapping.options))
    click.echo()
    show_table(rows, ("row", *columns))


@command.command()
@click.option("--sample", metavar="N", type=click.IntRange(1), help="Look at N files a row only.")
@JSON_OPTION
@click.pass_context
def check(context: click.Context, sample: int | None, as_json: bool) -> None:
    """Tell everything that is wrong with the mapping, row by row; sends nothing.

    Looks into the headers of the files too, where they can be read from here: whether they
    are there, and whether a patient has one pseudonym that nobody else has.
    """
    from anontui.cli.problems import show_problems
    from anontui.operations.checks import Severity
    from anontui.operations.patients import checked_plan
    from anontui.project.mapping import Mapping

    here = workspace()
    mapping = Mapping.load(mapping_path(here))
    plan = follow(checked_plan(here, mapping, limit=sample), "reading headers")
    if as_json:
        show_json(
            [
                {
                    "row": None if problem.row is None else problem.row + 1,
                    "column": problem.column,
                    "severity": str(problem.severity),
                    "message": problem.message,
                    "advice": problem.advice,
                }
                for problem in plan.problems
            ]
        )
    else:
        show_problems(plan.problems)
    exist = f", {len(plan.already_created)} exist already" if plan.already_created else ""
    say(f"{len(plan.jobs)} rows: {len(plan.ready)} ready to be created{exist}.")
    context.exit(1 if any(p.severity is Severity.ERROR for p in plan.problems) else 0)


command.add_command(add_study_folders)
command.add_command(add_accession_numbers)
command.add_command(add_studies)
command.add_command(add_selection_file)
command.add_command(add_selection_file, "add-selection")


@command.command()
@click.argument("recipe", metavar="RECIPE")
@click.option("--replace", is_flag=True, help="Also give another one to rows that have one.")
@click.option("--dry-run", is_flag=True, help="Show what would be given; change nothing.")
@click.option(
    "--offline", is_flag=True, help="Do not ask the server which pseudonyms its jobs have."
)
@YES_OPTION
@JSON_OPTION
def pseudonyms(
    *, recipe: str, replace: bool, dry_run: bool, offline: bool, yes: bool, as_json: bool
) -> None:
    """Make up the pseudonyms that rows have not, and show them before they are written.

    RECIPE is a pattern with # for each digit of a number that counts on ('LUNG-###'), the
    word random, or a .txt, .csv or .xlsx file with a pseudonym on each line. Rows of one
    source get one; no two sources get the same. Those that the mapping has, or a job of the
    batch on its server, are passed over.
    """
    from anontui.errors import ServerError
    from anontui.operations.pseudonyms import give, of_batch, propose
    from anontui.project.editor import MappingEditor

    here = workspace()
    editor = MappingEditor.load(mapping_path(here))
    try:
        taken = [] if offline else of_batch(here)
    except ServerError as error:
        error.advice = f"{error.advice} Or look at the mapping alone: --offline".strip()
        raise
    found = propose(here, editor.mapping, recipe, replace=replace, taken=taken)
    rows = [
        {"row": one.row + 1, "source": one.source, "before": one.before, "pseudonym": one.pseudonym}
        for one in found.rows
    ]
    if as_json:
        show_json(rows)
    else:
        show_table(rows, ("row", "source", "before", "pseudonym"))
    if rows and not dry_run:
        confirm(f"Write {len(rows)} pseudonyms into the mapping?", yes=yes)
        give(editor, found)
        editor.save()
        say(f"Gave {len(rows)} rows a pseudonym; {found.kept} keep theirs.")
    if found.sourceless:
        say(f"{found.sourceless} rows have no source, and so get none.")


@command.command()
def edit() -> None:
    """Open the mapping in your editor ($VISUAL or $EDITOR, else its usual program)."""
    from anontui.project.checks import problems_of
    from anontui.project.mapping import Mapping

    here = workspace()
    path = mapping_path(here)
    if not edit_file(path):
        say(f"Opened {path}. Close the editor before you change the mapping otherwise.")
        return
    mapping = Mapping.load(path)
    shares = here.share_map()
    wrong = sum(bool(problems_of(mapping, row, shares)) for row in range(len(mapping.rows)))
    what = f"{wrong} of them with problems, see: anontui map check" if wrong else "all in form"
    say(f"{len(mapping.rows)} rows, {what}.")


@command.command()
@YES_OPTION
def delete(yes: bool) -> None:
    """Delete the mapping; selections, batch and jobs stay."""
    from anontui.operations.mappings import delete_mapping

    here = workspace()
    path = mapping_path(here)
    confirm(f"Delete {path}? It tells which pseudonym is whose.", yes=yes)
    delete_mapping(here, path)
    say(f"Deleted {path}.")
