"""The stages of one attempt at a job that are not the engine's: collect, and deliver.

They run in threads of their own, for a share may make them wait, and commit to the ledger
on the way.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections import Counter
from contextlib import suppress
from itertools import islice
from pathlib import Path

from anontui.errors import (
    CallRefused,
    CannotStart,
    DeidError,
    ProjectError,
)
from anontui.idis.model import JobStatus
from anontui.server import items
from anontui.server.aftercare import PRACTICE, REMOVED, Aftercare, is_practice
from anontui.server.claims import Claim, Claims
from anontui.server.collect import collect
from anontui.server.deliver import (
    PART_PREFIX,
    make_folder,
    place,
    remove_parts,
    sweep_parts,
)
from anontui.server.engine import Engine
from anontui.server.hold import Hold, JobFailed, Voided, account, outcome_of, told_as
from anontui.server.hooks import HookFailed
from anontui.server.incoming import files_in, is_received
from anontui.server.items import CONFLICTING, Held, ItemStatus, Outcome
from anontui.server.projects import Projects
from anontui.server.routes import Route, route_of
from anontui.server.transfers import retrieve_into, send_to
from anontui.server.worker import Orders, pickled_policy

log = logging.getLogger(__name__)

FOUND_AT_ONCE = 500  # files that one transaction adds
NOT_KEPT = "What was received is not kept any more: have it sent again"
NO_ARCHIVE = "Not available on this server yet: PACS retrieval; the project names no archive"


class Attempt(Hold):
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
        super().__init__(claims, claim, stopping)
        self._projects = projects
        self._key = key
        self._engine = engine
        self._aftercare = aftercare

    def prepare(self) -> Orders:
        """Find the job's files, unless an earlier attempt did, and have room for the results.

        Raises
        ------
        Voided
            If the job was reset, cancelled or changed, or the server stops.
        JobFailed
            If it cannot be done.
        """
        route = self._route()
        policy = self._policy()
        if self.claim.job["stage"] == "collect":
            with told_as("The source cannot be read"):
                self._collect(route)
        elif self.claim.status is JobStatus.ACTIVE:
            self.commit(JobStatus.UPLOADED)
        if route.source is None:  # it may be deleted, if the job was done before
            route.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with told_as("Could not move file to the destination"):
            parts = self._part_folder(route)
        job = self.claim.job
        earlier, pardons = self._aftercare.given_before(job)
        return Orders(
            root=route.root,
            parts=parts,
            policy=policy,
            key=self._key,
            patient_id=str(job["source_anonymizedpatientid"]),
            patient_name=str(job["source_anonymizedpatientname"]),
            sop_classes=frozenset(self._sop_classes()),
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
        route = self._route()
        if self.claim.job["stage"] != "deliver":
            self._hold_conflicts()
        parts = Path(str(self.claim.job["part_folder"]))
        self._keep_held()
        self._call_hook(parts)
        if is_practice(self.claim.job):
            self._end_practice(parts)
            return True
        with told_as("The server's table of identities cannot be written"):
            self._aftercare.sync()
        if route.target is not None:
            send_to(self, route.target, parts)
        elif route.destination is not None:
            with told_as("Could not move file to the destination"):
                while batch := self.ready():
                    pairs = [(parts / held.part, held.target) for held in batch]
                    placed = place(pairs, route.destination, route.places, self.tick)
                    self.settle(zip(batch, map(outcome_of, batch, placed), strict=True))
        counts = items.counts(self.database, self.claim.job_id)
        if counts[ItemStatus.WAITING]:
            self.commit(stage="deidentify")
            return False
        self._keep_held()
        self._finish(counts, parts)
        return True

    # --- stages

    def _route(self) -> Route:
        job = self.claim.job
        try:
            route = route_of(job, self._projects)
        except CallRefused as error:
            raise JobFailed(error.message) from error
        if job["source_type"] != "PATH" and not is_received(job) and route.archive is None:
            raise JobFailed(NO_ARCHIVE)
        return route

    def _sop_classes(self) -> tuple[str, ...]:
        wanted = str(self.claim.job["source_sop_class_filter_list"] or "").split(",")
        return tuple(filter(None, map(str.strip, wanted)))

    def _policy(self) -> bytes:
        project = self._projects.of(str(self.claim.job["project_name"]))
        try:
            return self._engine.call(pickled_policy, project)
        except DeidError as error:
            log.error("job=%d event=policy text=%r", self.claim.job_id, error.sentence())
            raise JobFailed("The project's policy is wrong: tell the server's admin") from error
        except CannotStart as error:
            raise JobFailed(error.message, transient=True) from error

    def _collect(self, route: Route) -> None:
        total = 0
        files = 0
        if route.archive is not None:
            retrieve_into(self, route.archive, route.root, self._sop_classes())
        elif route.source is None and not route.root.is_dir():
            raise JobFailed(NOT_KEPT)
        if route.source is not None:
            found = collect(route.source, route.places, self.tick)
        else:
            found = files_in(route.root)
        with self.database.transaction() as connection:
            self.check(connection)  # the items may be another attempt's by now
            items.forget(connection, self.claim.job_id)
        try:
            while batch := list(islice(found, FOUND_AT_ONCE)):
                total += len(batch)
                files += sum(not one.reason for one in batch)
                with self.database.transaction() as connection:
                    claim = self._claims.commit(
                        self.claim,
                        within=connection,
                        tell=self.is_time_to_tell(),
                        files_downloaded=files,
                    )
                    if claim is None:
                        raise Voided
                    items.add(connection, claim.job_id, batch)
                self.claim = claim
        except ProjectError as error:
            raise JobFailed(error.message) from error
        self.commit(
            JobStatus.UPLOADED,
            stage="deidentify",
            files_downloaded=files,
            files_expected=files,
            stage_text=None,
            seconds_left=None,
        )
        if not total:
            raise JobFailed("The source holds no files")

    def _part_folder(self, route: Route) -> Path:
        """Make the folder of results, holding those of earlier attempts that still count."""
        destination = route.destination
        if destination is None or is_practice(self.claim.job):
            destination = self._aftercare.staging_folder()
        known = self.claim.job["part_folder"]
        parts = Path(str(known)) if known else destination / f"{PART_PREFIX}{uuid.uuid4().hex}"
        if known and parts.parent != destination:  # the job was changed meanwhile
            remove_parts(parts)
            parts = destination / f"{PART_PREFIX}{uuid.uuid4().hex}"
        if not items.counts(self.database, self.claim.job_id).keys() & _OPEN:
            return parts
        self.commit(part_folder=str(parts), tell=False)
        if destination == route.destination:
            make_folder(destination, route.places)
        with self.database.transaction() as connection:
            ready = items.ready(connection, self.claim.job_id)
        there = sweep_parts(parts, [held.part for held in ready])
        lost = [(held, Outcome(ItemStatus.WAITING)) for held in ready if held.part not in there]
        with self.database.transaction() as connection:
            self.check(connection)
            items.settle(connection, lost, ItemStatus.READY)
        return parts

    def _hold_conflicts(self) -> None:
        outcome = Outcome(ItemStatus.QUARANTINED, "patient_conflict", CONFLICTING)
        with self.database.transaction() as connection:
            claim = self._claims.commit(self.claim, within=connection, stage="deliver")
            if claim is None:
                raise Voided
            conflicting = items.conflicting(connection, claim.job_id)
            items.settle(connection, [(held, outcome) for held in conflicting], ItemStatus.READY)
        self.claim = claim

    def _keep_held(self) -> None:
        with told_as("The server's quarantine cannot be written"):
            self._aftercare.keep_held(self.claim.job, self.tick)

    def _call_hook(self, parts: Path) -> None:
        try:
            with told_as("The server's run folder cannot be written"):
                ready = self.ready(-1)
                removed = self._aftercare.call_hook(self.claim.job, parts, ready, self.tick)
        except HookFailed as failure:
            raise JobFailed(failure.sentence()) from failure
        self._leave_out(removed, "hook", REMOVED)

    def _end_practice(self, parts: Path) -> None:
        """Deliver nothing, and tell what would have been."""
        ready = self.ready(-1)
        self._leave_out(ready, "practice", PRACTICE)
        left_out = items.left_out(self.database, self.claim.job_id)
        del left_out[PRACTICE]
        text = f"Practice run: {len(ready)} files would be delivered, and nothing was"
        if left_out:
            text += f"; {left_out.total()} would be left out: {account(left_out)}"
        with suppress(OSError):  # the next start of the server sweeps it
            remove_parts(parts)
        self.commit(JobStatus.DONE, files_processed=len(ready), error=text, retries=0)

    def _leave_out(self, held: list[Held], code: str, reason: str) -> None:
        outcome = Outcome(ItemStatus.REJECTED, code, reason)
        with self.database.transaction() as connection:
            claim = self._claims.commit(self.claim, within=connection, tell=False)
            if claim is None:
                raise Voided
            items.settle(connection, [(one, outcome) for one in held], ItemStatus.READY)
        self.claim = claim

    def _finish(self, counts: Counter[ItemStatus], parts: Path) -> None:
        left_out = items.left_out(self.database, self.claim.job_id)
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


_OPEN = {ItemStatus.WAITING, ItemStatus.READY}
