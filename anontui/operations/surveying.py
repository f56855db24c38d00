"""How each server stands: what it is, whether it answers, and how its newest jobs are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anontui.errors import AnonTUIError
from anontui.idis.model import JobStatus
from anontui.operations.servers import PROBE_TIMEOUT, ServerState, advice_for, connect

if TYPE_CHECKING:
    from anontui.settings import Server, Settings


@dataclass(frozen=True)
class Survey:
    """What a server told.

    Parameters
    ----------
    state
        Whether it answers, and in which time.
    software
        Its name and version, as it says; empty for an IDIS server, which says nothing.
    extensions
        What it can do beyond IDIS.
    jobs
        Its newest jobs, counted by status.
    problem
        Why the jobs are not told, if they are not.
    """

    state: ServerState
    software: str = ""
    extensions: tuple[str, ...] = ()
    jobs: Mapping[JobStatus, int] = field(default_factory=dict)
    problem: str = ""


def survey(settings: Settings, server: Server) -> Survey:
    """Ask a server what it is and how its newest jobs are; trouble is told, never raised."""
    try:
        with connect(settings, server, timeout=PROBE_TIMEOUT) as client:
            info = client.probe()
            state = ServerState(server.name, server.url, True, info.latency_ms)
            told = info.documentation
            extensions = told.get("extensions")
            software = " ".join(_word(told.get(name)) for name in ("server", "version")).strip()
            known = tuple(map(_word, extensions)) if isinstance(extensions, list) else ()
            try:
                jobs = Counter(job.status for job in client.jobs())
            except AnonTUIError as error:
                return Survey(state, software, known, {}, error.sentence())
            return Survey(state, software, known, jobs)
    except AnonTUIError as error:
        problem = f"{error.message} ({error.cause})" if error.cause else error.message
        advice = advice_for(settings, server, error)
        return Survey(ServerState(server.name, server.url, False, None, problem, advice))


def _word(value: object) -> str:
    return value[:60] if isinstance(value, str) else ""
