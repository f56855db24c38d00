"""Sending the requests of a plan, and what becomes of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from anontui.errors import (
    AnonTUIError,
    CallRefused,
    CredentialsRefused,
    ServerError,
    ServerUnreachable,
)
from anontui.events import Progress
from anontui.operations.calls import AT_ONCE, Calls, Outcome

if TYPE_CHECKING:
    from anontui.idis.client import Client
    from anontui.idis.model import Job, JobRequest
    from anontui.operations.ledger import Ledger

TICK = 0.1
"""Seconds between two reports, at most."""
FEW = 10
"""Up to so many are sent one after the other, so that their ids come in the rows' order."""


def send(
    ledger: Ledger, client: Client, wanted: Mapping[str, JobRequest], made: dict[str, int]
) -> Iterator[Progress]:
    """Send the requests, by their fingerprints, and put the jobs that they become into ``made``.

    Raises
    ------
    ServerError
        After the first failure, when the answers that were under way have come.
    ProjectError
        If the record cannot be written.
    """
    sending = _Sending(ledger, made)
    sending.add(ledger.found)
    waiting = deque(print_ for print_ in wanted if print_ not in made)
    most = 1 if len(waiting) <= FEW else AT_ONCE
    calls: Calls[str, Job] = Calls(lambda print_: client.create(wanted[print_]), most)
    with calls:
        try:
            while waiting or calls.under_way:
                while waiting and not (sending.must_stop or calls.is_full):
                    ledger.sending(waiting[0])
                    calls.start(waiting.popleft())
                yield Progress(len(made), len(wanted), "jobs")
                sending.take(calls.finished(TICK))
                if sending.must_stop and not calls.under_way:
                    sending.find_lost()
                    sending.raise_failure(len(wanted))
        finally:  # also if the user ends it: what was sent is not lost from sight
            while calls.under_way:
                sending.take(calls.finished(TICK))
    yield Progress(len(made), len(wanted), "jobs")


class _Sending:
    """What became of the requests so far."""

    def __init__(self, ledger: Ledger, made: dict[str, int]) -> None:
        self._ledger, self._made = ledger, made
        self._lost: dict[str, ServerUnreachable] = {}  # sent, but no answer came
        self._failure: AnonTUIError | None = None

    @property
    def must_stop(self) -> bool:
        """True if nothing more may be sent for now."""
        return bool(self._failure or self._lost)

    def add(self, jobs: Mapping[str, int]) -> None:
        """Write down jobs that exist."""
        if jobs:
            self._ledger.add(jobs)
            self._made.update(jobs)

    def take(self, outcomes: list[Outcome[str, Job]]) -> None:
        """Write down what came of calls."""
        self.add({one.given: one.result().job_id for one in outcomes if one.error is None})
        for one in outcomes:
            match one.error:
                case None:
                    pass
                case ServerUnreachable(may_have_arrived=True) as error:
                    self._lost[one.given] = error
                case AnonTUIError() as error:
                    if self._failure is None:
                        self._failure = error
                    if _is_certain(error):
                        self._ledger.not_created(one.given)
                case error:
                    raise error  # a mistake of our own

    def find_lost(self) -> None:
        """Look on the server for the jobs whose answers were lost."""
        if not self._lost:
            return
        try:
            found = self._ledger.look_for(self._lost)
        except ServerError:
            found = {}  # then the next time
        self.add(found)
        missing = [error for print_, error in self._lost.items() if print_ not in found]
        self._lost.clear()
        if missing and self._failure is None:
            self._failure = missing[0]

    def raise_failure(self, total: int) -> None:
        """Raise the first failure, if there was one, with how far it went."""
        error = self._failure
        if error is None:
            return
        advice = "Create again to go on: only the rest is sent."
        raise ServerError(
            f"{len(self._made)} of {total} jobs were created, then it stopped: {error.message}",
            cause=error.cause,
            advice=f"{error.advice} {advice}".strip(),
        ) from error


def _is_certain(error: AnonTUIError) -> bool:
    """True if an error tells that no job was made."""
    if isinstance(error, ServerUnreachable):
        return not error.may_have_arrived
    return isinstance(error, CallRefused | CredentialsRefused) or not isinstance(error, ServerError)
