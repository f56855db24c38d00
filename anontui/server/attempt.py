"""The stages of one attempt at a job that are not the engine's: collect, and deliver.

They run in threads of their own, for a share may make them wait, and commit to the ledger
on the way.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from anontui.errors import CallRefused, CannotStart, DeidError, ProjectError
from anontui.idis.model import JobStatus
from anontui.server import items
from anontui.server.aftercare import PRACTICE, REMOVED, Aftercare, is_practice
from anontui.server.claims import Claim, Claims
from anontui.server.collect import collect
from anontui.server.database import Value
from anontui.server.deliver import (
    CONFLICT,
    PART_PREFIX,
    Placed,
    make_folder,
    place,
    remove_parts,
    sweep_parts,
)
from anontui.server.engine import Engine
from anontui.server.hooks import HookFailed
from anontui.server.items import CONFLICTING, Held, ItemStatus, Outcome
from anontui.server.places import Places, SourcePlace
from anontui.server.projects import Projects
from anontui.server.worker import Orders, pickled_policy

log = logging.getLogger(__name__)

LOOK_EVERY = 0.2  # seconds between two looks at the ledger
TELL_EVERY = 1.0  # seconds between two rows of the audit about progress
FOUND_AT_ONCE = 500  # files that one transaction adds
PLACED_AT_ONCE = 250  # files between two syncs of their folders
DUPLICATE = "the same file as another of the job"

_HOPELESS = frozenset(
    {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL, errno.ENAMETOOLONG, errno.ELOOP}
)


class Voided(Exception):
    """The job was reset, cancelled or changed meanwhile, or the server stops."""


class JobFailed(Exception):
    """The job cannot be done; the text is what its user is told.

    ``transient`` says whether a repeat may help.
    """

    def __init__(self, text: str, *, transient: bool = False) -> None:
        super().__init__(text)
        self.transient = transient


class Attempt:
    """One attempt at a job.

    Parameters
    ----------
    claims, claim
        The ledger, and the attempt in it.
    projects
        What the job's project allows, and its policy.
    key
        The secret from which new UIDs come.
    engine
        Has a process that reads policies.
    stopping
        Set when the server stops.
    aftercare
        Notes identities, keeps held files, and calls the hook.
    """

    def __init__(
        self,
        claims: Claims,
        claim: Claim,
        *,
        projects: Projects,
        key: bytes,
        engine: Engine,
        stopping: threading.Event,
        aftercare: Aftercare,
    ) -> None:
        self.claim = claim
        self._claims = claims
        self._database = claims.database
        self._projects = projects
        self._key = key
        self._engine = engine
        self._stopping = stopping
        self._aftercare = aftercare
        self._next_look = 0.0
        self._next_tell = 0.0

    def prepare(self) -> Orders:
        """Find the job's files, unless an earlier attempt did, and have room for the results.

        Raises
        ------
        Voided
            If the job was reset, cancelled or changed, or the server stops.
        JobFailed
            If it cannot be done.
        """
        job = self.claim.job
        if job["source_type"] != "PATH":
            raise JobFailed("Not available on this server yet: PACS retrieval")
        source, destination, places = self._places()
        policy = self._policy()
        if job["stage"] == "collect":
            with _told_as("The source cannot be read"):
                self._collect(source, places)
        elif self.claim.status is JobStatus.ACTIVE:
            self.commit(JobStatus.UPLOADED)
        with _told_as("Could not move file to the destination"):
            parts = self._part_folder(destination, places)
        wanted = str(job["source_sop_class_filter_list"] or "").split(",")
        earlier, pardons = self._aftercare.given_before(job)
        return Orders(
            root=source.folder,
            parts=parts,
            policy=policy,
            key=self._key,
            patient_id=str(job["source_anonymizedpatientid"]),
            patient_name=str(job["source_anonymizedpatientname"]),
            sop_classes=frozenset(filter(None, map(str.strip, wanted))),
            ignore_opt_out=str(job["source_ignore_opt_out"] or "").lower() == "true",
            earlier=earlier,
            pardons=pardons,
            layout=self._projects.of(str(job["project_name"])).layout,
        )

    def deliver(self) -> bool:
        """Give the results their place and the job its end.

        Returns
        -------
        bool
            False if some results were not there any more, and are to be made again.

        Raises
        ------
        Voided, JobFailed
            As above.
        """
        _, destination, places = self._places()
        if self.claim.job["stage"] != "deliver":
            self._hold_conflicts()
        parts = Path(str(self.claim.job["part_folder"]))
        self._keep_held()
        self._call_hook(parts)
        if is_practice(self.claim.job):
            self._end_practice(parts)
            return True
        with _told_as("The server's table of identities cannot be written"):
            self._aftercare.sync()
        with _told_as("Could not move file to the destination"):
            while batch := self._ready():
                pairs = [(parts / held.part, held.target) for held in batch]
                self._record(batch, list(place(pairs, destination, places, self.tick)))
        counts = items.counts(self._database, self.claim.job_id)
        if counts[ItemStatus.WAITING]:
            self.commit(stage="deidentify")
            return False
        self._keep_held()
        self._finish(counts, parts)
        return True

    # --- stages

    def _places(self) -> tuple[SourcePlace, Path, Places]:
        job = self.claim.job
        try:
            places = self._projects.places(str(job["project_name"]))
            source, destination = places.pair(str(job["source_path"]), str(job["destination_path"]))
        except CallRefused as error:
            raise JobFailed(error.message) from error
        return source, destination, places

    def _policy(self) -> bytes:
        project = self._projects.of(str(self.claim.job["project_name"]))
        try:
            return self._engine.call(pickled_policy, project)
        except DeidError as error:
            log.error("job=%d event=policy text=%r", self.claim.job_id, error.sentence())
            raise JobFailed("The project's policy is wrong: tell the server's admin") from error
        except CannotStart as error:
            raise JobFailed(error.message, transient=True) from error

    def _collect(self, source: SourcePlace, places: Places) -> None:
        total = 0
        files = 0
        found = collect(source, places, self.tick)
        with self._database.transaction() as connection:
            self._check(connection)  # the items may be another attempt's by now
            items.forget(connection, self.claim.job_id)
        try:
            while batch := list(islice(found, FOUND_AT_ONCE)):
                total += len(batch)
                files += sum(not one.reason for one in batch)
                with self._database.transaction() as connection:
                    claim = self._claims.commit(
                        self.claim,
                        within=connection,
                        tell=self._is_time_to_tell(),
                        files_downloaded=files,
                    )
                    if claim is None:
                        raise Voided
                    items.add(connection, claim.job_id, batch)
                self.claim = claim
        except ProjectError as error:
            raise JobFailed(error.message) from error
        self.commit(JobStatus.UPLOADED, stage="deidentify", files_downloaded=files)
        if not total:
            raise JobFailed("The source holds no files")

    def _part_folder(self, destination: Path, places: Places) -> Path:
        """Make the folder of results, holding those of earlier attempts that still count."""
        if is_practice(self.claim.job):
            destination = self._aftercare.practice_folder()
        known = self.claim.job["part_folder"]
        parts = Path(str(known)) if known else destination / f"{PART_PREFIX}{uuid.uuid4().hex}"
        if known and parts.parent != destination:  # the job was changed meanwhile
            remove_parts(parts)
            parts = destination / f"{PART_PREFIX}{uuid.uuid4().hex}"
        if not items.counts(self._database, self.claim.job_id).keys() & _OPEN:
            return parts
        self.commit(part_folder=str(parts), tell=False)
        if not is_practice(self.claim.job):
            make_folder(destination, places)
        with self._database.transaction() as connection:
            ready = items.ready(connection, self.claim.job_id)
        there = sweep_parts(parts, [held.part for held in ready])
        lost = [(held, Outcome(ItemStatus.WAITING)) for held in ready if held.part not in there]
        with self._database.transaction() as connection:
            self._check(connection)
            items.settle(connection, lost, ItemStatus.READY)
        return parts

    def _hold_conflicts(self) -> None:
        outcome = Outcome(ItemStatus.QUARANTINED, "patient_conflict", CONFLICTING)
        with self._database.transaction() as connection:
            claim = self._claims.commit(self.claim, within=connection, stage="deliver")
            if claim is None:
                raise Voided
            conflicting = items.conflicting(connection, claim.job_id)
            items.settle(connection, [(held, outcome) for held in conflicting], ItemStatus.READY)
        self.claim = claim

    def _keep_held(self) -> None:
        with _told_as("The server's quarantine cannot be written"):
            self._aftercare.keep_held(self.claim.job, self.tick)

    def _call_hook(self, parts: Path) -> None:
        try:
            with _told_as("The server's run folder cannot be written"):
                ready = self._ready(-1)
                removed = self._aftercare.call_hook(self.claim.job, parts, ready, self.tick)
        except HookFailed as failure:
            raise JobFailed(failure.sentence()) from failure
        self._leave_out(removed, "hook", REMOVED)

    def _end_practice(self, parts: Path) -> None:
        """Deliver nothing, and tell what would have been."""
        ready = self._ready(-1)
        self._leave_out(ready, "practice", PRACTICE)
        left_out = items.left_out(self._database, self.claim.job_id)
        del left_out[PRACTICE]
        text = f"Practice run: {len(ready)} files would be delivered, and nothing was"
        if left_out:
            text += f"; {left_out.total()} would be left out: {account(left_out)}"
        with suppress(OSError):  # the next start of the server sweeps it
            remove_parts(parts)
        self.commit(JobStatus.DONE, files_processed=len(ready), error=text, retries=0)

    def _leave_out(self, held: list[Held], code: str, reason: str) -> None:
        outcome = Outcome(ItemStatus.REJECTED, code, reason)
        with self._database.transaction() as connection:
            claim = self._claims.commit(self.claim, within=connection, tell=False)
            if claim is None:
                raise Voided
            items.settle(connection, [(one, outcome) for one in held], ItemStatus.READY)
        self.claim = claim

    def _ready(self, most: int = PLACED_AT_ONCE) -> list[Held]:
        with self._database.transaction() as connection:
            return items.ready(connection, self.claim.job_id, most=most)

    def _record(self, batch: list[Held], placed: list[Placed]) -> None:
        with self._database.transaction() as connection:
            claim = self._claims.commit(self.claim, within=connection, tell=False)
            if claim is None:
                raise Voided
            targets = [held.target for held in batch]
            there = items.delivered(connection, claim.job_id, targets)
            outcomes = []
            for held, result in zip(batch, placed, strict=True):
                if result in (Placed.NEW, Placed.SAME):
                    outcome = Outcome(ItemStatus.DONE, target=held.target)
                    if held.target in there:
                        outcome = Outcome(ItemStatus.REJECTED, "duplicate", DUPLICATE)
                    there.add(held.target)
                elif result is Placed.CONFLICT:
                    outcome = Outcome(ItemStatus.QUARANTINED, "target_exists", CONFLICT)
                else:
                    outcome = Outcome(ItemStatus.WAITING)
                outcomes.append((held, outcome))
            items.settle(connection, outcomes, ItemStatus.READY)
        self.claim = claim

    def _finish(self, counts: Counter[ItemStatus], parts: Path) -> None:
        left_out = items.left_out(self._database, self.claim.job_id)
        total, delivered = counts.total(), counts[ItemStatus.DONE]
        if not delivered:
            self.commit(files_processed=0, tell=False)
            raise JobFailed(
                f"None of the {total} files could be de-identified: {account(left_out)}"
            )
        text = None
        if left_out:
            text = f"{left_out.total()} of {total} files were left out: {account(left_out)}"
        left: str | None = str(parts)
        with suppress(OSError):  # the coordinator sweeps it
            remove_parts(parts)
            left = None
        self.commit(
            JobStatus.DONE, files_processed=delivered, error=text, retries=0, part_folder=left
        )

    # --- the ledger

    def commit(self, to: JobStatus | None = None, /, *, tell: bool = True, **values: Value) -> None:
        """Record how far the attempt is.

        Raises
        ------
        Voided
            If nobody wants to know any more.
        """
        claim = self._claims.commit(self.claim, to, within=None, tell=tell, **values)
        if claim is None:
            raise Voided
        self.claim = claim

    def tick(self) -> None:
        """Look, if the last time is long enough ago, whether the attempt still counts."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_EVERY
        if self._stopping.is_set() or not self._claims.is_current(self.claim):
            raise Voided

    def _check(self, connection: sqlite3.Connection) -> None:
        """Raise Voided if the attempt counts no more; in the open transaction it then does."""
        if not self._claims.is_current(self.claim, within=connection):
            raise Voided

    def _is_time_to_tell(self) -> bool:
        now = time.monotonic()
        if now < self._next_tell:
            return False
        self._next_tell = now + TELL_EVERY
        return True


_OPEN = {ItemStatus.WAITING, ItemStatus.READY}


def account(left_out: Counter[str]) -> str:
    """Tell reasons with their counts, the commonest first."""
    return ", ".join(f"{reason} ({count})" for reason, count in left_out.most_common(10))


@contextmanager
def _told_as(what: str) -> Iterator[None]:
    """Make an operating system's error the job's; its text holds no path."""
    try:
        yield
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise JobFailed(f"{what}: {cause}", transient=error.errno not in _HOPELESS) from error
