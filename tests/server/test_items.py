"""The ledger of items: each is held by one, settled once, and told without its source."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from anontui.server import items
from anontui.server.database import Database
from anontui.server.items import TRANSITIONS, Found, Held, ItemStatus, Outcome
from anontui.server.store import Store
from anontui.server.users import Users
from tests.server.test_store import FIELDS


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "jobs.sqlite")) as database:
        Users(database).add("alice")
        Store(database).create("alice", FIELDS)
        yield database


def _add(database: Database, *found: Found) -> None:
    with database.transaction() as connection:
        items.add(connection, 1, found)


def _hold(database: Database, owner: str = "me", *, suspect: bool = False) -> list[Held]:
    with database.transaction() as connection:
        return items.hold(connection, 1, owner, most=10, most_bytes=100, suspect=suspect)


def _settle(
    database: Database, held: Held, outcome: Outcome, was: ItemStatus = ItemStatus.RUNNING
) -> int:
    with database.transaction() as connection:
        return items.settle(connection, [(held, outcome)], was).total()


def _ready(number: int, patient: str = "a", study: str = "1.1") -> Outcome:
    target = f"P/{study}/{number}.dcm"
    return Outcome(ItemStatus.READY, target=target, study=study, patient=patient)


def test_files_are_held_in_their_order_up_to_a_size(database: Database) -> None:
    sizes = [60, 30, 20, 500, 1]
    _add(database, *(Found(Path(f"/share/{n}"), size) for n, size in enumerate(sizes)))
    found = []
    while held := _hold(database):
        found.append([one.size for one in held])
    assert found == [[60, 30], [20], [500], [1]]


def test_any_file_name_is_kept(database: Database) -> None:
    name = b"/share/Jansen \xff\n'.dcm".decode("utf-8", "surrogateescape")
    _add(database, Found(Path(name), 1))
    [held] = _hold(database)
    assert held.source == name


def test_where_a_file_came_from_is_not_told(database: Database) -> None:
    _add(database, Found(Path("/share/Jansen"), 5), Found(Path("/share/Jansen2"), 0, "not found"))
    [held] = _hold(database)
    _settle(database, held, Outcome(ItemStatus.QUARANTINED, "burned_in", "annotation is burned in"))
    rows = Store(database).items(1)
    assert "Jansen" not in str(rows)
    assert [(row["status"], row["code"], row["reason"], row["attempts"]) for row in rows] == [
        ("quarantined", "burned_in", "annotation is burned in", 1),
        ("rejected", "source", "not found", 0),
    ]
    assert Store(database).left_out(1) == {"annotation is burned in": 1, "not found": 1}
    assert [row["size"] for row in Store(database).items(1, after=1, limit=1)] == [0]


@pytest.mark.parametrize("change", [{"owner": "another"}, {"attempt": 2}, {"item_id": 7}])
def test_only_the_holder_settles(database: Database, change: dict[str, str]) -> None:
    _add(database, Found(Path("/share/1"), 5))
    [held] = _hold(database)
    assert _settle(database, replace(held, **change), _ready(1)) == 0  # type: ignore[arg-type]
    assert _settle(database, held, _ready(1)) == 1
    assert _settle(database, held, Outcome(ItemStatus.REJECTED)) == 0, "it was settled"


def test_what_was_given_to_another_is_refused(database: Database) -> None:
    _add(database, Found(Path("/share/1"), 5))
    [late] = _hold(database)
    assert _settle(database, late, Outcome(ItemStatus.WAITING)) == 1
    [held] = _hold(database)
    assert (held.attempt, held.part) == (2, f"{held.item_id}.me.2.part")
    assert _settle(database, late, _ready(1)) == 0
    assert _settle(database, held, _ready(1)) == 1


@pytest.mark.parametrize("was", [ItemStatus.RUNNING, ItemStatus.READY])
@pytest.mark.parametrize("to", ItemStatus)
def test_only_transitions_of_the_table_exist(
    database: Database, was: ItemStatus, to: ItemStatus
) -> None:
    _add(database, Found(Path("/share/1"), 5))
    [held] = _hold(database)
    if was is ItemStatus.READY:
        _settle(database, held, _ready(1))
    if was in TRANSITIONS[to]:
        assert _settle(database, held, Outcome(to), was) == 1
    else:
        with pytest.raises(ValueError, match=f"from {was} to {to}"):
            _settle(database, held, Outcome(to), was)


def test_a_target_is_done_once_a_job(database: Database) -> None:
    _add(database, *(Found(Path(f"/share/{n}"), 5) for n in range(2)))
    one, other = _hold(database)
    for held in (one, other):
        _settle(database, held, _ready(1))
    done = Outcome(ItemStatus.DONE, target="P/1.1/1.dcm")
    _settle(database, one, done, ItemStatus.READY)
    with pytest.raises(sqlite3.IntegrityError):
        _settle(database, other, done, ItemStatus.READY)


def test_what_lost_a_worker_waits_for_one_of_its_own(database: Database) -> None:
    _add(database, *(Found(Path(f"/share/{n}"), 5) for n in range(3)))
    first, second, _ = _hold(database)
    for held, losses in ((first, 1), (second, 0)):
        _settle(database, replace(held, losses=losses), Outcome(ItemStatus.WAITING))
    assert items.suspects(database, 1) == 1
    assert [held.source for held in _hold(database)] == ["/share/1"]
    assert [(held.source, held.losses) for held in _hold(database, suspect=True)] == [
        ("/share/0", 1)
    ]


def test_studies_of_two_patients_are_found_whole(database: Database) -> None:
    patients = [("a", "1.1"), ("b", "1.1"), ("a", "1.2"), ("a", "1.2"), ("c", "1.3")]
    _add(database, *(Found(Path(f"/share/{n}"), 5) for n in range(5)))
    for number, (held, (patient, study)) in enumerate(zip(_hold(database), patients, strict=True)):
        _settle(database, held, _ready(number, patient, study))
    with database.transaction() as connection:
        found = items.conflicting(connection, 1)
        assert len(items.ready(connection, 1)) == 5
    assert [held.source for held in found] == ["/share/0", "/share/1"]


def test_an_id_is_never_given_twice(database: Database) -> None:
    """A report about an item that was forgotten must not match another."""
    _add(database, Found(Path("/share/1"), 5))
    [late] = _hold(database)
    with database.transaction() as connection:
        items.forget(connection, 1)
    _add(database, Found(Path("/share/2"), 5))
    [held] = _hold(database)
    assert held.item_id > late.item_id
    assert _settle(database, late, _ready(1)) == 0
