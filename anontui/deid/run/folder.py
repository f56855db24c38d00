"""A run over a file or a folder: an operation that tells what it does (anontui/events.py)."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import TypeAlias

from anontui.deid.engine.writing import sync_disk
from anontui.deid.file import PseudonymFor
from anontui.deid.refusal import Reason
from anontui.deid.rules.policy import Policy
from anontui.deid.run.layout import places
from anontui.deid.run.processes import spread
from anontui.deid.run.pseudonyms import Pseudonyms
from anontui.deid.run.records import Batch, Records
from anontui.deid.run.report import Report
from anontui.deid.run.sources import Found, files_below
from anontui.deid.run.work import TICK, Work, Worker, refused_row
from anontui.errors import DeidError, UsageError
from anontui.events import Progress, Result, Warning  # noqa: A004 - the word of the field

_CHUNK = 32  # files that a process is given at a time
# seconds: processes are started for what would take that long, after so long a look
_LONG, _SOON = 3.0, 0.5


@dataclass(frozen=True)
class Total:
    """How many files came to the same."""

    status: str
    reason: Reason | None
    files: int


@dataclass(frozen=True)
class Summary:
    """What came of a run; no identity is in it.

    ``elements`` counts elements by what was done to them.
    """

    totals: tuple[Total, ...]
    elements: Counter[str]
    seconds: float

    def files(self, status: str) -> int:
        """How many files are ``done``, ``rejected`` or ``quarantined``."""
        return sum(total.files for total in self.totals if total.status == status)

    @property
    def is_complete(self) -> bool:
        """Whether every file is done."""
        return all(total.status == "done" for total in self.totals)


Events: TypeAlias = "Generator[Progress | Warning | Result[Summary]]"


def deidentify_folder(
    source: Path,
    target: Path,
    *,
    policy: Policy,
    key: bytes,
    pseudonym_for: PseudonymFor | None = None,
    layout: bool = False,
    workers: int | None = None,
    dry_run: bool = False,
    sync: bool = True,
    report: Report | None = None,
) -> Events:
    """De-identify a file, or every file below a folder; one bad file never stops the rest.

    Parameters
    ----------
    source
        A DICOM file or a folder.
    target
        Where results go; made if need be. What is there already is never overwritten: if it
        is not the same, the source is quarantined. For a single file it is the result's
        name, or a folder that exists.
    policy, key
        What to do, and with which secret (16 bytes or more).
    pseudonym_for
        Who a patient becomes; derived from the key if not given.
    layout
        Whether results go to ``patient/study/series/instance.dcm``, of new identifiers only.
        If not, their paths are those of the sources; a file whose path holds its Patient ID
        is quarantined.
    workers
        How many processes; with one, this process does the work. By default it begins so,
        and if it takes longer, the rest goes to one process a core.
    dry_run
        Whether to write nothing but the report.
    sync
        Whether the results are on the disk at the end.
    report
        Written at the end, also when the run is cancelled.

    Yields
    ------
    Progress, Warning, Result of Summary
        Files of one study that name different patients are taken back at the end, and if
        the run is cancelled.

    Raises
    ------
    UsageError
        If there is no source, or it and the target lie inside each other.
    DeidError
        If the output cannot be written.
    """
    source_folder, only, target_folder, name = places(source, target, layout=layout)
    work = Work(
        source=source_folder,
        target=target_folder,
        policy=policy,
        key=key,
        pseudonym_for=pseudonym_for or Pseudonyms(key),
        name=name,
        layout=layout,
        dry_run=dry_run,
        with_uids=report is not None and report.identities,
    )
    with closing(Records()) as records:
        run = _Run(work, only, records, report)
        total = yield from run.count()
        if not layout and not only:
            yield Warning(
                "The output keeps the names of the input's files and folders",
                "If these can name patients, use --layout: new identifiers only.",
            )
        yield from run.treat(workers, total)
        if sync and not dry_run:
            yield from run.sync()
        run.report(is_finished=True)
        studies = 0 if pseudonym_for else records.studies_without_patient()
        if studies > 1:
            yield Warning(
                f"{studies} studies have no Patient ID, and got the same pseudonym",
                "They may be of different patients.",
            )
        yield Result(run.summary())


class _Run:
    """The state of one run; ``only`` is the one file's name, if the source is a file."""

    def __init__(self, work: Work, only: str, records: Records, report: Report | None) -> None:
        self._work = work
        self._only = only
        self._records = records
        self._report = report
        self._done = self._held = 0
        self._started = monotonic()

    def count(self) -> Generator[Progress, None, int]:
        """How many files there are."""
        total = 0
        for total, _ in enumerate(self._found(), start=1):
            if total % 256 == 0:
                yield Progress(0, None, "files", f"{total:,} found")
        if not total:
            raise UsageError("There are no files in the input", advice="Check the path.")
        return total

    def treat(self, workers: int | None, total: int) -> Generator[Progress]:
        """De-identify all files, and take back what contradicts itself."""
        if not self._work.dry_run:
            _make(self._work.target)
        is_finished = False
        try:
            for batch in self._batches(workers, total):
                self._records.add(batch)
                self._done += len(batch.rows)
                self._held += sum(row.status != "done" for row in batch.rows)
                held = f"{self._held:,} not done" if self._held else ""
                yield Progress(self._done, total, "files", held)
            is_finished = True
        finally:
            # it must not stay either when somebody has had enough
            self._take_back()
            if not is_finished:
                with suppress(DeidError):  # why it ended is what is to be told
                    self.report(is_finished=False)

    def sync(self) -> Generator[Progress]:
        """Have the results on the disk, once for all: one by one it takes longer than the work."""
        failed: list[OSError] = []

        def wait() -> None:
            try:
                sync_disk(self._work.target)
            except OSError as error:
                failed.append(error)

        thread = Thread(target=wait, daemon=True)
        thread.start()
        while thread.is_alive():
            yield Progress(self._done, self._done, "files", "waiting for the disk")
            thread.join(TICK)
        if failed:
            raise DeidError(
                "The results cannot be put on the disk for good",
                cause=failed[0].strerror or "",
                advice="Check the disk, then run it again.",
            )

    def report(self, *, is_finished: bool) -> None:
        """Write the report, if one is wanted."""
        if self._report is not None:
            policy, key = self._work.policy, self._work.key
            self._report.write(self._records, policy, key, is_finished=is_finished)

    def summary(self) -> Summary:
        """What came of it."""
        totals = tuple(
            Total(status, Reason(code) if code else None, files)
            for status, code, files in self._records.totals()
        )
        return Summary(totals, self._records.counts, monotonic() - self._started)

    def _found(self) -> Iterator[Found]:
        if self._only:
            return iter([Found(self._only)])
        return files_below(self._work.source, self._work.target)

    def _paths(self) -> Iterator[str]:
        """The files to treat; what is none is put on record."""
        for path, reason, detail in self._found():
            if reason is None:
                yield path
            else:
                row = refused_row(path, reason, detail)
                self._records.add(Batch([row], Counter(), []))

    def _batches(self, workers: int | None, total: int) -> Generator[Batch]:
        """Do the work here, with processes, or here first and then, if it is long, with those."""
        paths, work = self._paths(), self._work
        if (workers is None and _cores() == 1) or not _can_be_sent(work):
            workers = 1
        if workers is None or workers == 1:
            started = monotonic()
            for batch in Worker(work).batches(paths):
                yield batch
                spent = monotonic() - started
                left = spent * (total - self._done) / max(self._done, 1)
                if workers is None and spent > _SOON and left > _LONG:
                    break
            else:
                return
        yield from spread(work, _chunks(paths), workers or _cores())

    def _take_back(self) -> None:
        """Remove results whose sources contradict each other, and folders that they leave empty."""
        target = self._work.target
        for outputs in self._records.conflicts(studies=self._work.policy.filters.patient_conflict):
            for output in [] if self._work.dry_run else outputs:
                path = os.path.join(target, os.fsdecode(output))
                with suppress(FileNotFoundError):
                    os.unlink(path)
                with suppress(OSError):  # there is more in a folder
                    while (path := os.path.dirname(path)) != target:
                        os.rmdir(path)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _can_be_sent(work: Work) -> bool:
    """Whether another process can be given it: a function of the user's own may not."""
    try:
        pickle.dumps(work)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False
    return True


def _chunks(paths: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    for path in paths:
        chunk.append(path)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _make(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise DeidError(
            "The output folder cannot be made",
            cause=error.strerror or type(error).__name__,
            advice="Check the path and who may write there.",
        ) from error
