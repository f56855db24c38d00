"""Which chunk the engine gets next, and what comes of it.

Every other chunk is of the oldest job, the others are of the one with the least left to do,
always of the highest priority: so a small job does not wait for a large one, and none waits
for ever. A chunk that is lost is given out again; nothing depends on a future.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field, replace

from anontui.deid.pseudonym import Pseudonym
from anontui.server import items
from anontui.server.aftercare import Aftercare
from anontui.server.attempt import Attempt
from anontui.server.claims import Claims
from anontui.server.engine import Engine, Loss
from anontui.server.hold import TELL_EVERY, account
from anontui.server.items import DEADLY, KILLED, Held, ItemStatus, Outcome
from anontui.server.worker import BEGUN, Chunk, Orders, Report

CHUNK_ITEMS = 25
CHUNK_BYTES = 16 << 20  # so that a chunk takes less than a second
LEASE = 300.0  # seconds after which a chunk is taken for lost; and for each MB of it:
LEASE_OF_MB = 1.0
GRACE = 30.0  # seconds that a chunk gets which nobody wants any more
AWAY_LONGEST = 60.0  # seconds between two tries to reach workers

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Work:
    """A job under way. What is here can be read from the ledger again."""

    attempt: Attempt
    priority: int
    is_open: bool = True
    orders: Orders | None = None  # while the engine is to work on it
    waiting: int = 0
    suspects: int = 0  # of those that wait, for a worker of their own
    flying: int = 0  # chunks
    treated: int = 0
    treated_here: int = 0
    share: int = CHUNK_ITEMS  # items of a chunk, so that each worker gets some
    left_out: Counter[str] = field(default_factory=Counter)
    pseudonyms: dict[int, tuple[str, Pseudonym]] = field(default_factory=dict)  # by item
    started: float = field(default_factory=time.monotonic)
    next_tell: float = 0.0

    @property
    def job_id(self) -> int:
        """Which job."""
        return self.attempt.claim.job_id

    @property
    def needs_archive(self) -> bool:
        """Whether it comes from or goes to an archive."""
        return bool(self.attempt.claim.job["needs_archive"])

    @property
    def name(self) -> str:
        """What the log calls it."""
        return f"job={self.job_id} attempt={self.attempt.claim.attempt}"


@dataclass(eq=False)
class Flight:
    """A chunk that the engine has, until its lease ends."""

    work: Work
    chunk: Chunk
    lease: float  # monotonic time


class Dispatch:
    """Gives chunks of jobs to an engine, each with a lease; used by one thread.

    Parameters
    ----------
    claims
        The ledger.
    engine
        What de-identifies.
    aftercare
        Notes identities.
    landed
        Called, in any thread, when a future is done that :meth:`land` should see.
    """

    def __init__(
        self,
        claims: Claims,
        engine: Engine,
        aftercare: Aftercare,
        landed: Callable[[Future[Report]], None],
    ) -> None:
        self.failed: dict[Work, Report] = {}
        """Jobs that cannot go on, until somebody takes them out."""
        self._claims = claims
        self._engine = engine
        self._aftercare = aftercare
        self._landed = landed
        self._flying: dict[Future[Report], Flight] = {}
        self._is_oldests_turn = True
        self._away = 0  # how often in a row the workers were out of reach
        self._back = 0.0  # monotonic time of the next try
        self._is_held_up = False  # until then

    @property
    def is_busy(self) -> bool:
        """True while the engine has a chunk."""
        return bool(self._flying)

    def deadlines(self) -> list[float]:
        """The monotonic times at which there is something to do."""
        leases = [flight.lease for flight in self._flying.values()]
        return [*leases, self._back] if self._is_held_up else leases

    def drop(self, work: Work) -> None:
        """Stop working on a job; what its chunks still report is refused."""
        work.is_open = False
        end = time.monotonic() + GRACE
        for future, flight in list(self._flying.items()):
            if flight.work is work:
                flight.lease = min(flight.lease, end)
                future.cancel()

    def land(self, futures: Iterable[Future[Report]]) -> None:
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
            elif not flight.work.is_open:
                continue
            else:
                reports += self._lost(flight, error)
        self._record(reports)

    def _lost(self, flight: Flight, error: BaseException) -> list[tuple[Flight, Report]]:
        loss = self._engine.judge(error)
        log.warning("%s event=lost why=%s", flight.work.name, loss.name.lower())
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

    def expire(self) -> None:
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
        wanted = []
        for flight, report in reports:
            flight.work.flying -= 1
            if flight.work.is_open:
                wanted.append((flight, report))
        if not wanted:
            return
        self._note(wanted)
        with self._claims.database.transaction() as connection:
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
                rate = int(60 * work.treated_here / max(now - work.started, 0.1))
                claim = self._claims.commit(
                    work.attempt.claim,
                    within=connection,
                    tell=now >= work.next_tell,
                    files_processed=work.treated,
                    files_per_minute=rate,
                    seconds_left=60 * (work.waiting + work.suspects) // rate if rate else None,
                    error=_so_far(work) or work.attempt.claim.job["error"],
                )
                if claim is None:  # void; whoever did that wakes us
                    continue
                if now >= work.next_tell:
                    work.next_tell = now + TELL_EVERY
                work.attempt.claim = claim
                items.settle(connection, outcomes)
                if report.failure:
                    self.failed[work] = report

    def _note(self, reports: Iterable[tuple[Flight, Report]]) -> None:
        """Write down who files were, before anything in the ledger lets them be delivered."""
        for flight, report in reports:
            work = flight.work
            work.pseudonyms |= self._aftercare.note([(work.attempt.claim.job, report.notes)])

    def give(self, works: Iterable[Work]) -> None:
        """Let the engine have as many chunks of jobs as keep it busy."""
        working = [work for work in works if work.orders and (work.waiting or work.suspects)]
        self._is_held_up = bool(working) and time.monotonic() < self._back
        if not working or self._is_held_up:
            return
        chunks: list[tuple[Work, Chunk]] = []
        alone = sum(flight.chunk.alone for flight in self._flying.values())
        free = 2 * self._engine.workers - (len(self._flying) - alone)
        suspect = next((work for work in working if work.suspects), None) if not alone else None
        if not suspect and (free <= 0 or not any(work.waiting for work in working)):
            return
        with self._claims.database.transaction() as connection:
            if suspect and suspect.orders:
                suspect.suspects -= 1
                chunks.append(
                    (suspect, self._hold(connection, suspect, suspect.orders, alone=True))
                )
            for _ in range(free):
                work = self._next(working)
                if work is None or work.orders is None:
                    break
                # workers share a small job, unless they have others
                most = work.share if len(working) == 1 else CHUNK_ITEMS
                chunk = self._hold(connection, work, work.orders, most)
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
        self,
        connection: sqlite3.Connection,
        work: Work,
        orders: Orders,
        most: int = 1,
        *,
        alone: bool = False,
    ) -> Chunk:
        held: list[Held] = []
        if self._claims.is_current(work.attempt.claim, connection):
            held = items.hold(
                connection,
                work.job_id,
                self._claims.owner,
                most=most,
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
                future.add_done_callback(self._landed)
                return
        self._record([(flight, _loss(chunk, counts=False))])

    def _wait_for_workers(self) -> None:
        self._away += 1
        self._is_held_up = True
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
