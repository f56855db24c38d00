"""The coordinator: one thread that takes jobs from the ledger and has their files done.

Jobs advance side by side. Every other chunk that the engine gets is of the oldest job, the
others are of the one with the least left to do, always of the highest priority: so a small
job does not wait for a large one, and none waits for ever. Stages that a share may hold up
run in threads of their own.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue

from anontui.deid.pseudonym import Pseudonym
from anontui.errors import AnonTUIError
from anontui.idis.model import JobStatus
from anontui.server import items
from anontui.server.aftercare import Aftercare
from anontui.server.attempt import TELL_EVERY, Attempt, JobFailed, Voided, account
from anontui.server.claims import Claims
from anontui.server.database import Database, Row
from anontui.server.deliver import remove_parts
from anontui.server.engine import Engine, Loss
from anontui.server.items import DEADLY, KILLED, Held, ItemStatus, Outcome
from anontui.server.projects import Projects
from anontui.server.worker import BEGUN, Chunk, Orders, Report

IDLE = 60.0  # seconds without work after which the engine stops
PAUSE = 15.0  # seconds to wait after something that must not happen
CHUNK_ITEMS = 25
CHUNK_BYTES = 16 << 20  # so that a chunk takes less than a second
LEASE = 300.0  # seconds after which a chunk is taken for lost; and for each MB of it:
LEASE_OF_MB = 1.0
GRACE = 30.0  # seconds that a chunk gets which nobody wants any more
UNDER_WAY = 64  # jobs of one priority
STAGES = 16  # threads
RETRY_AFTER = (15.0, 60.0, 240.0, 960.0, *[3600.0] * 6)  # seconds; as often as there are
AWAY_LONGEST = 60.0  # seconds between two tries to reach workers
STOP_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Work:
    """A job under way. What is here can be read from the ledger again."""

    attempt: Attempt
    priority: int
    orders: Orders | None = None  # while the engine is to work on it
    waiting: int = 0
    suspects: int = 0  # of those that wait, for a worker of their own
    flying: int = 0  # chunks
    treated: int = 0
    treated_here: int = 0
    chunk_items: int = CHUNK_ITEMS
    left_out: Counter[str] = field(default_factory=Counter)
    pseudonyms: dict[int, tuple[str, Pseudonym]] = field(default_factory=dict)  # by item
    started: float = field(default_factory=time.monotonic)
    next_tell: float = 0.0

    @property
    def job_id(self) -> int:
        """Which job."""
        return self.attempt.claim.job_id


@dataclass(eq=False)
class Flight:
    """A chunk that the engine has, until its lease ends."""

    work: Work
    chunk: Chunk
    lease: float  # monotonic time


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
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="coordinator")
        self._stages: set[threading.Thread] = set()
        self._open: dict[int, Work] = {}
        self._flying: dict[Future[Report], Flight] = {}
        self._due: dict[int, float] = {}  # monotonic times of retries
        self._unswept: set[int] = set()
        self._is_oldests_turn = True
        self._away = 0  # how often in a row the workers were out of reach
        self._back = 0.0  # monotonic time of the next try

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
        for thread in list(self._stages):
            thread.join(STOP_SECONDS)
        self._engine.stop()  # a stage may have started it again

    def _turn(self, messages: list[Message]) -> None:
        if None in messages:
            self._look()
        for message in messages:
            if isinstance(message, Staged):
                self._staged(message)
        self._land([message for message in messages if isinstance(message, Future)])
        self._expire()
        for job_id in [job_id for job_id, at in self._due.items() if at <= time.monotonic()]:
            del self._due[job_id]
            self._claims.retry(job_id)
        self._take()
        self._give()
        for work in list(self._open.values()):
            if work.orders and not (work.waiting or work.suspects or work.flying):
                work.orders = None
                self._stage(work, work.attempt.deliver)

    def _receive(self) -> list[Message]:
        """Sleep until there is something to do, and return all that came."""
        times = [flight.lease for flight in self._flying.values()] + list(self._due.values())
        if self._away and self._open:
            times.append(self._back)
        timeout = max(0.0, min(times) - time.monotonic()) if times else None
        is_idle = not self._open and not self._flying and self._engine.is_running
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
        self._stopping.wait(PAUSE)
        for work in list(self._open.values()):
            self._drop(work)
        with suppress(Exception):  # the next turn tries again
            self._claims.interrupted()
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
                log.info("%s event=void", _name(work))
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
        """Take up the jobs whose turn it is, within limits."""
        while len(self._stages) < STAGES:
            priority = self._claims.next_priority()
            if priority is None:
                return
            if sum(work.priority >= priority for work in self._open.values()) >= UNDER_WAY:
                return
            claim = self._claims.take()
            if claim is None:
                return
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
            log.info("%s event=start", _name(work))
            self._stage(work, attempt.prepare)

    def _stage(self, work: Work, do: Callable[[], Orders | bool]) -> None:
        def run() -> None:
            try:
                result: Orders | bool | Exception = do()
            except (Voided, JobFailed) as end:
                result = end
            except AnonTUIError as error:  # server.yml or a project's file is wrong
                log.error("%s event=error text=%r", _name(work), error.sentence())
                result = JobFailed("The server's settings are wrong: tell its admin")
            except Exception:
                log.exception("%s event=crash", _name(work))
                result = JobFailed("Internal error: tell the server's admin this job's number")
            self._mailbox.put(Staged(work, result))

        self._thread_of(run)

    def _thread_of(self, do: Callable[[], None]) -> None:
        def run() -> None:
            try:
                do()
            except Exception:
                log.exception("event=crash")
            finally:
                self._stages.discard(threading.current_thread())
                self.wake()

        thread = threading.Thread(target=run, name="stage", daemon=True)
        self._stages.add(thread)
        thread.start()

    def _staged(self, message: Staged) -> None:
        work, result = message.work, message.result
        if self._open.get(work.job_id) is not work:
            return
        if isinstance(result, JobFailed):
            self._fail(work, str(result), transient=result.transient)
        elif isinstance(result, Voided):
            log.info("%s event=void", _name(work))
            self._drop(work)
        elif isinstance(result, Orders):
            self._begin(work, result)
        elif result is True:
            del self._open[work.job_id]
            log.info("%s event=done seconds=%.1f", _name(work), time.monotonic() - work.started)
            self._thread_of(lambda: self._aftercare.write_run(work.job_id))
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
        share = work.waiting // (2 * self._engine.workers)  # of a small job, for each worker
        work.chunk_items = max(1, min(CHUNK_ITEMS, share))

    def _fail(self, work: Work, text: str, *, transient: bool) -> None:
        """Record that a job cannot be done, for now or for good."""
        log.warning("%s event=error", _name(work))  # why is in the ledger: it may hold a path
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
        self._thread_of(lambda: self._aftercare.write_run(work.job_id))
        self._mailbox.put(None)  # its parts may be swept

    def _drop(self, work: Work) -> None:
        """Stop working on a job, for this attempt."""
        self._open.pop(work.job_id, None)
        end = time.monotonic() + GRACE
        for future, flight in list(self._flying.items()):
            if flight.work is work:
                flight.lease = min(flight.lease, end)
                future.cancel()

    # --- chunks

    def _land(self, futures: Iterable[Future[Report]]) -> None:
        """See what came of chunks."""
        reports: list[tuple[Flight, Report]] = []
        for future in futures:
            flight = self._flying.pop(future, None)
            if flight is None:  # it was given up
                continue
            error = CancelledError() if future.cancelled() else future.exception()
            if error is None:
                self._away = 0
                reports.append((flight, future.result()))
            elif self._open.get(flight.work.job_id) is not flight.work:
                continue
            else:
                reports += self._lost(flight, error)
        self._record(reports)

    def _lost(self, flight: Flight, error: BaseException) -> list[tuple[Flight, Report]]:
        loss = self._engine.judge(error)
        log.warning("%s event=lost why=%s", _name(flight.work), loss.name.lower())
        if loss is Loss.UNFIT:
            text = f"The engine's workers cannot do this work: {type(error).__name__}"
            return [(flight, Report((), text))]
        if loss is Loss.CHUNK:
            return [(flight, _loss(flight.chunk, counts=True))]
        if loss is Loss.CONNECTION:
            self._wait_for_workers()
            return [(flight, _loss(flight.chunk, counts=False)), *self._renew(flight.chunk.alone)]
        begun = not isinstance(error, CancelledError)
        others = self._renew(flight.chunk.alone, all_count=True)
        return [(flight, _loss(flight.chunk, counts=begun)), *others]

    def _renew(
        self, alone: bool, guilty: Iterable[Future[Report]] = (), *, all_count: bool = False
    ) -> list[tuple[Flight, Report]]:
        """Have the engine start new workers; returns the chunks that are lost by that."""
        self._engine.renew(alone=alone)
        reports = []
        for future, flight in list(self._flying.items()):
            if self._engine.has_ward and flight.chunk.alone is not alone:
                continue
            if future.done() and not future.cancelled() and not future.exception():
                continue  # its report is on the way
            del self._flying[future]
            counts = future in guilty or (all_count and not future.cancelled())
            reports.append((flight, _loss(flight.chunk, counts=counts)))
        return reports

    def _expire(self) -> None:
        """Give up chunks whose lease has ended: nothing may depend on a future."""
        now = time.monotonic()
        late = {future: flight for future, flight in self._flying.items() if flight.lease <= now}
        for alone in {flight.chunk.alone for flight in late.values()}:
            guilty = [future for future, flight in late.items() if flight.chunk.alone is alone]
            log.warning("event=lease chunks=%d", len(guilty))
            if self._engine.has_ward:
                self._record(self._renew(alone, guilty))
                continue
            for future in guilty:
                future.cancel()
                flight = self._flying.pop(future)
                self._record([(flight, _loss(flight.chunk, counts=True))])

    def _record(self, reports: Iterable[tuple[Flight, Report]]) -> None:
        """Write into the ledger what became of chunks, if it is still wanted."""
        failed: dict[Work, Report] = {}
        wanted = []
        for flight, report in reports:
            flight.work.flying -= 1
            if self._open.get(flight.work.job_id) is flight.work:
                wanted.append((flight, report))
        if not wanted:
            return
        self._note(wanted)
        with self._database.transaction() as connection:
            for flight, report in wanted:
                work = flight.work
                reached = {held.item_id for held, _ in report.outcomes}
                outcomes = list(report.outcomes)
                outcomes += [
                    (held, Outcome(ItemStatus.WAITING))
                    for held in flight.chunk.items
                    if held.item_id not in reached
                ]
                _count(work, outcomes)
                now = time.monotonic()
                claim = self._claims.commit(
                    work.attempt.claim,
                    within=connection,
                    tell=now >= work.next_tell,
                    files_processed=work.treated,
                    files_per_minute=int(60 * work.treated_here / max(now - work.started, 0.1)),
                    error=_so_far(work) or work.attempt.claim.job["error"],
                )
                if claim is None:  # void; whoever did that wakes us
                    continue
                if now >= work.next_tell:
                    work.next_tell = now + TELL_EVERY
                work.attempt.claim = claim
                items.settle(connection, outcomes)
                if report.failure:
                    failed[work] = report
        for work, report in failed.items():
            self._fail(work, report.failure, transient=report.transient)

    def _note(self, reports: Iterable[tuple[Flight, Report]]) -> None:
        """Write down who files were, before anything in the ledger lets them be delivered."""
        for flight, report in reports:
            work = flight.work
            work.pseudonyms |= self._aftercare.note([(work.attempt.claim.job, report.notes)])

    def _give(self) -> None:
        """Let the engine have as many chunks as keep it busy."""
        if time.monotonic() < self._back:
            return
        working = [work for work in self._open.values() if work.orders]
        if not any(work.waiting or work.suspects for work in working):
            return
        chunks: list[tuple[Work, Chunk]] = []
        alone = sum(flight.chunk.alone for flight in self._flying.values())
        free = 2 * self._engine.workers - (len(self._flying) - alone)
        suspect = next((work for work in working if work.suspects), None) if not alone else None
        if not suspect and (free <= 0 or not any(work.waiting for work in working)):
            return
        with self._database.transaction() as connection:
            if suspect and suspect.orders:
                suspect.suspects -= 1
                chunks.append((suspect, self._hold(connection, suspect, suspect.orders, True)))
            for _ in range(free):
                work = self._next(working)
                if work is None or work.orders is None:
                    break
                chunk = self._hold(connection, work, work.orders, False)
                work.waiting = work.waiting - len(chunk.items) if chunk.items else 0
                chunks.append((work, chunk))
        for work, chunk in chunks:
            if chunk.items:
                self._submit(work, chunk)

    def _next(self, working: Iterable[Work]) -> Work | None:
        """Whose turn it is: every other time the oldest job's, else the smallest one's."""
        waiting = [work for work in working if work.waiting]
        if not waiting:
            return None
        highest = max(work.priority for work in waiting)
        first = [work for work in waiting if work.priority == highest]
        self._is_oldests_turn = not self._is_oldests_turn
        if self._is_oldests_turn:
            return min(first, key=lambda work: work.job_id)
        return min(first, key=lambda work: (work.waiting, work.job_id))

    def _hold(
        self, connection: sqlite3.Connection, work: Work, orders: Orders, alone: bool
    ) -> Chunk:
        held: list[Held] = []
        if self._claims.is_current(work.attempt.claim, connection):
            held = items.hold(
                connection,
                work.job_id,
                self._claims.owner,
                most=work.chunk_items,
                most_bytes=CHUNK_BYTES,
                suspect=alone,
            )
        lacking = [work.pseudonyms.pop(one.item_id, None) for one in held]
        return Chunk(orders, tuple(held), alone, dict(filter(None, lacking)))

    def _submit(self, work: Work, chunk: Chunk) -> None:
        flight = Flight(work, chunk, _lease(chunk.items))
        work.flying += 1
        for _ in range(2):
            if time.monotonic() < self._back:
                break
            try:
                future = self._engine.submit(chunk)
            except Exception as error:
                loss = self._engine.judge(error)
                if loss is Loss.UNFIT:
                    raise
                log.warning("event=submit why=%s", loss.name.lower())
                if loss is Loss.CONNECTION:
                    self._wait_for_workers()
                self._record(self._renew(chunk.alone))  # it broke while idle
            else:
                self._flying[future] = flight
                future.add_done_callback(self._mailbox.put)
                return
        self._record([(flight, _loss(chunk, counts=False))])

    def _wait_for_workers(self) -> None:
        self._away += 1
        self._back = time.monotonic() + min(AWAY_LONGEST, 2.0 ** (self._away - 1))


def _loss(chunk: Chunk, *, counts: bool) -> Report:
    """What becomes of the items of a lost chunk: they wait again, or are given up as deadly."""
    outcomes = []
    for held in chunk.items:
        begun = chunk.orders.parts / f"{held.part}{BEGUN}"
        losses = held.losses + (counts and (not chunk.alone or begun.exists()))
        outcome = Outcome(ItemStatus.WAITING)
        if losses >= DEADLY:
            outcome = Outcome(ItemStatus.QUARANTINED, "stopped", KILLED)
        outcomes.append((replace(held, losses=losses), outcome))
    return Report(tuple(outcomes))


def _count(work: Work, outcomes: Iterable[tuple[Held, Outcome]]) -> None:
    for held, outcome in outcomes:
        if outcome.status is ItemStatus.WAITING:
            work.suspects += held.losses > 0
            work.waiting += held.losses == 0
            continue
        work.treated_here += 1
        if outcome.status is ItemStatus.READY:
            work.treated += 1
        else:
            work.left_out[outcome.reason] += 1


def _lease(held: Iterable[Held]) -> float:
    size = sum(one.size for one in held)
    return time.monotonic() + LEASE + LEASE_OF_MB * size / (1 << 20)


def _so_far(work: Work) -> str | None:
    if not work.left_out:
        return None
    return f"{work.left_out.total()} files were left out so far: {account(work.left_out)}"


def _name(work: Work) -> str:
    return f"job={work.job_id} attempt={work.attempt.claim.attempt}"
