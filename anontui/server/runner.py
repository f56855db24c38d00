"""The coordinator: one thread that takes jobs from the ledger and has their files done.

Jobs advance side by side. Stages that a share may hold up run in threads of their own; the
rest is the engine's.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from anontui.errors import AnonTUIError
from anontui.idis.model import JobStatus
from anontui.server import items
from anontui.server.aftercare import Aftercare
from anontui.server.attempt import Attempt
from anontui.server.claims import Claim, Claims
from anontui.server.database import Database, Row
from anontui.server.deliver import remove_parts
from anontui.server.dispatch import CHUNK_ITEMS, Dispatch, Work
from anontui.server.engine import Engine
from anontui.server.hold import JobFailed, Voided
from anontui.server.items import ItemStatus
from anontui.server.projects import Projects
from anontui.server.worker import Orders, Report

IDLE = 60.0  # seconds without work after which the engine stops
PAUSE = 15.0  # seconds to wait after something that must not happen
UNDER_WAY = 64  # jobs of one priority
STAGES = 16  # threads
WITH_ARCHIVES = 16  # jobs under way that come from or go to archives, which may hang
RETRY_AFTER = (15.0, 60.0, 240.0, 960.0, *[3600.0] * 6)  # seconds; as often as there are
STOP_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Staged:
    """What came of a stage: the engine's orders, whether all is delivered, or an error."""

    work: Work
    result: Orders | bool | Exception


Message = Future[Report] | Staged | None


class Runner:
    """Runs the jobs of a ledger in a thread of its own, which sleeps while there are none.

    Parameters
    ----------
    database
        The ledger.
    projects
        What their jobs may read and write, and their policies.
    key
        The secret from which new UIDs come.
    engine
        What de-identifies.
    aftercare
        Notes identities, keeps held files, calls hooks, and writes run folders.
    """

    def __init__(
        self,
        database: Database,
        projects: Projects,
        key: bytes,
        engine: Engine,
        aftercare: Aftercare,
    ) -> None:
        self._database = database
        self._projects = projects
        self._key = key
        self._engine = engine
        self._aftercare = aftercare
        self._claims = Claims(database, uuid.uuid4().hex[:12])
        self._mailbox: SimpleQueue[Message] = SimpleQueue()
        self._dispatch = Dispatch(self._claims, engine, aftercare, self._mailbox.put)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="coordinator")
        self._stages: set[threading.Thread] = set()
        self._with_archives: set[threading.Thread] = set()  # no others wait for these
        self._open: dict[int, Work] = {}
        self._due: dict[int, float] = {}  # monotonic times of retries
        self._unswept: set[int] = set()

    def start(self) -> None:
        """Take up what an earlier run left, and go to work."""
        self._claims.interrupted()
        now = time.monotonic()
        self._due = dict.fromkeys(self._claims.to_retry(), now + RETRY_AFTER[0])
        self._thread.start()

    def wake(self) -> None:
        """Say that the ledger changed; of its own changes the coordinator knows."""
        if threading.current_thread() is not self._thread:
            self._mailbox.put(None)

    def stop(self) -> None:
        """End the work at once; it goes on at the next start."""
        self._stopping.set()
        self.wake()
        self._thread.join()

    # --- the thread

    def _run(self) -> None:
        messages: list[Message] = [None]
        while not self._stopping.is_set():
            try:
                self._turn(messages)
            except Exception:
                # a mistake of ours, or a disk without room for the ledger
                log.exception("event=crash")
                self._start_over()
            messages = self._receive()
        self._engine.stop()
        for thread in [*self._stages, *self._with_archives]:
            thread.join(STOP_SECONDS)
        self._engine.stop()  # a stage may have started it again

    def _turn(self, messages: list[Message]) -> None:
        if None in messages:
            self._look()
        for message in messages:
            if isinstance(message, Staged):
                self._staged(message)
        self._dispatch.land([message for message in messages if isinstance(message, Future)])
        self._dispatch.expire()
        for job_id in [job_id for job_id, at in self._due.items() if at <= time.monotonic()]:
            del self._due[job_id]
            self._claims.retry(job_id)
        self._take()
        self._dispatch.give(self._open.values())
        while self._dispatch.failed:
            work, report = self._dispatch.failed.popitem()
            self._fail(work, report.failure, transient=report.transient)
        for work in list(self._open.values()):
            if work.orders and not (work.waiting or work.suspects or work.flying):
                work.orders = None
                self._stage(work, work.attempt.deliver)

    def _receive(self) -> list[Message]:
        """Sleep until there is something to do, and return all that came."""
        times = [*self._dispatch.deadlines(), *self._due.values()]
        timeout = max(0.0, min(times) - time.monotonic()) if times else None
        is_idle = not self._open and not self._dispatch.is_busy and self._engine.is_running
        if is_idle:
            timeout = min(IDLE, timeout) if timeout is not None else IDLE
        messages: list[Message] = []
        try:
            messages.append(self._mailbox.get(timeout=timeout))
            while True:
                messages.append(self._mailbox.get_nowait())
        except Empty:
            if is_idle and not messages:
                self._engine.stop()
        return messages

    def _start_over(self) -> None:
        """Forget everything and read it from the ledger again, after a pause."""
        for work in list(self._open.values()):
            self._drop(work)
        self._dispatch.failed.clear()
        while not self._stopping.wait(PAUSE):
            try:
                self._claims.interrupted()
            except sqlite3.Error as error:
                log.error("event=ledger text=%r", str(error))
            else:
                break
        self._mailbox.put(None)

    # --- jobs

    def _look(self) -> None:
        """See what clients changed."""
        rows = self._database.rows(
            "SELECT job_id, attempt, priority FROM jobs WHERE owner = :owner",
            {"owner": self._claims.owner},
        )
        current = {int(row["job_id"] or 0): row for row in rows}
        for work in list(self._open.values()):
            if not work.orders:  # its stage looks for itself
                continue
            row = current.get(work.job_id)
            if row is None or row["attempt"] != work.attempt.claim.attempt:
                log.info("%s event=void", work.name)
                self._drop(work)
            else:
                work.priority = int(row["priority"] or 0)
        jobs = [job for job in self._claims.with_parts() if job["job_id"] not in self._unswept]
        if jobs:
            self._unswept.update(int(job["job_id"] or 0) for job in jobs)
            self._thread_of(lambda: self._sweep(jobs))

    def _sweep(self, jobs: Iterable[Row]) -> None:
        for job in jobs:
            with suppress(OSError):  # a share that is away; the next start tries again
                remove_parts(Path(str(job["part_folder"])))
                self._claims.forget_parts(job)
                self._unswept.discard(int(job["job_id"] or 0))

    def _take(self) -> None:
        """Take up the jobs whose turn it is, within limits.

        Those with archives have limits of their own: what hangs there holds up no others.
        """
        for needs_archive in (False, True):
            while self._has_room(needs_archive=needs_archive):
                claim = self._claims.take(needs_archive=needs_archive)
                if claim is None:
                    break
                self._take_up(claim)

    def _has_room(self, *, needs_archive: bool) -> bool:
        alike = [one for one in self._open.values() if one.needs_archive == needs_archive]
        if len(alike) >= WITH_ARCHIVES if needs_archive else len(self._stages) >= STAGES:
            return False
        priority = self._claims.next_priority(needs_archive=needs_archive)
        if priority is None:
            return False
        return sum(work.priority >= priority for work in alike) < UNDER_WAY

    def _take_up(self, claim: Claim) -> None:
        attempt = Attempt(
            self._claims,
            claim,
            projects=self._projects,
            key=self._key,
            engine=self._engine,
            stopping=self._stopping,
            aftercare=self._aftercare,
        )
        work = Work(attempt, int(claim.job["priority"] or 0))
        self._open[work.job_id] = work
        log.info("%s event=start", work.name)
        self._stage(work, attempt.prepare)

    def _stage(self, work: Work, do: Callable[[], Orders | bool]) -> None:
        def run() -> None:
            try:
                result: Orders | bool | Exception = do()
            except (Voided, JobFailed) as end:
                result = end
            except AnonTUIError as error:  # server.yml or a project's file is wrong
                log.error("%s event=error text=%r", work.name, error.sentence())
                result = JobFailed("The server's settings are wrong: tell its admin")
            except Exception:
                log.exception("%s event=crash", work.name)
                result = JobFailed("Internal error: tell the server's admin this job's number")
            self._mailbox.put(Staged(work, result))

        self._thread_of(run, self._with_archives if work.needs_archive else self._stages)

    def _thread_of(
        self, do: Callable[[], None], threads: set[threading.Thread] | None = None
    ) -> None:
        threads = self._stages if threads is None else threads

        def run() -> None:
            try:
                do()
            except Exception:
                log.exception("event=crash")
            finally:
                threads.discard(threading.current_thread())
                self.wake()

        thread = threading.Thread(target=run, name="stage", daemon=True)
        threads.add(thread)
        thread.start()

    def _staged(self, message: Staged) -> None:
        work, result = message.work, message.result
        if self._open.get(work.job_id) is not work:
            return
        if isinstance(result, JobFailed):
            self._fail(work, str(result), transient=result.transient)
        elif isinstance(result, Voided):
            log.info("%s event=void", work.name)
            self._drop(work)
        elif isinstance(result, Orders):
            self._begin(work, result)
        elif result is True:
            self._drop(work)
            log.info("%s event=done seconds=%.1f", work.name, time.monotonic() - work.started)
            self._thread_of(lambda: self._aftercare.finish(work.job_id))
        else:
            self._stage(work, work.attempt.prepare)  # results are gone: make them again

    def _begin(self, work: Work, orders: Orders) -> None:
        """Let the engine work on a job."""
        counts = items.counts(self._database, work.job_id)
        work.orders = orders
        work.suspects = items.suspects(self._database, work.job_id)
        work.waiting = counts[ItemStatus.WAITING] - work.suspects
        work.treated = counts[ItemStatus.READY] + counts[ItemStatus.DONE]
        work.left_out = items.left_out(self._database, work.job_id)
        work.started = time.monotonic()
        share = work.waiting // (2 * self._engine.workers)
        work.share = max(1, min(CHUNK_ITEMS, share))

    def _fail(self, work: Work, text: str, *, transient: bool) -> None:
        """Record that a job cannot be done, for now or for good."""
        log.warning("%s event=error", work.name)  # why is in the ledger: it may hold a path
        self._drop(work)
        claim = work.attempt.claim
        tries = int(claim.job["retries"] or 0)
        again = transient and tries < len(RETRY_AFTER)
        with self._database.transaction() as connection:
            failed = self._claims.commit(
                claim,
                JobStatus.ERROR,
                within=connection,
                error=text,
                retries=tries + 1 if again else 0,
                files_per_minute=None,
            )
            if failed:
                items.release(connection, work.job_id)
        if failed and again:
            self._due[work.job_id] = time.monotonic() + RETRY_AFTER[tries]
        self._thread_of(lambda: self._aftercare.finish(work.job_id))
        self._mailbox.put(None)  # its parts may be swept

    def _drop(self, work: Work) -> None:
        """Stop working on a job, for this attempt."""
        self._open.pop(work.job_id, None)
        self._dispatch.drop(work)
