"""The ledger: legal transitions only, whatever happens at once."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from anontui.errors import CallRefused, CannotStart
from anontui.idis.model import JobStatus
from anontui.server.database import MIGRATIONS, Database
from anontui.server.store import TRANSITIONS, Claim, Store
from anontui.server.users import Users

FIELDS = {
    "source_type": "PATH",
    "source_path": r"\\server\share\in",
    "destination_type": "PATH",
    "destination_path": r"\\server\share\out",
    "project_name": "P",
    "source_anonymizedpatientid": "P-1",
    "source_anonymizedpatientname": "P-1",
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "jobs.sqlite")) as database:
        yield database


@pytest.fixture
def store(database: Database) -> Store:
    Users(database).add("alice")
    return Store(database)


def _claim(store: Store, status: JobStatus = JobStatus.ACTIVE) -> Claim:
    """A new job that an attempt brought to ``status``."""
    store.create("alice", FIELDS)
    claim = store.next_waiting()
    assert claim is not None
    steps = {
        JobStatus.ACTIVE: [],
        JobStatus.UPLOADED: [JobStatus.UPLOADED],
        JobStatus.DONE: [JobStatus.UPLOADED, JobStatus.DONE],
        JobStatus.ERROR: [JobStatus.ERROR],
    }
    for step in steps[status]:
        claim = store.commit(claim, step, downloaded=2)
        assert claim is not None
    return claim


def test_a_job_goes_its_way(store: Store) -> None:
    claim = _claim(store, JobStatus.DONE)
    row = store.job(claim.job_id)
    assert row is not None
    assert (row["status"], row["files_downloaded"], row["attempt"]) == ("DONE", 2, 1)
    assert store.next_waiting() is None


@pytest.mark.parametrize("to", JobStatus)
@pytest.mark.parametrize(
    "status", [JobStatus.ACTIVE, JobStatus.UPLOADED, JobStatus.DONE, JobStatus.ERROR]
)
def test_only_transitions_of_the_table_exist(
    store: Store, status: JobStatus, to: JobStatus
) -> None:
    claim = _claim(store, status)
    if status is to or status in TRANSITIONS[to]:
        assert store.commit(claim, to) is not None
    else:
        with pytest.raises(ValueError, match=f"from {status} to {to}"):
            store.commit(claim, to)


@pytest.mark.parametrize("status", [JobStatus.ACTIVE, JobStatus.UPLOADED])
@pytest.mark.parametrize("voiding", [JobStatus.ACTIVE, JobStatus.INACTIVE, None])
def test_a_reset_cancelled_or_redefined_job_voids_its_attempt(
    store: Store, voiding: JobStatus | None, status: JobStatus
) -> None:
    claim = _claim(store, status)
    changes = {} if voiding else {"source_anonymizedpatientid": "P-2"}
    store.modify(claim.job_id, changes, voiding)
    before = store.job(claim.job_id)
    assert not store.is_current(claim)
    assert store.commit(claim, processed=2) is None
    assert store.commit(claim, JobStatus.ERROR, error="late") is None
    assert store.job(claim.job_id) == before
    assert before is not None
    assert before["status"] == (voiding or JobStatus.ACTIVE)


def test_a_claim_that_was_moved_on_cannot_be_used_again(store: Store) -> None:
    claim = _claim(store)
    assert store.commit(claim, JobStatus.UPLOADED) is not None
    assert store.commit(claim, JobStatus.ERROR, error="late") is None
    assert store.commit(claim, downloaded=9) is None


def test_a_remark_voids_nothing(store: Store) -> None:
    claim = _claim(store, JobStatus.UPLOADED)
    store.modify(claim.job_id, {"description": "x", "priority": 1})
    assert store.commit(claim, JobStatus.DONE) is not None


def test_a_reset_starts_afresh_and_a_cancellation_keeps_what_is_known(store: Store) -> None:
    claim = _claim(store, JobStatus.ERROR)
    cancelled = store.modify(claim.job_id, {}, JobStatus.INACTIVE)
    assert (cancelled["status"], cancelled["files_downloaded"]) == ("INACTIVE", 2)
    reset = store.modify(claim.job_id, {}, JobStatus.ACTIVE)
    assert (reset["status"], reset["files_downloaded"], reset["error"]) == ("ACTIVE", 0, " ")


def test_the_turn_is_by_priority_then_by_age(store: Store) -> None:
    for priority in (5, 20, 10, 20):
        store.create("alice", FIELDS | {"priority": priority})
    order = []
    while claim := store.next_waiting():
        order.append(claim.job_id)
        store.modify(claim.job_id, {}, JobStatus.INACTIVE)
    assert order == [2, 4, 3, 1]


def test_what_was_interrupted_waits_again(store: Store) -> None:
    uploaded, done = _claim(store, JobStatus.UPLOADED), _claim(store, JobStatus.DONE)
    collecting = _claim(store)
    store.commit(uploaded, part_folder="/somewhere")
    store.commit(collecting, downloaded=7)
    assert [row["job_id"] for row in store.interrupted()] == [uploaded.job_id]
    rows = store.jobs([uploaded.job_id, done.job_id, collecting.job_id])
    assert [(row["status"], row["files_downloaded"]) for row in rows] == [
        ("ACTIVE", 0),
        ("DONE", 2),
        ("ACTIVE", 0),
    ]
    assert store.commit(uploaded, JobStatus.DONE) is None
    store.forget_parts(uploaded.job_id)
    assert store.interrupted() == []


def test_racing_threads_leave_legal_histories_only(
    tmp_path: Path, store: Store, database: Database
) -> None:
    """Every change of status is written down by the database itself, and then looked at."""
    with database.transaction() as connection:
        connection.execute("CREATE TABLE history (old TEXT, new TEXT, before INT, after INT)")
        connection.execute(
            "CREATE TRIGGER watch AFTER UPDATE OF status ON jobs BEGIN INSERT INTO history"
            " VALUES (old.status, new.status, old.attempt, new.attempt); END"
        )
    store.create("alice", FIELDS)
    won: Counter[tuple[int, str]] = Counter()
    start = threading.Barrier(50)

    def client(to: JobStatus) -> None:
        start.wait()
        for _ in range(5):
            store.modify(1, {}, to)

    def runner() -> None:
        start.wait()
        for _ in range(10):
            claim = store.next_waiting()
            for step in (JobStatus.UPLOADED, JobStatus.DONE):
                claim = claim and store.commit(claim, step)
            if claim:
                won[claim.attempt, claim.status] += 1

    targets = [JobStatus.ACTIVE] * 20 + [JobStatus.INACTIVE] * 10
    threads = [threading.Thread(target=client, args=(to,)) for to in targets]
    threads += [threading.Thread(target=runner) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history = database.rows("SELECT * FROM history")
    assert len(history) >= 150
    for row in history:
        old, new = JobStatus(str(row["old"])), JobStatus(str(row["new"]))
        assert old in TRANSITIONS[new]
        by_client = new in (JobStatus.ACTIVE, JobStatus.INACTIVE)
        assert (row["after"] != row["before"]) == by_client
    assert all(count == 1 for count in won.values()), "an attempt was done twice"


def test_an_unknown_job_is_refused(store: Store) -> None:
    assert store.job(7) is None
    with pytest.raises(CallRefused, match="Job with id 7 does not exist"):
        store.modify(7, {}, JobStatus.INACTIVE)


def test_nothing_unpseudonymised_or_unowned_can_be_stored(store: Store) -> None:
    for changes in ({"source_anonymizedpatientid": ""}, {"source_type": "FTP"}):
        with pytest.raises(sqlite3.IntegrityError):
            store.create("alice", FIELDS | changes)
    with pytest.raises(sqlite3.IntegrityError):
        store.create("nobody", FIELDS)
    assert store.newest() == []


def test_the_file_is_its_owners_durable_and_survives(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(Database(path)) as database:
        Users(database).add("alice")
        Store(database).create("alice", FIELDS)
        for name in ("jobs.sqlite", "jobs.sqlite-wal"):
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        pragmas = {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "user_version": len(MIGRATIONS),
        }
        for name, value in pragmas.items():
            assert database.rows(f"PRAGMA {name}") == [{name: value}]
    with closing(Database(path)) as database:
        assert len(Store(database).newest()) == 1


def test_a_transaction_is_whole_or_not_at_all(store: Store, database: Database) -> None:
    with suppress(RuntimeError), database.transaction() as connection:
        connection.execute("DELETE FROM tokens")
        raise RuntimeError
    assert Users(database).all()[0].tokens == 1


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"x" * 99]
)
def test_a_damaged_ledger_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "jobs.sqlite").write_bytes(content)
    with pytest.raises(CannotStart, match="cannot be used as the ledger"):
        Database(tmp_path / "jobs.sqlite")
    assert (tmp_path / "jobs.sqlite").read_bytes() == content


def test_a_newer_ledger_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(CannotStart, match="newer version"):
        Database(tmp_path / "jobs.sqlite")
