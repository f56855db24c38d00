"""The ledger of jobs: legal transitions only, whatever happens at once."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from anontui.errors import CallRefused, CannotStart
from anontui.idis.model import JobStatus
from anontui.server.claims import Claim, Claims
from anontui.server.database import MIGRATIONS, Database
from anontui.server.store import TRANSITIONS, Store
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


@pytest.fixture
def claims(database: Database) -> Claims:
    return Claims(database, "this-run")


def _claim(store: Store, claims: Claims, status: JobStatus = JobStatus.ACTIVE) -> Claim:
    """A new job that an attempt brought to ``status``."""
    store.create("alice", FIELDS)
    claim = claims.take()
    assert claim is not None
    steps = {
        JobStatus.ACTIVE: [],
        JobStatus.UPLOADED: [JobStatus.UPLOADED],
        JobStatus.DONE: [JobStatus.UPLOADED, JobStatus.DONE],
        JobStatus.ERROR: [JobStatus.ERROR],
    }
    for step in steps[status]:
        moved = claims.commit(claim, step, files_downloaded=2)
        assert moved is not None
        claim = moved
    return claim


def _what(store: Store, job_id: int = 1) -> list[str]:
    return [str(row["what"]) for row in store.audit(job_id=job_id)]


def test_a_job_goes_its_way_and_the_audit_tells(store: Store, claims: Claims) -> None:
    claim = _claim(store, claims, JobStatus.DONE)
    row = store.job(claim.job_id)
    assert row is not None
    assert (row["status"], row["files_downloaded"], row["attempt"]) == ("DONE", 2, 1)
    assert row["owner"] is None
    assert claims.take() is None
    assert _what(store) == ["created", "started", "uploaded", "done"]
    assert [row["who"] for row in store.audit()] == ["alice", "server", "server", "server"]


@pytest.mark.parametrize("to", JobStatus)
@pytest.mark.parametrize("status", [JobStatus.ACTIVE, JobStatus.UPLOADED])
def test_only_transitions_of_the_table_exist(
    store: Store, claims: Claims, status: JobStatus, to: JobStatus
) -> None:
    claim = _claim(store, claims, status)
    if status is to or status in TRANSITIONS[to]:
        assert claims.commit(claim, to) is not None
    else:
        with pytest.raises(ValueError, match=f"from {status} to {to}"):
            claims.commit(claim, to)


@pytest.mark.parametrize("status", [JobStatus.ACTIVE, JobStatus.UPLOADED])
@pytest.mark.parametrize("voiding", [JobStatus.ACTIVE, JobStatus.INACTIVE, None])
def test_a_reset_cancelled_or_redefined_job_voids_its_attempt(
    store: Store, claims: Claims, voiding: JobStatus | None, status: JobStatus
) -> None:
    claim = _claim(store, claims, status)
    changes = {} if voiding else {"source_anonymizedpatientid": "P-2"}
    store.modify(claim.job_id, changes, voiding, user="bob")
    before = store.job(claim.job_id)
    assert not claims.is_current(claim)
    assert claims.commit(claim, files_processed=2) is None
    assert claims.commit(claim, JobStatus.ERROR, error="late") is None
    assert store.job(claim.job_id) == before
    assert before is not None
    assert before["status"] == (voiding or JobStatus.ACTIVE)
    last = store.audit(job_id=1)[-1]
    assert (last["who"], last["what"]) == (
        "bob",
        "cancelled" if voiding is JobStatus.INACTIVE else "reset",
    )


@pytest.mark.parametrize("name", ["owner", "attempt", "status"])
def test_a_commit_counts_only_while_all_is_as_believed(
    store: Store, claims: Claims, database: Database, name: str
) -> None:
    claim = _claim(store, claims)
    other = {"owner": "'another-run'", "attempt": "7", "status": "'INACTIVE'"}[name]
    with database.transaction() as connection:
        connection.execute(f"UPDATE jobs SET {name} = {other}")
    before = (store.job(1), len(store.audit()))
    assert not claims.is_current(claim)
    assert claims.commit(claim, JobStatus.UPLOADED) is None
    assert (store.job(1), len(store.audit())) == before


def test_a_claim_that_was_moved_on_cannot_be_used_again(store: Store, claims: Claims) -> None:
    claim = _claim(store, claims)
    assert claims.commit(claim, JobStatus.UPLOADED) is not None
    assert claims.commit(claim, JobStatus.ERROR, error="late") is None
    assert claims.commit(claim, files_downloaded=9) is None


def test_a_remark_voids_nothing(store: Store, claims: Claims) -> None:
    claim = _claim(store, claims, JobStatus.UPLOADED)
    store.modify(claim.job_id, {"description": "x", "priority": 1})
    assert claims.commit(claim, JobStatus.DONE) is not None


def test_the_audit_tells_which_fields_and_no_values_but_an_opt_outs(store: Store) -> None:
    store.create("alice", FIELDS)
    changes = {
        "source_path": r"\\server\share\Jansen",
        "source_ignore_opt_out": "True",
        "source_ignore_opt_out_reason": "Reason: consent",
    }
    store.modify(1, changes, user="bob")
    row = next(row for row in store.audit() if row["what"] == "modified")
    assert row["who"] == "bob"
    assert json.loads(str(row["details"])) == {
        "fields": list(changes),
        "source_ignore_opt_out": "True",
        "source_ignore_opt_out_reason": "Reason: consent",
    }
    store.modify(1, changes)
    assert _what(store).count("modified") == 1, "nothing changed"


def test_a_reset_starts_afresh_and_a_cancellation_keeps_what_is_known(
    store: Store, claims: Claims
) -> None:
    claim = _claim(store, claims, JobStatus.ERROR)
    cancelled = store.modify(claim.job_id, {}, JobStatus.INACTIVE)
    assert (cancelled["status"], cancelled["files_downloaded"]) == ("INACTIVE", 2)
    reset = store.modify(claim.job_id, {}, JobStatus.ACTIVE)
    assert (reset["status"], reset["files_downloaded"], reset["error"]) == ("ACTIVE", 0, " ")


def test_the_turn_is_by_priority_then_by_age(store: Store, claims: Claims) -> None:
    for priority in (5, 20, 10, 20):
        store.create("alice", FIELDS | {"priority": priority})
    order = []
    while claim := claims.take():
        order.append(claim.job_id)
    assert order == [2, 4, 3, 1]


def test_what_was_interrupted_waits_again_and_keeps_its_stage(
    store: Store, claims: Claims, database: Database
) -> None:
    uploaded, done = (
        _claim(store, claims, JobStatus.UPLOADED),
        _claim(store, claims, JobStatus.DONE),
    )
    assert claims.commit(uploaded, stage="deliver", part_folder="/somewhere")
    later = Claims(database, "the-next-run")
    later.interrupted()
    assert claims.commit(uploaded, JobStatus.DONE) is None
    rows = store.jobs([uploaded.job_id, done.job_id])
    assert [(row["status"], row["stage"], row["attempt"]) for row in rows] == [
        ("UPLOADED", "deliver", 2),
        ("DONE", "collect", 1),
    ]
    again = later.take()
    assert again is not None
    assert (again.job_id, again.status) == (uploaded.job_id, JobStatus.UPLOADED)
    attempts = database.rows("SELECT job_id, attempt, owner, outcome FROM attempts ORDER BY 1, 2")
    assert [tuple(row.values()) for row in attempts] == [
        (1, 1, "this-run", "interrupted"),
        (1, 2, "the-next-run", None),
        (2, 1, "this-run", "done"),
    ]


def test_a_failed_job_is_tried_again_unless_somebody_changed_it(
    store: Store, claims: Claims
) -> None:
    first, second, third = (_claim(store, claims) for _ in range(3))
    for claim, retries in ((first, 1), (second, 2), (third, 0)):
        assert claims.commit(claim, JobStatus.ERROR, error="full", retries=retries)
    assert claims.to_retry() == {1: 1, 2: 2}
    store.modify(2, {}, JobStatus.INACTIVE)
    for job_id in (1, 2, 3):
        claims.retry(job_id)
    assert [row["status"] for row in store.jobs([1, 2, 3])] == ["ACTIVE", "INACTIVE", "ERROR"]
    assert claims.to_retry() == {}


def test_a_failed_job_that_was_changed_is_not_taken_up_where_it_stopped(
    store: Store, claims: Claims
) -> None:
    """Its results would be another patient's."""
    claim = _claim(store, claims)
    assert claims.commit(claim, JobStatus.ERROR, error="full", retries=1, stage="deidentify")
    store.modify(1, {"source_anonymizedpatientid": "P-2"})
    assert claims.to_retry() == {}
    claims.retry(1)
    reset = store.modify(1, {}, JobStatus.ACTIVE)
    assert (reset["status"], reset["stage"]) == ("ACTIVE", "collect")


def test_the_same_create_again_adds_nothing(store: Store) -> None:
    Users(store._database).add("bob")
    wanted = [(f"key-{number}", FIELDS) for number in range(3)]
    first = store.create_many("alice", wanted)
    assert store.create_many("alice", wanted[1:]) == first[1:]
    assert [row["job_id"] for row in store.create_many("bob", wanted[:1])] == [4]
    assert [row["job_id"] for row in store.create_many("alice", [(None, FIELDS)] * 2)] == [5, 6]
    assert _what(store, 1) == ["created"]


def test_many_are_added_all_or_none(store: Store) -> None:
    wrong = FIELDS | {"source_type": "FTP"}
    with pytest.raises(sqlite3.IntegrityError):
        store.create_many("alice", [("a", FIELDS), ("b", wrong)])
    assert store.newest() == store.audit() == []


def test_fifty_callers_with_one_key_make_one_job(store: Store) -> None:
    found: list[object] = []

    def caller() -> None:
        found.append(store.create_many("alice", [("key", FIELDS)])[0]["job_id"])

    _together([caller] * 50)
    assert found == [1] * 50
    assert len(store.newest()) == 1


def test_every_commit_is_told_once_it_is_there(store: Store, claims: Claims) -> None:
    seen: list[int] = []
    store.on_change = lambda: seen.append(len(store.audit()))
    _claim(store, claims, JobStatus.DONE)
    assert seen == [1, 2, 3, 4]


def test_the_audit_comes_in_pages(store: Store) -> None:
    for _ in range(5):
        store.create("alice", FIELDS)
    ids = [int(row["audit_id"] or 0) for row in store.audit()]
    assert ids == sorted(set(ids))
    assert [row["audit_id"] for row in store.audit(after=ids[1], limit=2)] == ids[2:4]
    assert [row["job_id"] for row in store.audit(job_id=3)] == [3]


def test_racing_threads_leave_legal_histories_only(
    store: Store, claims: Claims, database: Database
) -> None:
    """Every change of status is written down by the database itself, and then looked at."""
    with database.transaction() as connection:
        connection.execute("CREATE TABLE history (old TEXT, new TEXT, before INT, after INT)")
        connection.execute(
            "CREATE TRIGGER watch AFTER UPDATE OF status ON jobs WHEN old.status <> new.status"
            " OR old.attempt <> new.attempt BEGIN INSERT INTO history"
            " VALUES (old.status, new.status, old.attempt, new.attempt); END"
        )
    store.create("alice", FIELDS)
    won: Counter[tuple[int, str]] = Counter()

    def client(to: JobStatus) -> None:
        for _ in range(5):
            store.modify(1, {}, to)

    def runner() -> None:
        for _ in range(10):
            claim = claims.take()
            for step in (JobStatus.UPLOADED, JobStatus.DONE):
                claim = claim and claims.commit(claim, step)
            if claim:
                won[claim.attempt, claim.status] += 1

    def retrier() -> None:
        for _ in range(10):
            claim = claims.take()
            if claim and claims.commit(claim, JobStatus.ERROR, retries=1):
                claims.retry(1)

    targets = [JobStatus.ACTIVE] * 20 + [JobStatus.INACTIVE] * 10
    clients = [lambda to=to: client(to) for to in targets]
    _together([*clients, *[runner] * 15, *[retrier] * 5])
    history = database.rows("SELECT * FROM history")
    assert len(history) >= 150
    told = [json.loads(str(row["details"])).get("status") for row in store.audit(limit=10_000)]
    for row in history:
        old, new = JobStatus(str(row["old"])), JobStatus(str(row["new"]))
        assert old in TRANSITIONS[new] or old is new
        renewed = new in (JobStatus.ACTIVE, JobStatus.INACTIVE)
        assert (row["after"] != row["before"]) == renewed
    assert Counter(row["new"] for row in history) == Counter(filter(None, told[1:]))
    assert all(count == 1 for count in won.values()), "an attempt was done twice"


def _together(calls: list[object]) -> None:
    start = threading.Barrier(len(calls))

    def run(call: object) -> None:
        start.wait()
        call()  # type: ignore[operator]

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


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


def test_a_ledger_of_the_first_release_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its jobs are kept; those under way start again, for it knew no items."""
    path = tmp_path / "jobs.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(MIGRATIONS[0])
        connection.execute("INSERT INTO users VALUES ('alice', '2026-01-01T00:00:00')")
        for status in JobStatus:
            connection.execute(
                "INSERT INTO jobs (date, user_name, status, priority, files_downloaded,"
                " files_processed, part_folder, project_name, source_type, source_path,"
                " source_anonymizedpatientid, source_anonymizedpatientname, destination_type,"
                " destination_path) VALUES ('2026-01-01T00:00:00', 'alice', ?, 10, 5, 3,"
                " '/share/.anontui-part-1', 'P', 'PATH', 'x', 'P', 'P', 'PATH', 'y')",
                (status,),
            )
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    with closing(Database(path)) as database:
        rows = {str(row["status"]): row for row in Store(database).newest()}
        jobs = Store(database).jobs(range(10))
        assert [row["status"] for row in jobs] == ["ACTIVE", "ACTIVE", "DONE", "ERROR", "INACTIVE"]
        assert [row["files_downloaded"] for row in jobs] == [0, 0, 5, 5, 5]
        assert {row["stage"] for row in rows.values()} == {"collect"}
        claims = Claims(database, "this-run")
        assert [row["job_id"] for row in claims.with_parts()] == [3, 4, 5]
        claim = claims.take()
        assert claim is not None
        assert claims.commit(claim, JobStatus.UPLOADED) is not None
        assert database.rows("PRAGMA foreign_key_check") == []
