"""What the PACS screen does: search, add to the mapping, import, and the receiver."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.content import Content

from anontui.errors import CallRefused, UsageError
from anontui.project.source import SourceKind
from anontui.tui.acts import common
from anontui.tui.panes.studies import MOST
from anontui.tui.screens.confirm import ConfirmScreen
from anontui.tui.screens.pacs import PacsScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anontui.errors import AnonTUIError
    from anontui.idis.archives import FoundAnswer, ReceiverState
    from anontui.idis.model import Job
    from anontui.operations.archives import Search
    from anontui.pacs.accessions import Accessions
    from anontui.project.mapping import Mapping
    from anontui.settings import Server
    from anontui.tui.app import AnonTUI
    from anontui.tui.screens.studyimport import Target

NAME = "pacs"
OTHERS = (
    "Jobs made from the mapping fetch from the first archive of their project. "
    "Studies of another archive can be imported at once (i)."
)


def show(app: AnonTUI) -> None:
    """Open the screen, where what was found is there again; or go back."""
    if not app.is_screen_installed(NAME):
        app.install_screen(PacsScreen(), NAME)
    if app.front is app.main:
        app.push_screen(NAME)
    else:
        app.front.leave()


def _screen(app: AnonTUI) -> PacsScreen:
    assert isinstance(app.front, PacsScreen)  # noqa: S101 - the actions need it
    return app.front


# -- searching ---------------------------------------------------------------------------


def to_form(app: AnonTUI) -> None:
    """Go to the form."""
    _screen(app).search_here()


def clear_form(app: AnonTUI) -> None:
    """Empty the form."""
    _screen(app).studies.form.clear()


def find(app: AnonTUI) -> None:
    """Look for what the form says; accession numbers may be in a file."""
    from anontui.operations.dates import days

    studies = _screen(app).studies
    form = studies.form
    try:
        if form.is_empty:
            raise UsageError("An empty search would bring everything", advice="Fill in a field.")
        first, last = days(form["dates"])
    except UsageError as error:
        form.say(error.sentence(), wrong=True)
        return
    if form.file:
        _find_file(app, app.model.folder / Path(form.file).expanduser(), first, last)
    else:
        studies.search(_search(app, form.numbers, first, last))


def _find_file(app: AnonTUI, path: Path, first: str, last: str) -> None:
    studies = _screen(app).studies

    def work() -> Accessions:
        from anontui.pacs.accessions import read_accessions

        return read_accessions(path)

    def done(read: Accessions) -> None:
        passed = len(read.passed_over)
        over = f" · {passed:,} row{'s'[: passed != 1]} passed over" if passed else ""
        studies.form.say(f"{len(read.numbers):,} accession numbers in {path.name}{over}")
        studies.search(_search(app, read.numbers, first, last), path)

    app.start("files", work, done, lambda error: studies.form.say(error.sentence(), wrong=True))


def _search(app: AnonTUI, numbers: Sequence[str], first: str, last: str) -> Search:
    from anontui.operations.archives import Search

    form = _screen(app).studies.form
    return Search(
        accessions=tuple(numbers),
        patient_id=form["patient id"],
        patient_name=form["name"],
        date_from=first,
        date_to=last,
        modality=form["modality"].upper(),
        study=form["study uid"],
        limit=MOST,
    )


def show_not_found(app: AnonTUI) -> None:
    """Show the accession numbers that nothing was found for."""
    numbers = _screen(app).studies.not_found
    count = len(numbers)
    head = f"{count:,} accession number{'s'[: count != 1]} brought no study. w writes to a file.\n"
    common.show_text(app, "Not found", Content("\n").join(map(Content, (head, *numbers))))


def save_not_found(app: AnonTUI) -> None:
    """Write these numbers beside the file that they came from, else into the project folder."""
    studies = _screen(app).studies
    beside = studies.asked_file or app.model.folder / "accession-numbers.txt"
    numbers = studies.not_found

    def work() -> Path:
        from anontui.pacs.accessions import write_not_found

        return write_not_found(beside, numbers)

    app.start("files", work, lambda path: app.say(f"Written to {path.name}", "$success"))


# -- studies that were found -------------------------------------------------------------


def add(app: AnonTUI) -> None:
    """Make rows of the marked studies, with pseudonyms or without."""
    from anontui.tui.acts.mapping import told_of
    from anontui.tui.screens.adding import AddScreen

    studies, editor = _screen(app).studies, app.model.editor
    assert editor is not None  # noqa: S101 - the action needs a mapping
    workspace, chosen = common.workspace_of(app), studies.marked()

    def answered(random: bool | None) -> None:
        if random is None:
            return

        def work() -> None:
            from anontui.operations.archives import add_studies

            added = add_studies(workspace, editor, chosen, random=random)
            told_of(app, added)
            studies.grid.clear_marks()

        common.told(app, work)

    patients = len({one.patient_id or one.study for one in chosen})
    several = sum(node.find for node in _screen(app).archives.nodes) > 1
    app.push_screen(AddScreen(len(chosen), patients, OTHERS if several else ""), answered)


def import_(app: AnonTUI) -> None:
    """Show what an import of the marked studies would do; then do it.

    What is in the mapping is left to it: its rows have their pseudonyms, and know their jobs.
    """
    from anontui.tui.screens.studyimport import StudyImportScreen, Target

    pacs = _screen(app)
    marked, server, archive = pacs.studies.marked(), pacs.archives.server, pacs.studies.source
    assert server is not None  # noqa: S101 - it found the studies
    mapping = app.model.editor.mapping if app.model.editor else None
    there = _sources(mapping) if mapping else set()
    studies = [one for one in marked if not there & {one.study, one.accession}]
    if not studies:
        app.say("Import: they are in the mapping, create their jobs there (P, 3, c)", "$warning")
        return

    def answered(target: Target | None) -> None:
        if target is not None:
            _import(app, server, archive, studies, target)

    defaults = common.workspace_of(app).settings.job_defaults
    project, destination = (
        (mapping and mapping.option(name)) or defaults.get(name, "")
        for name in ("project", "destination_path")
    )
    app.push_screen(
        StudyImportScreen(
            studies, archive, server.name, Target(project, destination), len(marked) - len(studies)
        ),
        answered,
    )


def _sources(mapping: Mapping) -> set[str]:
    """The UIDs and accession numbers of studies that a mapping names."""
    rows = range(len(mapping.rows))
    sources = (mapping.cell(row, "source").partition(":") for row in rows)
    kinds = (SourceKind.STUDY_INSTANCE_UID, SourceKind.ACCESSION_NUMBER)
    return {value.strip() for kind, _, value in sources if kind.strip() in kinds} - {""}


def _import(
    app: AnonTUI, server: Server, archive: str, studies: Sequence[FoundAnswer], target: Target
) -> None:
    workspace = common.workspace_of(app)

    def work() -> Any:
        from anontui.events import Result
        from anontui.operations.archives import Import, Order, import_studies
        from anontui.operations.batches import add_jobs
        from anontui.operations.servers import connect

        wanted = Import(archive, target.destination, target.project)
        orders = [Order(study=one.study) for one in studies]
        with connect(workspace.settings, server) as client:
            for event in import_studies(client, wanted, orders):
                if isinstance(event, Result):
                    add_jobs(workspace, [job.job_id for job in event.value])
                yield event

    def done(jobs: list[Job]) -> None:
        count = len(jobs)
        app.say(f"{count} job{'s'[: count != 1]} created on {server.name}", "$success")
        _screen(app).studies.grid.clear_marks()
        app.load()

    def failed(error: AnonTUIError) -> None:
        if isinstance(error, CallRefused) and any("anonymizedp" in name for name in error.errors):
            error = UsageError(
                f"Project {target.project} gives no pseudonyms by itself",
                advice="Add the studies to the mapping (a), and create their jobs there.",
            )
        app.fail(error)

    count = len(studies)
    label = f"Importing {count} stud{'y' if count == 1 else 'ies'}"
    app.start("jobs", work, done, failed, label=label)


# -- jobs, archives, receiver ------------------------------------------------------------


def change_jobs(app: AnonTUI, operation: str) -> None:
    """Reset or cancel the marked imports."""
    from anontui.tui.acts import jobs

    imports = _screen(app).imports
    change = getattr(jobs, operation)
    common.told(
        app,
        lambda: change(app, app.main.jobs.server(), imports.chosen(), imports.grid.clear_marks),
    )


def switch_receiver(app: AnonTUI) -> None:
    """Start or stop the server's receiver, after a question."""
    archives = _screen(app).archives
    state, server = archives.receiver, archives.server
    assert state is not None  # noqa: S101 - the action needs it
    assert server is not None  # noqa: S101 - it told of the receiver
    settings = common.workspace_of(app).settings
    verb = "Stop" if state.running else "Start"
    meaning = (
        "What archives send is refused until it is started again."
        if state.running
        else "What archives send to it becomes jobs of the projects that receive."
    )

    def work() -> ReceiverState:
        from anontui.operations.servers import connect

        with connect(settings, server) as client:
            return client.set_receiver(running=not state.running)

    def done(now: ReceiverState) -> None:
        archives.receiver_told(now)
        app.say(f"The receiver of {server.name} is {'on' if now.running else 'off'}", "$success")

    question = ConfirmScreen(f"{verb} the receiver of {server.name}?", meaning, verb)
    common.confirm(
        app, question, lambda: app.start("receiver", work, done, label=f"{verb} the receiver")
    )
