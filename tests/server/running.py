"""Jobs in a ledger, and what runs them, without the web API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anontui.idis.model import JobStatus
from anontui.server.aftercare import Aftercare
from anontui.server.database import Row
from anontui.server.deliver import PART_PREFIX
from anontui.server.engine import Engine
from anontui.server.projects import Projects
from anontui.server.review import Review
from anontui.server.runner import Runner
from anontui.server.store import Store
from tests.server.conftest import Ledger
from tests.server.support import files_below, path_job, wait_until


def fields(source: str = "in", destination: str = "out", **more: Any) -> dict[str, Any]:
    """What a job over folders of the share is in the ledger."""
    job = path_job(source, destination)
    for name in ("anonymizedpatientid", "anonymizedpatientname"):
        job[f"source_{name}"] = job.pop(name)
    return job | more


def create(store: Store, source: str = "in", destination: str = "out", **more: Any) -> int:
    return int(store.create("alice", fields(source, destination, **more))["job_id"] or 0)


def job_of(store: Store, job_id: int) -> Row:
    row = store.job(job_id)
    assert row is not None
    return row


def status_of(store: Store, job_id: int) -> JobStatus:
    return JobStatus(str(job_of(store, job_id)["status"]))


def ended(store: Store, job_id: int, *, seconds: float = 60) -> Row:
    """The job, once the server has done with it."""
    wait_until(lambda: status_of(store, job_id).is_final, seconds=seconds)
    return job_of(store, job_id)


@contextmanager
def running(ledger: Ledger, engine: Engine) -> Iterator[Runner]:
    """Have the ledger's jobs done."""
    folder = ledger.folder
    projects = Projects(folder.projects, folder.config, folder.path)
    with Review.of(folder, ledger.database) as review:
        aftercare = Aftercare(review, projects)
        runner = Runner(ledger.database, projects, folder.key(), engine, aftercare)
        ledger.store.on_change = runner.wake
        runner.start()
        try:
            yield runner
        finally:
            runner.stop()


def words(folder: Path, *texts: str) -> None:
    """Write files for :func:`tests.server.workers.obedient`, which number them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts, start=1):
        word, _, content = text.partition(" ")
        (folder / f"f{number:05}").write_text(f"{word} {number} {content}".strip())


def delivered(share: Path, name: str = "out") -> list[Path]:
    return [path for path in files_below(share / name) if path.is_file()]


def statuses(store: Store, job_id: int) -> list[str]:
    return [str(row["status"]) for row in store.items(job_id, limit=100_000)]


def told(store: Store, job_id: int) -> list[tuple[str, str]]:
    """Who did what to a job."""
    return [(str(row["who"]), str(row["what"])) for row in store.audit(job_id=job_id, limit=9999)]


def history(store: Store, job_id: int) -> list[str]:
    """The statuses that a job had, as the audit has them."""
    found: list[str] = []
    for row in store.audit(job_id=job_id, limit=9999):
        status = json.loads(str(row["details"])).get("status")
        if status and found[-1:] != [status]:
            found.append(status)
    return found


def assert_tidy(share: Path) -> None:
    """Nothing of a job is left but what it delivered."""
    wait_until(lambda: not list(share.rglob(".*")), seconds=10)
    assert not [path for path in share.rglob("*") if PART_PREFIX in path.name]
