"""What a project folder remembers while jobs are created from it.

Three files stand beside the mapping: the record of created jobs, the batch, and a mark of
the requests whose answer may have been lost. The mark is written before the first job is
sent and goes at the end; where it is still there, the last time was cut short, and a job
may exist that nobody wrote down.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from anontui import atomic
from anontui.errors import ProjectError
from anontui.idis.model import Job, JobRequest
from anontui.project import created as record
from anontui.project.batch import Batch

if TYPE_CHECKING:
    from anontui.idis.client import Client

MARK_NAME = ".anonbatch-creating"
LOOK_BACK = 20_000  # newer jobs to look through for a lost one, at most
SAVE_SECONDS = 0.25  # the batch is saved this often; until then its newest ids are in the record


class Ledger:
    """The account of the jobs that ``wanted`` (requests by fingerprint) become.

    A context manager: inside it no other process creates from the same folder.
    ``found`` holds the jobs that turned out to exist already.
    """

    def __init__(
        self,
        folder: Path,
        server_name: str,
        url: str,
        client: Client,
        wanted: Mapping[str, JobRequest],
    ) -> None:
        self._folder, self._name, self._url = folder, server_name, url
        self._client, self._wanted = client, wanted
        self._mark = _Mark(folder / MARK_NAME, url)
        self._ids: set[int] = set()
        self._saved = (0, 0.0)  # how many ids the batch had when it was saved, and when
        self._uncertain: set[str] = set()
        self._lock: IO[bytes] | None = None
        self.found: dict[str, int] = {}

    def __enter__(self) -> Ledger:
        try:
            self._lock = _locked(self._folder / record.FILENAME)
            self._open()
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            if len(self._ids) != self._saved[0]:
                self._save_batch()
            settled = self._wanted.keys() | _recorded(self._folder, self._url).keys()
            self._mark.write(self._mark.doubtful - settled | self._uncertain)
        finally:
            self._unlock()

    def sending(self, fingerprint: str) -> None:
        """Note that from now on a job may exist of which nobody knows."""
        self._uncertain.add(fingerprint)

    def not_created(self, fingerprint: str) -> None:
        """Note that the server made no job of it."""
        self._uncertain.discard(fingerprint)

    def add(self, jobs: Mapping[str, int]) -> None:
        """Write down which jobs requests became, by their fingerprints."""
        record.record_all(self._folder, jobs, self._url)
        self._uncertain.difference_update(jobs)
        self._ids.update(jobs.values())
        if time.monotonic() - self._saved[1] > SAVE_SECONDS:
            self._save_batch()

    def _open(self) -> None:
        newest = self._newest()
        batch = Batch.load(self._folder)
        self._ids = set(batch.job_ids) if batch else set()
        self._saved = (len(self._ids), 0.0)
        self._mark.read(newest)
        self._ids |= unsaved(self._folder, self._url)
        if doubtful := self._mark.doubtful & self._wanted.keys():
            self.found = self.look_for(doubtful)
        self._mark.write(self._mark.doubtful | self._wanted.keys())
        if batch is None:  # so that from the first job on there is one, whatever happens
            self._save_batch()

    def _newest(self) -> int:
        return max((job.job_id for job in self._client.jobs()), default=0)

    def look_for(self, fingerprints: Iterable[str]) -> dict[str, int]:
        """Find requests among the jobs that came after the mark and are in no record.

        Call it while nothing is under way: a job whose answer is still to come is in no
        record either, and could be taken for another of the same content.
        """
        newest = self._newest()
        since = max(self._mark.since, newest - LOOK_BACK)
        known = set(_recorded(self._folder, self._url).values())
        ids = [job_id for job_id in range(since + 1, newest + 1) if job_id not in known]
        jobs = self._client.jobs_by_id(ids, extended=True) if ids else {}
        by_content: dict[tuple[str, ...], list[int]] = {}
        for job_id in sorted(jobs, reverse=True):
            by_content.setdefault(_content(jobs[job_id]), []).append(job_id)
        alike = {print_: by_content.get(_content(self._wanted[print_])) for print_ in fingerprints}
        return {print_: those.pop() for print_, those in alike.items() if those}

    def _save_batch(self) -> None:
        Batch(tuple(sorted(self._ids)), self._name, self._url).save(self._folder)
        self._saved = (len(self._ids), time.monotonic())

    def _unlock(self) -> None:
        if self._lock:
            self._lock.close()


class _Mark:
    """The file of requests whose fate is not known, with the newest job id from before them.

    ``since`` and ``doubtful`` are as they were read; writing does not change them.
    """

    def __init__(self, path: Path, url: str) -> None:
        self._path, self._url = path, url
        self._others: dict[str, object] = {}  # what is in doubt on other servers
        self.since = 0
        self.doubtful: frozenset[str] = frozenset()

    def read(self, newest: int) -> None:
        """Read it; where nothing is in doubt, count from ``newest``."""
        self.since = newest
        try:
            content = json.loads(self._path.read_bytes())
            ours = content.pop(self._url, None)
            if ours:
                self.since = min(int(ours["since"]), newest)
                self.doubtful = frozenset(map(str, ours["doubtful"]))
            self._others = dict(content)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ProjectError(
                f"{MARK_NAME} cannot be read, so it is unknown which jobs exist already",
                advice="Compare the server's newest jobs with the mapping, then delete the file.",
            ) from error

    def write(self, doubtful: frozenset[str] | set[str]) -> None:
        """Replace what is in doubt; nothing at all removes the file."""
        content = dict(self._others)
        if doubtful:
            content[self._url] = {"since": self.since, "doubtful": sorted(doubtful)}
        try:
            if content:
                atomic.write_bytes(self._path, json.dumps(content).encode())
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            raise ProjectError(
                f"{MARK_NAME} cannot be written, so lost jobs could not be looked for",
                cause=error.strerror or type(error).__name__,
                advice="Make the project folder writable.",
            ) from error


def unsaved(folder: Path, url: str) -> set[int]:
    """Jobs on the server at ``url`` that were created but may not be in the folder's batch yet.

    There are some only while jobs are being created, and after that was cut short.
    """
    mark = _Mark(folder / MARK_NAME, url)
    try:
        mark.read(newest=sys.maxsize)
    except ProjectError:
        return set()  # creating will tell of it
    if not mark.doubtful:
        return set()
    return {job_id for job_id in _recorded(folder, url).values() if job_id > mark.since}


def settle(folder: Path, url: str) -> None:
    """Forget that the folder's batch may lack jobs: it has been saved with all of them.

    While another process creates jobs nothing is done; it will see to that itself.
    """
    if not (folder / MARK_NAME).exists():
        return
    mark = _Mark(folder / MARK_NAME, url)
    try:
        with _locked(folder / record.FILENAME):
            mark.read(newest=sys.maxsize)
            mark.write(mark.doubtful - _recorded(folder, url).keys())
    except ProjectError:
        pass  # creating will tell of it


def _recorded(folder: Path, url: str) -> dict[str, int]:
    """The jobs in the record that are on the server at ``url``, by fingerprint."""
    return {
        print_: job_id for (server, print_), job_id in record.read(folder).items() if server == url
    }


def _content(job: Job | JobRequest) -> tuple[str, ...]:
    """What tells one job from another, as far as servers repeat it."""
    path = re.sub(r"^(folder|fileselection):", "", job.source_path or "")
    fields = (
        job.project_name,
        job.destination_path,
        path,
        job.source_instance_id,
        job.anonymizedpatientid if isinstance(job, JobRequest) else job.source_anonymizedpatientid,
        job.anonymizedpatientname
        if isinstance(job, JobRequest)
        else job.source_anonymizedpatientname,
    )
    return tuple((field or "").strip().casefold() for field in fields)


def _locked(path: Path) -> IO[bytes]:
    """Open a file so that no other process can do the same; closing it ends that.

    Only where the system and its file system can: elsewhere nothing is locked.
    """
    try:
        file = os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600), "ab")
    except OSError as error:
        raise ProjectError(
            f"{path.name} cannot be written, so created jobs could not be remembered",
            cause=error.strerror or type(error).__name__,
            advice="Make the project folder writable.",
        ) from error
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise ProjectError(
                "Jobs are being created from this folder already",
                advice="Wait until that is done.",
            ) from error
        except OSError:
            pass  # some network file systems know no locks
    return file
