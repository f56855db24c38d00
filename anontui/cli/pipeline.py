"""``anontui pipeline``: studies from a clinical archive to a research archive."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anontui.cli.context import connected, workspace
from anontui.cli.out import JSON_OPTION, YES_OPTION, clean, confirm, follow, say, show_json
from anontui.errors import ServerError, UsageError

if TYPE_CHECKING:
    from anontui.idis.client import Client
    from anontui.operations.archives import Import
    from anontui.operations.pipeline import Ended
    from anontui.operations.runfolder import Run


@click.group("pipeline")
def command() -> None:
    """Have the active server bring studies from one archive to another, de-identified.

    Each run has a folder data/run_at_SECONDS here, whose texts tell what was done.
    """


@command.command()
@click.argument(
    "studies",
    metavar="[STUDIES]",
    required=False,
    type=click.Path(path_type=Path, dir_okay=False),
)
@click.option("--from", "source", metavar="NODE", help="The archive that has them.")
@click.option("--to", "target", metavar="NODE", help="Where to: an archive, or a UNC path.")
@click.option("--project", help="The project whose policy and hook hold.")
@click.option("--practice", is_flag=True, help="Do all but deliver.")
@click.option("-m", "--limit", type=click.IntRange(1), help="Take no more studies than this.")
@click.option("--resume", is_flag=True, help="Go on with the last run that is not at its end.")
@JSON_OPTION
@click.pass_context
def run(
    context: click.Context,
    *,
    studies: Path | None,
    source: str | None,
    target: str | None,
    project: str | None,
    practice: bool,
    limit: int | None,
    resume: bool,
    as_json: bool,
) -> None:
    """Bring the studies that the file STUDIES names from one archive to another.

    STUDIES is a .txt, .csv or .xlsx file of StudyInstanceUIDs or accession numbers; columns
    'pseudonym', 'comment' and 'protocol series' are optional. Jobs are made once, whatever
    happens: after Ctrl-C, a crash or failures, --resume goes on, and resets what failed.
    """
    from anontui.operations.archives import LONG, Import
    from anontui.operations.pipeline import resume as last_run
    from anontui.operations.pipeline import work

    given = {"STUDIES": studies, "--from": source, "--to": target, "--project": project}
    if resume and any((*given.values(), practice, limit)):
        raise UsageError(
            "A run goes on as it was started", advice="Give --resume alone, or start a new run."
        )
    if not resume and (absent := [name for name, value in given.items() if not value]):
        raise UsageError(
            f"Missing: {', '.join(absent)}",
            advice="Give all of them, or --resume to go on with the last run.",
        )
    with connected(workspace().settings, timeout=LONG) as client:
        if studies and source and target and project:
            wanted = Import(source, target, project, practice)
            one = _started(client, studies, wanted, limit)
        else:
            one = last_run(Path.cwd(), client)
        say(
            f"{one.folder.name}: {len(one.studies)} studies from {one.wanted.source} to"
            f" {one.wanted.target}, project {one.wanted.project}"
        )
        try:
            ended = follow(work(one, client), one.folder.name)
        except KeyboardInterrupt:
            say("\nThe server goes on. Watch it here again with: anontui pipeline run --resume")
            raise
        except ServerError as error:
            error.advice = f"{error.advice} Then go on: anontui pipeline run --resume".strip()
            raise
    _tell(ended, as_json=as_json)
    context.exit(0 if ended.is_done else 1)


def _started(client: Client, studies: Path, wanted: Import, limit: int | None) -> Run:
    from anontui.operations import runfolder
    from anontui.operations.pipeline import start
    from anontui.project.studylist import read_study_list

    listed = read_study_list(studies)
    for row, why in listed.passed_over[:10]:
        say(f"Row {row} of {studies.name} is passed over: {why}")
    if len(listed.passed_over) > 10:
        say(f"{len(listed.passed_over) - 10} more rows are passed over.")
    before = runfolder.unfinished(Path.cwd())
    if before is not None:
        say(f"{before.folder.name} is not at its end; --resume would go on with it.")
    return follow(start(Path.cwd(), client, listed, wanted, limit=limit), "looking for studies")


def _tell(ended: Ended, *, as_json: bool) -> None:
    """Show the overview, and what to do about the rest."""
    from anontui.operations.runfolder import OVERVIEW

    if as_json:
        show_json({"run": str(ended.folder), "studies": dict(ended.counts)})
    else:
        click.echo(clean((ended.folder / OVERVIEW).read_text("utf-8")).rstrip())
    say(f"All about it is in {ended.folder}")
    if not ended.is_over:
        say("Have what failed done again with: anontui pipeline run --resume")


@command.command("clean")
@click.option("--before", metavar="DATE", required=True, help="Such as 2024-01-31.")
@YES_OPTION
@JSON_OPTION
def clean_runs(before: str, yes: bool, as_json: bool) -> None:
    """Free the files of the runs here that were started before DATE; their texts stay.

    What the server fetched of studies that failed goes, and these runs cannot be resumed any
    more. Files that are held for review are decided on with anontui quarantine.
    """
    from anontui.operations import runfolder
    from anontui.operations.pipeline import clean as free

    try:
        day = date.fromisoformat(before)
    except ValueError:
        raise UsageError(f"This is no date: {before!r}", advice="Write it as 2024-01-31.") from None
    old = [one for one in runfolder.folders(Path.cwd()) if runfolder.started(one).date() < day]
    freed: list[Path] = []
    if old:
        confirm(f"Free the files of {len(old)} runs?", yes=yes)
        with connected(workspace().settings) as client:
            freed = follow(free(Path.cwd(), day, client), "cleaning")
    if as_json:
        show_json([str(path) for path in freed])
    say(f"Freed the files of {len(freed)} runs; their texts stay.")
    click.get_current_context().exit(0 if len(freed) == len(old) else 1)
