"""``anontui pacs retrieve|listen|send|import|index``: files on their way."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anontui.cli.identities import open_review
from anontui.cli.out import (
    JSON_OPTION,
    YES_OPTION,
    confirm,
    follow,
    say,
    show_fields,
    show_json,
)
from anontui.cli.pacs_data import audited, folder_of, node_names, node_of, project_of
from anontui.cli.serve import DATA_OPTION
from anontui.errors import PacsError, UsageError

if TYPE_CHECKING:
    from anontui.events import Events
    from anontui.pacs.archive import Sent
    from anontui.pacs.media import Brought
    from anontui.pacs.node import Node
    from anontui.pacs.query import Study

_LOOK_EVERY = 0.5  # seconds
_PATHS = click.Path(path_type=Path, exists=True)


@click.command()
@click.argument("node", shell_complete=node_names)
@click.argument("studies", metavar="STUDY...", nargs=-1, required=True)
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder for the files; each study gets a folder in it.",
)
@YES_OPTION
@JSON_OPTION
@DATA_OPTION
@click.pass_context
def retrieve(
    context: click.Context,
    *,
    node: str,
    studies: tuple[str, ...],
    target: Path,
    yes: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Bring whole studies of NODE into a folder, as they are: with the patients' identity.

    STUDY is a StudyInstanceUID, or accession_number:NUMBER for all its studies. What is in the
    folder already is not fetched again, so that an interrupted call can just be given again.
    """
    known = node_of(data, node)
    confirm(
        f"The files are originals that show who the patients are. Bring them to {target}?",
        yes=yes,
    )
    rows: list[dict[str, object]] = []
    with audited(data, "retrieved", node=known.name, studies=len(studies)):
        for study in studies:
            try:
                count = follow(_retrieved(known, study, target), f"retrieving from {node}")
            except PacsError as error:
                say(f"Error: {study}: {error.sentence()}")
                rows.append({"study": study, "instances": None})
            else:
                rows.append({"study": study, "instances": count})
    if as_json:
        show_json(rows)
    for row in rows:
        if row["instances"] is not None:
            say(f"{row['study']}: all {row['instances']} instances are there.")
    context.exit(0 if all(row["instances"] is not None for row in rows) else 1)


def _retrieved(node: Node, study: str, target: Path) -> Events[int]:
    from anontui.events import Progress, Result
    from anontui.server.retrieval import retrieve as progress

    done = 0
    for news in progress(node, study, target, (), lambda: None):
        done = news.done
        yield Progress(news.done, news.total, "instances")
    yield Result(done)


@click.command("import")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=_PATHS)
@click.option("--project", required=True, help="For this project of the server on this machine.")
@JSON_OPTION
@DATA_OPTION
@click.pass_context
def import_(
    context: click.Context,
    paths: tuple[Path, ...],
    project: str,
    as_json: bool,
    data: Path | None,
) -> None:
    """Have files, folders and offline media (DICOMDIR) de-identified for a project.

    They are copied to where received studies wait; the server makes a job of each study, now
    or when it is started. Give a medium's folder, or its DICOMDIR alone for what that names.
    """
    from anontui.pacs.inbox import Inbox
    from anontui.pacs.media import bring
    from anontui.server.incoming import Incoming, study_key

    folder = folder_of(data)
    one = project_of(folder, project)
    if not one.destination or not one.pseudonyms:
        raise UsageError(
            f"Project {project} does not say where imported data go, and under which pseudonyms",
            advice="Write destination and pseudonyms into its project.yml.",
        )
    received = Incoming(folder.path).received(project)
    with audited(data, "imported", project=project) as told:
        try:
            brought = follow(
                bring(paths, lambda study: Inbox(received / study_key(study))), "importing"
            )
        except OSError as error:
            raise PacsError(
                f"The data folder {folder.path} cannot be written",
                cause=error.strerror or "",
                advice="Check that the disk has room; what was copied is not copied again.",
            ) from error
        told |= {"instances": brought.new, "studies": brought.studies}
    if as_json:
        show_json(vars(brought))
    _tell(brought)
    context.exit(1 if brought.missing or brought.unreadable or not brought.studies else 0)


def _tell(brought: Brought) -> None:
    known = f"; {brought.known} were there already" if brought.known else ""
    say(f"Imported {brought.new} instances of {brought.studies} studies{known}.")
    if brought.other:
        say(f"{brought.other} files are no DICOM images and were passed over.")
    if brought.unreadable:
        say(f"Error: {brought.unreadable} files or folders cannot be read.")
    for name in brought.missing[:20]:
        say(f"Missing: {name}")
    if len(brought.missing) > 20:
        say(f"… and {len(brought.missing) - 20} more; all of them with --json.")


@click.command()
@click.argument("node", shell_complete=node_names)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=_PATHS)
@click.option("--patient", metavar="PSEUDONYM", help="What was delivered of this patient.")
@YES_OPTION
@JSON_OPTION
@DATA_OPTION
@click.pass_context
def send(
    context: click.Context,
    *,
    node: str,
    paths: tuple[Path, ...],
    patient: str | None,
    yes: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Send files and folders to NODE as they are, or again what was delivered of a patient.

    What is there already is not sent again, and what was sent is counted afterwards.
    """
    if bool(paths) == bool(patient):
        raise UsageError(
            "It is not said what is to be sent", advice="Name files or folders, or --patient."
        )
    known = node_of(data, node)
    if patient:
        from anontui.server.again import delivered_files

        files = delivered_files(folder_of(data), patient)
        if not files:
            raise UsageError(
                "Nothing was delivered to a folder under this pseudonym",
                advice="See who there is: anontui identities find PSEUDONYM",
            )
        confirm(f"Send the {len(files)} files of this pseudonym to {known.name}?", yes=yes)
    else:
        files = list(_files(paths))
        confirm(
            f"Files are sent as they are. Send {len(files)} files to {known.name}, and do they"
            " show nobody's identity that must not get there?",
            yes=yes,
        )
    with audited(data, "sent", node=known.name, pseudonym=patient or "", files=len(files)) as told:
        results = follow(_sent(known, files), f"sending to {node}")
        counts = Counter(str(one.what.name).lower() for one in results)
        told |= counts
    if as_json:
        show_json(dict(counts))
    say(
        f"{counts['sent']} files are sent and confirmed; {counts['there']} were there already;"
        f" {counts['failed']} failed."
    )
    for reason, count in Counter(one.reason for one in results if one.reason).most_common(10):
        say(f"Error: {count} files: {reason}")
    context.exit(1 if counts["failed"] or not results else 0)


def _sent(node: Node, files: Sequence[Path]) -> Events[list[Sent]]:
    from anontui.events import Progress, Result
    from anontui.server.sending import send as sending

    results: list[Sent] = []
    names = {path: path.name for path in files}
    yield Progress(0, len(files), "files")
    for one in sending(node, names, lambda: None):
        results.append(one)
        yield Progress(len(results), len(files), "files")
    yield Result(results)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files of files and folders; names that start with a dot are passed over."""
    for path in paths:
        if not path.is_dir():
            yield path.absolute()
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith(".") and name.upper() != "DICOMDIR":
                    yield Path(folder, name).absolute()


@click.command()
@DATA_OPTION
def listen(data: Path | None) -> None:
    """Receive what archives and devices send to the projects' AE titles, until Ctrl-C.

    The server does the same by itself; this does it without one. What comes waits in the data
    folder until a server makes jobs of it. Port, host and who may send are in server.yml.
    """
    from anontui.server.projects import Projects
    from anontui.server.receiving import make_receiver

    folder = folder_of(data)
    projects = Projects(folder.projects, folder.config, folder.path).all().values()
    receiving = {one.receive: one.name for one in projects if one.receive}
    if not receiving:
        raise UsageError(
            "No project receives anything",
            advice="Write receive, destination and pseudonyms into a project's project.yml.",
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with make_receiver(folder) as receiver:
        with suppress(KeyboardInterrupt):
            host = folder.config.current().receiver.host
            say(f"Listening on {host}:{receiver.port}, until Ctrl-C")
            for aet, project in sorted(receiving.items()):
                say(f"{aet} is for project {project}")
            while True:
                time.sleep(_LOOK_EVERY)
        say(f"\n{receiver.received} instances were received.")


@click.command()
@click.option("--project", help="Of this project only.")
@JSON_OPTION
@DATA_OPTION
def index(project: str | None, as_json: bool, data: Path | None) -> None:
    """Show how much was imported and exported: patients, studies, series, instances."""
    from anontui.server.views import Views

    folder = folder_of(data)
    projects = frozenset({project_of(folder, project).name}) if project else None
    with open_review(data) as review:
        totals = dict(review.identities.totals(projects))
    with closing(Views(folder.ledger)) as views:
        totals["exported_instances"] = views.exported(projects)
    if as_json:
        show_json(totals)
    else:
        show_fields({name.replace("_", " "): count for name, count in totals.items()})


def imported(data: Path | None, studies: Sequence[Study]) -> list[int]:
    """How many instances of each study the server on this machine has imported."""
    if not folder_of(data).ledger.exists():
        return [0 for _ in studies]
    with open_review(data) as review:
        known = review.identities.imported([one.study for one in studies], None)
    return [known.get(one.study, 0) for one in studies]
