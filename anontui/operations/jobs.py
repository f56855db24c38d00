"""Looking at jobs and changing them, many at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anontui.errors import (
    AnonTUIError,
    CredentialsRefused,
    NotAWebAPI,
    ServerUnreachable,
    UsageError,
)
from anontui.events import Events, Progress, Result, Warning  # noqa: A004 - the word of the field
from anontui.operations.calls import Calls

if TYPE_CHECKING:
    from anontui.idis.client import Client
    from anontui.idis.model import Job


NOT_FOUND = "NOT_FOUND"
"""What is shown as the status of a job that the server does not know."""
TICK = 0.1
"""Seconds between two reports."""
LONGEST = 30.0
"""Seconds between two questions to a server that is silent, at most."""


@dataclass(frozen=True)
class ActionResult:
    """What became of each job: done, or the reason why not."""

    done: tuple[int, ...]
    failed: dict[int, str]


def status(client: Client, ids: Iterable[int]) -> dict[int, Job]:
    """The jobs with these ids, all fields; ids that the server does not know are absent."""
    return client.jobs_by_id(list(ids), extended=True)


def reset(client: Client, ids: Sequence[int]) -> Events[ActionResult]:
    """Have jobs processed again, from the start."""
    return _each(client.reset, ids)


def cancel(client: Client, ids: Sequence[int]) -> Events[ActionResult]:
    """Make jobs inactive."""
    return _each(client.cancel, ids)


def ignore_opt_out(client: Client, ids: Sequence[int], reason: str) -> Events[ActionResult]:
    """Have jobs use the data of patients who opted out; the server keeps the reason.

    Raises
    ------
    UsageError
        If there is no reason.
    """
    check_reason(reason)
    return _each(lambda job_id: client.ignore_opt_out(job_id, reason.strip()), ids)


def check_reason(reason: str) -> None:
    """Raise UsageError if there is no reason to ignore an opt-out."""
    if not reason.strip():
        raise UsageError(
            "The opt-out is ignored for a reason only", advice="Name the signed consent."
        )


def watch(
    client: Client, ids: Sequence[int], *, interval: float = 2.0
) -> Iterator[dict[int, Job] | Warning]:
    """Ask every ``interval`` seconds how jobs are, until none is at work any more.

    Jobs that the server does not know are not waited for. In between, the last answer is
    given again every 0.1 seconds. A server that falls silent is asked on, ever more seldom.

    Raises
    ------
    ServerError
        If the server cannot be asked the first time, or refuses to answer.
    """
    found = status(client, ids)
    silences = 0
    while not all(job.status.is_final for job in found.values()):
        end = time.monotonic() + min(interval * 2**silences, max(interval, LONGEST))
        yield found
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, TICK))
            yield found
        try:
            found, silences = status(client, ids), 0
        except ServerUnreachable as error:
            silences += 1
            if silences == 1:
                yield Warning(error.message, "It is asked again until it answers.")
    yield found


def wait(client: Client, ids: Sequence[int], *, interval: float = 0.5) -> Events[dict[int, Job]]:
    """Watch jobs until no job is at work any more; see :func:`watch`."""
    found: dict[int, Job] = {}
    for news in watch(client, ids, interval=interval):
        if isinstance(news, Warning):
            yield news
            continue
        found = news
        final = sum(job.status.is_final for job in found.values())
        files = sum(job.files_processed or 0 for job in found.values())
        yield Progress(final, len(ids), "jobs", f"{files} files de-identified")
    yield Result(found)


def _each(action: Callable[[int], Job], ids: Sequence[int]) -> Events[ActionResult]:
    """Do ``action`` for each job; one bad id never keeps the others from it.

    A server that cannot be reached at all ends it: the rest would only wait in vain.
    """
    done: set[int] = set()
    failed: dict[int, str] = {}
    waiting, given_up = deque(ids), ""
    calls: Calls[int, Job] = Calls(action)
    with calls:
        while waiting or calls.under_way:
            while waiting and not calls.is_full:
                calls.start(waiting.popleft())
            yield Progress(len(done) + len(failed), len(ids), "jobs")
            for outcome in calls.finished(TICK):
                match outcome.error:
                    case None:
                        done.add(outcome.given)
                    case AnonTUIError() as error:
                        failed[outcome.given] = error.sentence()
                        if isinstance(error, ServerUnreachable | CredentialsRefused | NotAWebAPI):
                            given_up = error.sentence()
                    case error:
                        raise error  # a mistake of our own
            if given_up:
                failed |= dict.fromkeys(waiting, given_up)
                waiting.clear()
    yield Result(
        ActionResult(tuple(i for i in ids if i in done), {i: failed[i] for i in ids if i in failed})
    )
