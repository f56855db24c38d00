"""One attempt's hold on its job in the ledger: what it commits counts while nobody voids it."""

from __future__ import annotations

import errno
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from anontui.idis.model import JobStatus
from anontui.server import items
from anontui.server.claims import Claim, Claims
from anontui.server.database import Value
from anontui.server.deliver import CONFLICT, Placed
from anontui.server.items import Held, ItemStatus, Outcome

LOOK_EVERY = 0.2  # seconds between two looks at the ledger
TELL_EVERY = 1.0  # seconds between two rows of the audit about progress
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


class Hold:
    """The hold; used by one thread at a time.

    Parameters
    ----------
    claims, claim
        The ledger, and the attempt in it.
    stopping
        Set when the server stops.
    """

    def __init__(self, claims: Claims, claim: Claim, stopping: threading.Event) -> None:
        self.claim = claim
        self.database = claims.database
        self._claims = claims
        self._stopping = stopping
        self._next_look = 0.0
        self._next_tell = 0.0

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

    def check(self, connection: sqlite3.Connection) -> None:
        """Raise Voided if the attempt counts no more; in the open transaction it then does."""
        if not self._claims.is_current(self.claim, within=connection):
            raise Voided

    def is_time_to_tell(self) -> bool:
        """True if the last row of the audit about progress is long enough ago."""
        now = time.monotonic()
        if now < self._next_tell:
            return False
        self._next_tell = now + TELL_EVERY
        return True

    def ready(self, most: int = PLACED_AT_ONCE) -> list[Held]:
        """The results that are to be delivered."""
        with self.database.transaction() as connection:
            return items.ready(connection, self.claim.job_id, most=most)

    def settle(self, outcomes: Iterable[tuple[Held, Outcome]]) -> None:
        """Record what became of results; one that is delivered twice counts once."""
        outcomes = list(outcomes)
        if not outcomes:
            return
        with self.database.transaction() as connection:
            claim = self._claims.commit(self.claim, within=connection, tell=False)
            if claim is None:
                raise Voided
            targets = [held.target for held, _ in outcomes]
            there = items.delivered(connection, claim.job_id, targets)
            settled = []
            for held, outcome in outcomes:
                if outcome.status is ItemStatus.DONE:
                    if held.target in there:
                        outcome = Outcome(ItemStatus.REJECTED, "duplicate", DUPLICATE)
                    there.add(held.target)
                settled.append((held, outcome))
            items.settle(connection, settled, ItemStatus.READY)
        self.claim = claim


def outcome_of(held: Held, placed: Placed) -> Outcome:
    """What it means for an item how its result was placed."""
    if placed in (Placed.NEW, Placed.SAME):
        return Outcome(ItemStatus.DONE, target=held.target)
    if placed is Placed.CONFLICT:
        return Outcome(ItemStatus.QUARANTINED, "target_exists", CONFLICT)
    return Outcome(ItemStatus.WAITING)


def account(left_out: Counter[str]) -> str:
    """Tell reasons with their counts, the commonest first."""
    return ", ".join(f"{reason} ({count})" for reason, count in left_out.most_common(10))


@contextmanager
def told_as(what: str) -> Iterator[None]:
    """Make an operating system's error the job's; its text holds no path."""
    try:
        yield
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise JobFailed(f"{what}: {cause}", transient=error.errno not in _HOPELESS) from error
