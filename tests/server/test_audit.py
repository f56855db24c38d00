"""The audit shows what was changed in it later."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from anontui.server import audit
from tests.server.conftest import Ledger
from tests.server.running import create
from tests.server.support import serve


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    for _ in range(3):
        create(ledger.store)
    with ledger.database.transaction() as connection:
        audit.record(connection, "alice", "looked up", None, found=1, pseudonyms=["P-1"])
    return ledger


def test_a_chain_that_nobody_touched_is_whole(filled: Ledger) -> None:
    broken, last = audit.verify(filled.database)
    assert (broken, len(last)) == (None, 64)
    create(filled.store)
    assert audit.verify(filled.database)[1] != last


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE audit SET who = 'bob' WHERE audit_id = 2", 2),
        ("UPDATE audit SET details = '{}' WHERE audit_id = 2", 2),
        ("UPDATE audit SET job_id = 1 WHERE audit_id = 4", 4),
        ("UPDATE audit SET chain = '' WHERE audit_id = 3", 3),
        ("DELETE FROM audit WHERE audit_id = 1", 2),
        ("DELETE FROM audit WHERE audit_id = 3", 4),
        (
            "INSERT INTO audit (audit_id, time, who, what, details, chain)"
            " SELECT 9, time, 'bob', what, details, chain FROM audit WHERE audit_id = 4",
            9,
        ),
    ],
)
def test_every_later_change_shows(filled: Ledger, change: str, found: int) -> None:
    with closing(sqlite3.connect(filled.folder.ledger)) as connection, connection:
        connection.execute(change)
    assert audit.verify(filled.database)[0] == found


def test_rows_from_before_there_were_hashes_may_stay_without(filled: Ledger) -> None:
    with filled.database.transaction() as connection:
        connection.execute("UPDATE audit SET chain = ''")
    create(filled.store)
    assert audit.verify(filled.database)[0] is None


def test_it_is_shown_as_text_and_as_json(filled: Ledger) -> None:
    data = filled.folder.path
    shown = serve(data, "audit")
    lines = shown.stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].endswith("  alice  created  job 1  status=ACTIVE")
    assert lines[3].endswith("  alice  looked up  found=1  pseudonyms=['P-1']")
    assert "The audit is whole up to " in shown.stderr
    rows = [json.loads(line) for line in serve(data, "audit", "--json").stdout.splitlines()]
    assert [row["job_id"] for row in rows] == [1, 2, 3, None]
    assert len(serve(data, "audit", "--job", "2").stdout.splitlines()) == 1
    assert serve(data, "audit", "--since", "2999-01-01").stdout == ""


def test_a_changed_one_is_told(filled: Ledger) -> None:
    with closing(sqlite3.connect(filled.folder.ledger)) as connection, connection:
        connection.execute("UPDATE audit SET who = 'bob' WHERE audit_id = 2")
    shown = serve(filled.folder.path, "audit")
    assert shown.returncode == 1
    assert "row 2 does not fit" in shown.stderr


def test_the_database_is_its_owners_only(filled: Ledger) -> None:
    assert Path(filled.folder.ledger).stat().st_mode & 0o077 == 0
