"""``anontui pacs``: archives of images, and what comes from them and goes to them.

These commands work on this machine's data folder, as ``anontui serve`` and ``anontui
identities`` do: they show and bring originals, and each use is in the audit.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anontui.cli import pacs_files, pacs_nodes
from anontui.cli.out import JSON_OPTION, clean, follow, say, show_json, show_table
from anontui.cli.pacs_data import audited, node_names, node_of
from anontui.cli.serve import DATA_OPTION
from anontui.errors import PacsError

if TYPE_CHECKING:
    from anontui.events import Events
    from anontui.pacs.archive import Archive
    from anontui.pacs.query import Answer, Query, Study

_STUDY = {
    "patient id": "patient_id",
    "name": "patient_name",
    "date": "date",
    "accession": "accession",
    "modalities": "modalities",
    "description": "description",
    "series": "series",
    "instances": "instances",
    "imported": "imported",
    "study": "study",
}
_SERIES = ("number", "modality", "description", "instances", "series", "study")
_IMAGE = ("sop_class", "instance", "series", "study")


@click.group("pacs")
def command() -> None:
    """Find, retrieve, receive, send and import images, on this machine.

    Nodes are archives by name: anontui pacs node add. Only whoever may see originals may use
    these commands; every use is in the server's audit.
    """


command.add_command(pacs_nodes.command, "node")
for _one in (
    pacs_files.retrieve,
    pacs_files.listen,
    pacs_files.send,
    pacs_files.import_,
    pacs_files.index,
):
    command.add_command(_one)


@command.command()
@click.argument("nodes", metavar="NODE...", nargs=-1, required=True, shell_complete=node_names)
@JSON_OPTION
@DATA_OPTION
@click.pass_context
def echo(context: click.Context, nodes: tuple[str, ...], as_json: bool, data: Path | None) -> None:
    """Ask nodes whether they are there and know us (C-ECHO, or a small query of DICOMweb)."""
    rows: list[dict[str, object]] = []
    for node in [node_of(data, name) for name in nodes]:
        from anontui.pacs.archive import open_archive

        try:
            with closing(open_archive(node)) as archive:
                seconds = archive.echo()
        except PacsError as error:
            rows.append({"node": node.name, "up": False, "problem": error.sentence()})
        else:
            rows.append({"node": node.name, "up": True, "ms": round(seconds * 1000, 1)})
    if as_json:
        show_json(rows)
    else:
        for row in rows:
            what = f"answers in {row['ms']} ms" if row["up"] else str(row["problem"])
            click.echo(clean(f"{row['node']}  {what}"))
    context.exit(0 if all(row["up"] for row in rows) else 1)


@command.command()
@click.argument("node", shell_complete=node_names)
@click.option("--accession", "accessions", multiple=True, help="Accession number; repeatable.")
@click.option(
    "--accession-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A .txt, .csv or .xlsx file of them; those not found are written beside it.",
)
@click.option("--patient-id", default="", help="Patient ID; * and ? are wildcards.")
@click.option("--name", default="", help="Patient's name, such as 'JANSEN*'.")
@click.option(
    "--date", "dates", metavar="A-B", help="Study dates: 20240101-20240131, 2024-03, 2024-."
)
@click.option("--modality", default="", help="Such as CT.")
@click.option("--study-uid", default="", help="StudyInstanceUID.")
@click.option(
    "--level",
    type=click.Choice(["STUDY", "SERIES", "IMAGE"], case_sensitive=False),
    default="STUDY",
    show_default=True,
    help="What to show of the studies that are found.",
)
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True)
@JSON_OPTION
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@DATA_OPTION
@click.pass_context
def find(
    context: click.Context,
    *,
    node: str,
    accessions: tuple[str, ...],
    accession_file: Path | None,
    patient_id: str,
    name: str,
    dates: str | None,
    modality: str,
    study_uid: str,
    level: str,
    limit: int,
    as_json: bool,
    as_csv: bool,
    data: Path | None,
) -> None:
    """Show what NODE has. Without any condition, everything, up to the limit.

    The exit code is 1 if an accession number is not found.
    """
    from anontui.operations.dates import days
    from anontui.pacs.archive import open_archive
    from anontui.pacs.query import Level, Query

    numbers = [*accessions, *(_numbers_in(accession_file) if accession_file else ())]
    first, last = days(dates or "")
    query = Query(
        patient_id=patient_id,
        patient_name=name,
        date_from=first,
        date_to=last,
        modality=modality,
        study=study_uid,
    )
    known = node_of(data, node)
    with audited(data, "searched", node=known.name, level=level, accessions=len(numbers)) as told:
        with closing(open_archive(known)) as archive:
            studies, missing, more = follow(
                _studies(archive, query, list(dict.fromkeys(numbers)), limit), f"asking {node}"
            )
            found: list[Answer] = [*studies]
            if level != Level.STUDY:
                found = follow(_below(archive, studies, Level(level)), f"asking {node}")
        told["found"] = len(found)
    rows = [asdict(one) for one in found]
    if level == Level.STUDY:
        for row, count in zip(rows, pacs_files.imported(data, studies), strict=True):
            row["imported"] = count
    _show(rows, level, as_json=as_json, as_csv=as_csv)
    if more:
        say(f"There is more: only the first {limit} are shown; ask for less, or raise --limit.")
    if missing:
        say(f"{len(missing)} of {len(numbers)} accession numbers are not in {known.name}.")
        if accession_file:
            from anontui.pacs.accessions import write_not_found

            say(f"They are in {write_not_found(accession_file, missing)}.")
        context.exit(1)
    if not rows:
        say("Nothing is found.")


def _studies(
    archive: Archive, query: Query, numbers: Sequence[str], limit: int
) -> Events[tuple[list[Study], list[str], bool]]:
    """The studies that match, the numbers that bring none, and whether there are more."""
    from anontui.events import Progress, Result
    from anontui.pacs.fetch import studies_of
    from anontui.pacs.query import Study

    found: dict[str, Study] = {}
    missing: list[str] = []
    for at, number in enumerate(numbers):
        yield Progress(at, len(numbers), "numbers", f"{len(found)} found")
        studies = studies_of(archive, number, _nothing)
        found |= {one.study: one for one in studies if _matches(one, query)}
        if not studies:
            missing.append(number)
    if not numbers:
        for one in archive.find(query, _nothing):
            if isinstance(one, Study):
                found[one.study] = one
                yield Progress(len(found), None, "studies")
            if len(found) > limit:
                break
    some = list(found.values())[:limit]
    yield Result((some, missing, len(found) > limit))


def _below(archive: Archive, studies: Sequence[Study], level: str) -> Events[list[Answer]]:
    """The series or instances of studies."""
    from anontui.events import Progress, Result
    from anontui.pacs.fetch import instances_of
    from anontui.pacs.query import Level, Query

    found: list[Answer] = []
    for at, one in enumerate(studies):
        yield Progress(at, len(studies), "studies")
        if level == Level.IMAGE:
            found += instances_of(archive, one.study, _nothing)
        else:
            found += archive.find(Query(level=Level.SERIES, study=one.study), _nothing)
    yield Result(found)


def _matches(study: Study, query: Query) -> bool:
    """Whether a study that was found by its number fits the other conditions, too."""
    from fnmatch import fnmatchcase

    def fits(text: str, pattern: str) -> bool:
        return not pattern or fnmatchcase(text.upper(), pattern.upper().replace("[", "[[]"))

    return (
        fits(study.patient_id, query.patient_id)
        and fits(study.patient_name, query.patient_name)
        and (not query.date_from or study.date >= query.date_from)
        and (not query.date_to or study.date <= query.date_to)
        and (not query.modality or query.modality in (study.modalities or [query.modality]))
        and (not query.study or query.study == study.study)
    )


def _numbers_in(path: Path) -> tuple[str, ...]:
    from anontui.pacs.accessions import read_accessions

    read = read_accessions(path)
    passed = [one for one in read.passed_over if one.reason != "the header"]
    for one in passed[:10]:
        say(f"Line {one.line} of {path.name} is passed over: {one.reason}")
    if len(passed) > 10:
        say(f"{len(passed) - 10} more are passed over.")
    return read.numbers


def _show(rows: list[dict[str, object]], level: str, *, as_json: bool, as_csv: bool) -> None:
    if level == "SERIES":
        rows.sort(key=lambda row: str(row["number"] or "").rjust(12))
    if as_json:
        show_json(rows)
        return
    for row in rows:
        if isinstance(modalities := row.get("modalities"), tuple):
            row["modalities"] = "/".join(modalities)
    if as_csv:
        names = list(rows[0]) if rows else list(_STUDY.values())
        writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    elif rows and level == "STUDY":
        show_table([{name: row[key] for name, key in _STUDY.items()} for row in rows], _STUDY)
    elif rows:
        show_table(rows, _SERIES if level == "SERIES" else _IMAGE)


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula, and no terminal for a command."""
    text = clean(str(value)) if isinstance(value, str) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@") else text


def _nothing() -> None:
    """Ctrl-C stops what runs here by itself."""
