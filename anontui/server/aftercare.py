"""What is done around the de-identified files of a job beside delivering them.

Identities are noted before anything is delivered, held files are kept, the project's hook
is called, and the run folder is written. The coordinator and the stages call in here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from anontui import atomic
from anontui.deid.pseudonym import Pseudonym
from anontui.server import quarantine
from anontui.server.database import Row
from anontui.server.hooks import run_hook
from anontui.server.items import Held
from anontui.server.notes import Notes
from anontui.server.places import safe_name
from anontui.server.projects import Projects
from anontui.server.quarantine import Pardon
from anontui.server.review import Review
from anontui.server.runfolder import REVIEWED
from anontui.server.worker import packed

PRACTICE = "a practice run delivers nothing"
REMOVED = "the project's hook removed it"
HOOKED = "hooked.txt"

log = logging.getLogger(__name__)


class Aftercare:
    """Works on the tables of identities and of the quarantine, and in run folders.

    Parameters
    ----------
    review
        The tables.
    projects
        The hooks.
    """

    def __init__(self, review: Review, projects: Projects) -> None:
        self._review = review
        self._projects = projects
        self._folder = review.folder

    def given_before(self, job: Row) -> tuple[bytes, tuple[tuple[str, Pardon], ...]]:
        """What workers must know of the past: earlier values, and what was released."""
        earlier = packed(self._review.identities.earlier())
        pardons = self._review.quarantine.pardons(_id(job))
        return earlier, tuple(sorted(pardons.items()))

    def note(self, noted: Iterable[tuple[Row, Notes]]) -> dict[int, tuple[str, Pseudonym]]:
        """Write down who files were, and give pseudonyms to those who lack one.

        Returns
        -------
        dict
            By item, the original Patient ID and the pseudonym.

        Raises
        ------
        sqlite3.Error
            If the table cannot be written: then nothing may be delivered.
        """
        given: dict[int, tuple[str, Pseudonym]] = {}
        for job, notes in noted:
            project, keep = str(job["project_name"]), not is_practice(job)
            if notes.identities and keep:
                self._review.identities.record(project, notes.identities)
            if notes.unknown:
                found = self._review.identities.allocate(
                    project,
                    str(job["source_anonymizedpatientid"]),
                    [patient for _, patient in notes.unknown],
                    keep=keep,
                )
                given |= {item: (patient, found[patient]) for item, patient in notes.unknown}
        return given

    def sync(self) -> None:
        """Have what was noted survive a power cut; before anything is delivered.

        Raises
        ------
        OSError
            If it cannot: then nothing may be delivered.
        """
        self._review.identities.sync()

    def keep_held(self, job: Row, tick: Callable[[], None]) -> None:
        """Keep a copy of each file of a job that is held, if it is not a practice run.

        ``tick`` is called for each, and may raise to stop.

        Raises
        ------
        OSError
            If that is not possible.
        """
        if is_practice(job):
            return
        held = [
            quarantine.Held(one.item_id, Path(one.source), code, reason)
            for one, code, reason in self._review.held_items(_id(job))
        ]
        self._review.quarantine.keep(_id(job), str(job["project_name"]), held, tick)

    def call_hook(
        self, job: Row, parts: Path, ready: Iterable[Held], tick: Callable[[], None]
    ) -> list[Held]:
        """Call the project's hook over files that it has not seen; returns those it removed.

        After a crash a hook may be called again.

        Raises
        ------
        HookFailed
            If it fails: nothing may be delivered.
        OSError
            If the run folder cannot be written.
        """
        project = self._projects.of(str(job["project_name"]))
        if not project.hook:
            return []
        run_dir = self._run_dir(job)
        seen = _numbers(run_dir / HOOKED)
        new = [held for held in ready if held.item_id not in seen]
        if not new:
            return []
        folder = self._folder.projects / safe_name(project.name)
        files = {held.target: parts / held.part for held in reversed(new)}
        practice = is_practice(job)
        left = run_hook(
            project.hook,
            folder if folder.is_dir() else self._folder.path,
            run_dir,
            files,
            practice=practice,
            tick=tick,
        )
        seen |= {held.item_id for held in new}
        text = "".join(f"{number}\n" for number in sorted(seen))
        atomic.write_bytes(run_dir / HOOKED, text.encode(), mode=0o600)
        return [held for held in new if held.target not in left]

    def finish(self, job_id: int) -> None:
        """Write the run folder of a job, and delete copies of what was released and delivered.

        What goes wrong is told in the log only.
        """
        job = self._review.job(job_id)
        if job is None:
            return
        folder = self._folder.projects / safe_name(str(job["project_name"]))
        try:
            self._review.discard(job_id)
            self._projects.incoming.discard(job, self._review.database)
            self._review.run_folder(job_id).write(job, folder / REVIEWED)
        except OSError as error:
            log.error("job=%d event=run-folder text=%r", job_id, error.strerror)

    def staging_folder(self) -> Path:
        """Where results are that stay, or are to be sent; made if it does not exist."""
        folder = self._folder.path / "staging"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _run_dir(self, job: Row) -> Path:
        return self._folder.path / "runs" / str(_id(job))


def is_practice(job: Row) -> bool:
    """Whether a job shall change nothing outside the server's data folder."""
    return str(job["practice"] or "").lower() == "true"


def _id(job: Row) -> int:
    return int(job["job_id"] or 0)


def _numbers(path: Path) -> set[int]:
    try:
        return {int(line) for line in path.read_text("ascii").split()}
    except (OSError, ValueError):
        return set()
