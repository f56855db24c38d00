"""Looking at jobs and changing them, many at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anontui.errors import (
    AnonTUIError,
    CredentialsRefused,
    NotAWebAPI,
    ServerUnreachable,
)
from anontui.events import Events, Progress, Result

if TYPE_CHECKING:
    from anontui.idis.client import Client
    from anontui.idis.model import Job


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


def wait(client: Client, ids: Sequence[int], *, interval: float = 0.5) -> Events[dict[int, Job]]:
    """Ask every ``interval`` seconds until no job is at work any more.

    Jobs that the server does not know are not waited for.

    Raises
    ------
    ServerError
        If the server cannot be asked.
    """
    while True:
        found = status(client, ids)
        final = sum(job.status.is_final for job in found.values())
        files = sum(job.files_processed or 0 for job in found.values())
        yield Progress(final, len(ids), "jobs", f"{files} files de-identified")
        if final == len(found):
            yield Result(found)
            return
        end = time.monotonic() + interval
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
            yield Progress(final, len(ids), "jobs", f"{files} files de-identified")


def _each(action: Callable[[int], Job], ids: Sequence[int]) -> Events[ActionResult]:
    """Do ``action`` for each job; one bad id never keeps the others from it.

    A server that cannot be reached at all ends it: the rest would only wait in vain.
    """
    done: list[int] = []
    failed: dict[int, str] = {}
    for count, job_id in enumerate(ids):
        yield Progress(count, len(ids), "jobs")
        try:
            action(job_id)
        except (ServerUnreachable, CredentialsRefused, NotAWebAPI) as error:
            failed |= dict.fromkeys(ids[count:], error.sentence())
            break
        except AnonTUIError as error:
            failed[job_id] = error.sentence()
        else:
            done.append(job_id)
    yield Result(ActionResult(tuple(done), failed))
