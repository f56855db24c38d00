"""A batch of 10,000 jobs on a real server, used in a real terminal while it changes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection

import pytest

from anontui.idis.client import Client
from anontui.idis.model import JobStatus
from anontui.server.claims import Claims
from anontui.server.database import Database
from anontui.server.folder import DataFolder
from anontui.server.store import Store
from anontui.server.users import Users
from tests import needs
from tests.end_to_end.lung import LONG, Lung, back_out, leave, lung
from tests.server.support import PROJECT, SHARE, write_dicom

pytestmark = needs.program("tmux")

JOBS, DONE, FAILED = 10_000, 9_000, 700
ALL = range(1, JOBS + 1)
CANCELLED = ALL[DONE + FAILED :]
SOON = 15.0
"""Seconds within which a key is answered, however busy the machine is."""


class AtOnce(Database):
    """The ledger, with all that is done in a transaction in this one."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        if self._connection.in_transaction:
            yield self._connection
            return
        with super().transaction() as connection:
            yield connection


def fill(data: Path) -> None:
    """Have the ledger's own code create the jobs and bring them where they are."""
    folder = DataFolder(data)
    folder.make()
    with closing(AtOnce(folder.ledger)) as database:
        Users(database).add("alice")
        store, claims = Store(database), Claims(database, "an earlier run")
        fields = {
            "project_name": PROJECT,
            "source_type": "PATH",
            "source_path": rf"folder:{SHARE}\in",
            "destination_type": "PATH",
            "destination_path": rf"{SHARE}\out",
        }
        with database.transaction():
            store.create_many("alice", [(None, fields | named(number)) for number in ALL])
            for number in ALL[: DONE + FAILED]:
                claim = claims.take()
                assert claim is not None
                assert claim.job_id == number
                if number <= DONE:
                    claim = claims.commit(claim, JobStatus.UPLOADED, files_downloaded=1)
                    assert claim is not None
                    claims.commit(claim, JobStatus.DONE, files_processed=1)
                else:
                    claims.commit(claim, JobStatus.ERROR, error="The source holds no files")
            for number in CANCELLED:
                store.modify(number, {}, JobStatus.INACTIVE, user="alice")


def named(number: int) -> dict[str, str]:
    pseudonym = f"LUNG-{number:05}"
    return {"source_anonymizedpatientid": pseudonym, "source_anonymizedpatientname": pseudonym}


class Others(threading.Thread):
    """Other people, who have some of the cancelled jobs done after all, every second."""

    def __init__(self, place: Lung) -> None:
        super().__init__()
        self.done: list[int] = []
        self._place = place
        self._left = list(CANCELLED)  # the newest first
        self._stopping = threading.Event()

    def run(self) -> None:
        """Reset two jobs a second."""
        while self._left and not self._stopping.wait(1.0):
            for _ in range(2):
                number = self._left.pop()
                status, _ = self._place.call("POST", "modify_job", job_id=number, status="ACTIVE")
                assert status == 200
                self.done.append(number)

    def stop(self) -> None:
        """Have no more jobs done."""
        self._stopping.set()
        self.join()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Lung]:
    """The server with its 10,000 jobs, all of which are the folder's batch."""
    fill(tmp_path / "server")
    with lung(tmp_path) as place:
        write_dicom(place.share / "in", 1)
        place.batch(ALL)
        yield place


@pytest.fixture
def others(place: Lung) -> Iterator[Others]:
    """What goes on while the app is open."""
    others = Others(place)
    yield others
    if others.is_alive():
        others.stop()


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24)])
def test_used_while_it_changes(place: Lung, others: Others, columns: int, rows: int) -> None:
    with place.app(columns=columns, rows=rows) as terminal:
        terminal.wait_for(rf"{DONE}/{JOBS} done  ✖ {FAILED} errors", LONG)
        others.start()
        terminal.press("4")
        terminal.wait_for(rf"4 Batch · {JOBS} jobs · \S+ 90 % · ✖ {FAILED} errors")

        # to its end, where jobs are done as one looks, and back
        terminal.press("G")
        terminal.wait_for(r"▌ +10000 ", SOON)
        terminal.wait_for(r" 10000 +✔ DONE", LONG)
        terminal.press("g")
        terminal.wait_for(r"▌ +1 +✔ DONE", SOON)
        terminal.press(":")
        terminal.type("5000")
        terminal.press("Enter")
        terminal.wait_for(r"▌ +5000 +✔ DONE", SOON)

        # those that failed, marked all at once; what would be reset is counted
        terminal.press("/")
        terminal.type("status:error")
        terminal.press("Enter")
        terminal.wait_for(rf"{JOBS} jobs · /status:error · {FAILED} shown", SOON)
        terminal.press("*")
        terminal.wait_for(rf"{FAILED} marked", SOON)
        terminal.press("r")
        terminal.wait_for(rf"Reset {FAILED} jobs on p01\?", SOON)
        back_out(terminal, r"Reset \d+ jobs")
        back_out(terminal, "marked")
        back_out(terminal, "status:error")

        # the newest first: the ends are the other way round
        terminal.press("S")
        terminal.wait_for(r"╭─ Columns ─", SOON)
        terminal.press("s", "s")
        terminal.wait_for(r"id +6 +▼ falling", SOON)
        back_out(terminal, "╭─ Columns ─")
        terminal.press("G")
        terminal.wait_for(r"▌ +1 +✔ DONE", SOON)
        terminal.press("g")
        terminal.wait_for(r" id ▼ [^\n]*\n[^\n]*▌[ •]+10000 +✔ DONE", SOON)

        others.stop()
        assert len(set(place.wait(others.done))) == 1
        done = DONE + len(others.done)
        terminal.wait_for(rf"{done}/{JOBS} done  ✖ {FAILED} errors", LONG)
        leave(terminal)
    with Client(place.call.url, place.call.user, place.call.token) as client:
        states = Counter(job.status for job in client.jobs_by_id(ALL).values())
    assert states == {
        JobStatus.DONE: done,
        JobStatus.ERROR: FAILED,
        JobStatus.INACTIVE: JOBS - done - FAILED,
    }
    assert place.audit("reset") == others.done  # and nothing by the app
