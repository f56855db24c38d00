"""One attempt at a job: collect → de-identify → deliver, committed to the ledger on the way."""

from __future__ import annotations

import logging
import pickle
import shutil
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.errors import CallRefused, DeidError, ProjectError
from anontui.idis.model import JobStatus
from anontui.server.collect import File, collect
from anontui.server.database import Value
from anontui.server.deliver import PART_PREFIX, deliver, remove_parts
from anontui.server.engine import Engine, Mailbox
from anontui.server.places import Places, SourcePlace
from anontui.server.store import Claim, Store
from anontui.server.worker import Chunk, Item, Treated

if TYPE_CHECKING:
    from anontui.deid import Policy

log = logging.getLogger(__name__)

LOOK_EVERY = 0.2  # seconds between two looks at the ledger
CHUNK_ITEMS = 25
CONFLICTING = "files of one study name different patients"
CHUNK_BYTES = 16 << 20  # so that a chunk takes less than a second


class Voided(Exception):
    """The job was reset, cancelled or changed meanwhile, or the server stops."""


class JobFailed(Exception):
    """The job cannot be done; the text is what its user is told."""


class Attempt:
    """The stages of one job.

    Parameters
    ----------
    store, claim
        The ledger, and the attempt in it.
    staging
        A folder of the attempt's own, for files between two stages; removed at the end.
    key
        The secret from which new UIDs come.
    engine, mailbox
        What de-identifies, and where it (or somebody who wants a look round) reports.
    stopping
        Set when the server stops.
    policy_of
        The policy of a project.
    """

    def __init__(
        self,
        store: Store,
        claim: Claim,
        *,
        staging: Path,
        key: bytes,
        engine: Engine,
        mailbox: Mailbox,
        stopping: threading.Event,
        policy_of: Callable[[str], Policy],
    ) -> None:
        self._store = store
        self._claim = claim
        self._staging = staging
        self._key = key
        self._engine = engine
        self._mailbox = mailbox
        self._stopping = stopping
        self._policy_of = policy_of
        self._next_look = 0.0

    def run(self, places: Places) -> None:
        """Bring the job to DONE, reading and writing what ``places`` allows.

        Raises
        ------
        Voided
            If the job was reset, cancelled or changed, or the server stops.
        JobFailed
            If it cannot be done.
        """
        job = self._claim.job
        if job["source_type"] != "PATH":
            raise JobFailed("Not available on this server yet: PACS retrieval")
        try:
            source, destination = places.pair(str(job["source_path"]), str(job["destination_path"]))
        except CallRefused as error:
            raise JobFailed(error.message) from error
        try:
            policy = self._policy_of(str(job["project_name"]))
        except DeidError as error:
            log.error("job=%d event=policy text=%r", self._claim.job_id, error.sentence())
            raise JobFailed("The project's policy is wrong: tell the server's admin") from error
        left_out: Counter[str] = Counter()
        try:
            files = self._collect(source, places, left_out)
            total = len(files) + left_out.total()
            if treated := self._deidentify(files, policy, left_out):
                self._deliver(treated, destination, places, left_out)
        finally:
            self._discard_staging()
        delivered = total - left_out.total()
        if not delivered:
            raise JobFailed(
                f"None of the {total} files could be de-identified: {_account(left_out)}"
                if total
                else "The source holds no files"
            )
        text = None
        if left_out:
            text = f"{left_out.total()} of {total} files were left out: {_account(left_out)}"
        self._commit(JobStatus.DONE, processed=delivered, error=text, part_folder=None)

    def fail(self, text: str) -> None:
        """Record that the job cannot be done, unless the attempt is void."""
        with suppress(Voided):
            self._commit(JobStatus.ERROR, error=text)

    # --- stages

    def _collect(self, source: SourcePlace, places: Places, left_out: Counter[str]) -> list[File]:
        files: list[File] = []
        with _told_as("The source cannot be read"):
            try:
                for file in collect(source, places, left_out):
                    files.append(file)
                    self._count(downloaded=len(files))
            except ProjectError as error:
                raise JobFailed(error.message) from error
        self._commit(JobStatus.UPLOADED, downloaded=len(files))
        return files

    def _deidentify(
        self, files: Sequence[File], policy: Policy, left_out: Counter[str]
    ) -> list[Treated]:
        done: list[Treated] = []
        with _told_as("Could not move file to the server's own disk"):
            self._staging.mkdir(parents=True, mode=0o700)
            results = self._engine.treat(self._chunks(files, policy), self._mailbox)
            with closing(results):
                for treated in results:
                    left_out.update(result.reason for result in treated if result.uids is None)
                    done += [result for result in treated if result.uids is not None]
                    if treated:
                        self._count(processed=len(done), error=_so_far(left_out))
                    else:
                        self._check()
        if policy.filters.patient_conflict:
            done = without_conflicts(done, left_out)
        return done

    def _deliver(
        self,
        treated: Sequence[Treated],
        destination: Path,
        places: Places,
        left_out: Counter[str],
    ) -> None:
        job = self._claim.job
        with _told_as("Could not move file to the destination"):
            if job["part_folder"]:  # of an attempt that could not clean up
                remove_parts(Path(str(job["part_folder"])))
            parts = destination / f"{PART_PREFIX}{uuid.uuid4().hex}"
            self._commit(processed=len(treated), part_folder=str(parts))
            patient = str(job["source_anonymizedpatientid"])
            left_out.update(
                deliver(
                    treated,
                    destination,
                    pseudonym=patient,
                    part_folder=parts,
                    places=places,
                    tick=self._tick,
                )
            )

    def _chunks(self, files: Sequence[File], policy: Policy) -> Iterator[Chunk]:
        job, pickled = self._claim.job, pickle.dumps(policy)
        most = max(1, min(CHUNK_ITEMS, len(files) // (2 * self._engine.workers)))
        items: list[Item] = []
        size = 0
        for number, file in enumerate(files, start=1):
            items.append(Item(file.path, self._staging / f"{number}.dcm"))
            size += file.size
            if len(items) >= most or size >= CHUNK_BYTES or number == len(files):
                yield Chunk(
                    tuple(items),
                    pickled,
                    self._key,
                    str(job["source_anonymizedpatientid"]),
                    str(job["source_anonymizedpatientname"]),
                )
                items, size = [], 0

    def _discard_staging(self) -> None:
        # under another name at once, so that workers which still run stop writing
        gone = self._staging.with_suffix(".gone")
        with suppress(OSError):
            self._staging.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    # --- the ledger

    def _commit(self, to: JobStatus | None = None, /, **values: Value) -> None:
        claim = self._store.commit(self._claim, to, **values)
        if claim is None:
            raise Voided
        self._claim = claim

    def _count(self, **values: Value) -> None:
        """Commit counts, if the last time is long enough ago."""
        if self._is_time():
            self._check()
            self._commit(**values)

    def _tick(self) -> None:
        """Look round, if the last time is long enough ago."""
        if self._is_time():
            self._check()

    def _is_time(self) -> bool:
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + LOOK_EVERY
        return True

    def _check(self) -> None:
        if self._stopping.is_set() or not self._store.is_current(self._claim):
            raise Voided


@contextmanager
def _told_as(what: str) -> Iterator[None]:
    """Make an operating system's error the job's; its text holds no path."""
    try:
        yield
    except OSError as error:
        raise JobFailed(f"{what}: {error.strerror or type(error).__name__}") from error
    except DeidError as error:
        raise JobFailed(f"{what}: {error.cause or error.message}") from error


def without_conflicts(treated: Sequence[Treated], left_out: Counter[str]) -> list[Treated]:
    """Leave out every file of a study whose files name different patients, and count it."""
    patients: defaultdict[str, set[str]] = defaultdict(set)
    for one in treated:
        patients[(one.uids or ("",))[0]].add(one.patient)
    kept = [one for one in treated if len(patients[(one.uids or ("",))[0]]) == 1]
    if len(kept) < len(treated):
        left_out[CONFLICTING] += len(treated) - len(kept)
    return kept


def _so_far(left_out: Counter[str]) -> str | None:
    if not left_out:
        return None
    return f"{left_out.total()} files were left out so far: {_account(left_out)}"


def _account(left_out: Counter[str]) -> str:
    return ", ".join(f"{reason} ({count})" for reason, count in left_out.most_common(10))
