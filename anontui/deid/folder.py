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

from anontui.deid.file import PseudonymFor
from anontui.deid.policy import Policy
from anontui.deid.processes import spread
from anontui.deid.pseudonyms import Pseudonyms
from anontui.deid.records import Batch, Records
from anontui.deid.refusal import Reason
from anontui.deid.report import Report
from anontui.deid.sources import files_below
from anontui.deid.work import TICK, Work, Worker, refused_row
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
    run = _Run(source, target, report, layout=layout, dry_run=dry_run, sync=sync)
    work = Work(
        source=run.source,
        target=run.target,
        policy=policy,
        key=key,
        pseudonym_for=pseudonym_for or Pseudonyms(key),
        name=run.name,
        layout=layout,
        dry_run=dry_run,
        with_uids=report is not None and report.identities,
    )
    with closing(run.records):
        yield from run.events(work, workers, is_derived=pseudonym_for is None)


class _Run:
    """The state of one run."""

    def __init__(
        self,
        source: Path,
        target: Path,
        report: Report | None,
        *,
        layout: bool,
        dry_run: bool,
        sync: bool,
    ) -> None:
        self.records = Records()
        self.name = ""
        self.source, self.target = os.path.realpath(source), os.path.realpath(target)
        self._only = ""
        self._layout = layout
        self._dry_run = dry_run
        self._sync_at_end = sync
        self._done = self._held = 0
        self._report = report
        self._started = monotonic()
        if not os.path.lexists(source):
            raise UsageError("There is no such file or folder as the input", advice="Check it.")
        if os.path.isdir(self.source):
            self._check_folders()
        else:
            self._place_file(target)

    def _check_folders(self) -> None:
        if os.path.lexists(self.target) and not os.path.isdir(self.target):
            raise UsageError("The output is a file, and the input a folder", advice=_ELSEWHERE)
        if Path(self.source).is_relative_to(self.target):
            raise UsageError("The input is the output, or inside it", advice=_ELSEWHERE)

    def _place_file(self, target: Path) -> None:
        self.source, self._only = os.path.split(self.source)
        if not self._layout and not os.path.isdir(target):
            self.target, self.name = os.path.split(self.target)
        elif not self._layout:
            self.name = self._only  # the user knows what it is called
        if not self._dry_run and os.path.realpath(os.path.join(self.target, self.name)) == (
            os.path.join(self.source, self._only)
        ):
            raise UsageError("The output is the input", advice=_ELSEWHERE)

    def events(self, work: Work, workers: int | None, *, is_derived: bool) -> Events:
        """The run itself."""
        total = 0
        for total, _ in enumerate(self._found(), start=1):
            if total % 256 == 0:
                yield Progress(0, None, "files", f"{total:,} found")
        if not total:
            raise UsageError("There are no files in the input", advice="Check the path.")
        if not self._layout and not self._only:
            yield Warning(
                "The output keeps the names of the input's files and folders",
                "If these can name patients, use --layout: new identifiers only.",
            )
        if (workers is None and _cores() == 1) or not _can_be_sent(work):
            workers = 1
        is_finished = False
        try:
            yield from self._treat(work, workers, total)
            is_finished = True
        finally:
            # what contradicts itself must not stay either when somebody has had enough
            self._take_back(studies=work.policy.filters.patient_conflict)
            if not is_finished:
                self._tell(work, is_finished=False)
        if self._sync_at_end and not self._dry_run:
            yield from self._sync()
        self._tell(work, is_finished=True)
        if is_derived and (studies := self.records.studies_without_patient()) > 1:
            yield Warning(
                f"{studies} studies have no Patient ID, and got the same pseudonym",
                "They may be of different patients.",
            )
        yield Result(self._summary())

    def _found(self) -> Iterator[tuple[str, Reason | None, str]]:
        if self._only:
            yield self._only, None, ""
        else:
            yield from files_below(self.source, self.target)

    def _paths(self) -> Iterator[str]:
        """The files to treat; what is none is put on record."""
        for path, reason, detail in self._found():
            if reason is None:
                yield path
            else:
                row = refused_row(path, reason, detail)
                self.records.add(Batch([row], Counter(), []))

    def _treat(self, work: Work, workers: int | None, total: int) -> Generator[Progress]:
        if not self._dry_run:
            _make(self.target)
        paths = self._paths()
        if workers is None or workers == 1:
            started = monotonic()
            for batch in Worker(work).batches(paths):
                yield self._put_down(batch, total)
                spent = monotonic() - started
                left = spent * (total - self._done) / max(self._done, 1)
                if workers is None and spent > _SOON and left > _LONG:
                    break
            else:
                return
        with closing(spread(work, _chunks(paths), workers or _cores())) as batches:
            for batch in batches:
                yield self._put_down(batch, total)

    def _put_down(self, batch: Batch, total: int) -> Progress:
        self.records.add(batch)
        self._done += len(batch.rows)
        self._held += sum(row.status != "done" for row in batch.rows)
        return Progress(self._done, total, "files", f"{self._held:,} not done" * bool(self._held))

    def _take_back(self, *, studies: bool) -> None:
        for outputs in self.records.conflicts(studies=studies):
            for output in [] if self._dry_run else outputs:
                path = os.path.join(self.target, os.fsdecode(output))
                with suppress(FileNotFoundError):
                    os.unlink(path)
                folder = os.path.dirname(path)
                while folder != self.target:
                    try:
                        os.rmdir(folder)
                    except OSError:
                        break  # there is more in it
                    folder = os.path.dirname(folder)

    def _sync(self) -> Generator[Progress]:
        """Have the results on the disk, once for all: one by one it takes longer than the work."""
        failed: list[OSError] = []
        thread = Thread(target=_sync_disk, args=(self.target, failed), daemon=True)
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

    def _tell(self, work: Work, *, is_finished: bool) -> None:
        if self._report is not None:
            self._report.write(self.records, work.policy, work.key, is_finished=is_finished)

    def _summary(self) -> Summary:
        totals = tuple(
            Total(status, Reason(code) if code else None, files)
            for status, code, files in self.records.totals()
        )
        return Summary(totals, self.records.counts, monotonic() - self._started)


_ELSEWHERE = "Choose an output elsewhere."


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


def _sync_disk(folder: str, failed: list[OSError]) -> None:
    """Wait until the file system that a folder is on has written everything."""
    import ctypes

    try:
        sync = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError, TypeError):  # a system that has no such call
        if hasattr(os, "sync"):
            os.sync()
        return
    handle = os.open(folder, os.O_RDONLY)
    if sync(handle) != 0:
        code = ctypes.get_errno()
        failed.append(OSError(code, os.strerror(code)))
    os.close(handle)
