"""A Dask cluster does the same work, and may die like any engine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from anontui.idis.model import JobStatus
from anontui.server import dispatch as dispatch_module
from anontui.server.cluster import Cluster
from anontui.server.engine import Processes
from anontui.server.items import KILLED
from tests.server import workers
from tests.server.conftest import Ledger
from tests.server.running import (
    assert_tidy,
    create,
    delivered,
    ended,
    job_of,
    running,
    status_of,
    statuses,
    words,
)
from tests.server.support import wait_until, write_dicom


class Dask:
    """A scheduler and its workers, each a process of its own."""

    def __init__(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._folder = tmp_path
        self._env = os.environ | {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
        }
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self, count: int = 2, *more: str) -> None:
        """Start a scheduler on the address, and workers."""
        port = ("--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")
        self.scheduler = self._run("scheduler", *port)
        for _ in range(count):
            self.add_worker(*more)

    def add_worker(self, *more: str) -> None:
        folder = ("--local-directory", str(self._folder / "dask"))
        common = (self.address, "--nthreads", "1", "--no-dashboard", *folder, *more)
        self.workers.append(self._run("worker", *common))

    def stop(self) -> None:
        for process in [*self.workers, self.scheduler]:
            if process is not None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.workers.clear()

    def _run(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self._folder / "dask.log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                env=self._env,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a nanny's child goes with it
            )


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    dask = Dask(tmp_path)
    yield dask
    dask.stop()


def _contents(share: Path, name: str) -> dict[str, bytes]:
    return {str(p.relative_to(share / name)): p.read_bytes() for p in delivered(share, name)}


def test_it_gives_the_same_bytes_as_processes_and_its_logs_tell_nothing(
    ledger: Ledger, dask: Dask, share: Path
) -> None:
    for number in range(3):
        write_dicom(share / f"Jansen-{number}", 40, name="Jansen^Invented")
    (share / "Jansen-0" / "no.txt").write_text("no DICOM")
    dask.start(2, "--no-nanny")
    for engine, out in ((Processes(2), "pool"), (Cluster(dask.address), "cluster")):
        with running(ledger, engine):
            ids = [create(ledger.store, f"Jansen-{number}", out) for number in range(3)]
            jobs = [ended(ledger.store, job_id) for job_id in ids]
        assert [job["status"] for job in jobs] == ["DONE"] * 3
        assert [job["files_processed"] for job in jobs] == [40] * 3
    assert len(delivered(share, "pool")) == 120
    assert _contents(share, "pool") == _contents(share, "cluster")
    assert_tidy(share)
    log = (dask._folder / "dask.log").read_bytes()
    assert b"Jansen" not in log
    assert ledger.folder.key().hex().encode() not in log


def test_a_killed_worker_loses_nothing(ledger: Ledger, dask: Dask, share: Path) -> None:
    words(share / "in", *["slow"] * 200)
    dask.start(2, "--no-nanny")
    with running(ledger, Cluster(dask.address, workers.obedient)):
        job_id = create(ledger.store)
        wait_until(lambda: int(job_of(ledger.store, job_id)["files_processed"] or 0) >= 25)
        dask.workers[0].kill()
        job = ended(ledger.store, job_id)
    assert (job["status"], job["files_processed"], job["error"]) == ("DONE", 200, None)
    assert len(delivered(share)) == 200
    assert_tidy(share)


def test_a_killed_scheduler_loses_nothing(ledger: Ledger, dask: Dask, share: Path) -> None:
    """Its workers leave with it; whoever supervises them starts them again."""
    words(share / "in", *["slow"] * 200)
    dask.start(2, "--no-nanny", "--death-timeout", "2")
    with running(ledger, Cluster(dask.address, workers.obedient)):
        job_id = create(ledger.store)
        wait_until(lambda: int(job_of(ledger.store, job_id)["files_processed"] or 0) >= 25)
        dask.stop()
        wait_until(lambda: "running" not in statuses(ledger.store, job_id), seconds=30)
        assert status_of(ledger.store, job_id) is JobStatus.UPLOADED
        dask.start(2, "--no-nanny")
        job = ended(ledger.store, job_id)
    assert (job["status"], job["files_processed"], job["error"]) == ("DONE", 200, None)
    assert statuses(ledger.store, job_id) == ["done"] * 200
    assert len(delivered(share)) == 200
    assert_tidy(share)


def test_a_deadly_file_is_found_on_a_cluster_too(
    ledger: Ledger, dask: Dask, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workers have nannies, which start them again; some futures never resolve."""
    monkeypatch.setattr(dispatch_module, "LEASE", 5.0)
    words(share / "in", *["copy"] * 20, "die", *["copy"] * 19)
    dask.start(1)
    with running(ledger, Cluster(dask.address, workers.obedient)):
        job = ended(ledger.store, create(ledger.store))
    assert (job["status"], job["files_processed"]) == ("DONE", 39)
    assert f"{KILLED} (1)" in str(job["error"])


def test_a_cluster_that_is_away_is_waited_for(
    ledger: Ledger, dask: Dask, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch_module, "AWAY_LONGEST", 1.0)
    words(share / "in", "copy")
    with running(ledger, Cluster(dask.address, workers.obedient)) as runner:
        job_id = create(ledger.store)
        wait_until(lambda: runner._dispatch._away > 1)
        assert status_of(ledger.store, job_id) is JobStatus.UPLOADED
        cancelled = create(ledger.store)
        ledger.store.modify(cancelled, {}, JobStatus.INACTIVE)
        dask.start(1, "--no-nanny")
        assert ended(ledger.store, job_id)["status"] == "DONE"
        assert status_of(ledger.store, cancelled) is JobStatus.INACTIVE
