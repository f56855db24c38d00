"""Files that a person must look at: kept as they are, and going nowhere by themselves."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from anontui.errors import UsageError
from anontui.server.quarantine import Held, Pardon, Quarantine, QuarantineDatabase, State


@pytest.fixture
def database(tmp_path: Path) -> Iterator[QuarantineDatabase]:
    (tmp_path / "quarantine").mkdir()
    with closing(QuarantineDatabase(tmp_path / "quarantine" / "quarantine.sqlite")) as database:
        yield database


@pytest.fixture
def quarantine(tmp_path: Path, database: QuarantineDatabase) -> Quarantine:
    return Quarantine(tmp_path / "quarantine", database, spare_bytes=0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "Jansen" / "Jansen.dcm"
    path.parent.mkdir()
    path.write_bytes(b"pristine" * 1000)
    return path


def _held(source: Path, item: int = 1, code: str = "burned_in") -> list[Held]:
    return [Held(item, source, code, "annotation is burned in")]


def _copies(quarantine: Quarantine) -> list[Path]:
    return sorted(path for path in quarantine.folder.rglob("original.dcm"))


def test_the_original_is_kept_and_nothing_tells_whose_it_is(
    quarantine: Quarantine, source: Path
) -> None:
    quarantine.keep(7, "lung", _held(source))
    [entry] = quarantine.entries()
    expected = {
        "job_id": 7,
        "item_id": 1,
        "project": "lung",
        "code": "burned_in",
        "reason": "annotation is burned in",
        "size": 8000,
        "has_copy": 1,
        "state": "waiting",
        "decided": None,
    }
    assert entry | expected == entry
    assert "Jansen" not in repr(entry)
    [copy] = _copies(quarantine)
    assert copy == quarantine.copy_of(str(entry["id"]))
    assert copy.read_bytes() == source.read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    assert "Jansen" not in str(copy.relative_to(quarantine.folder))


def test_a_file_that_comes_again_is_one_entry(quarantine: Quarantine, source: Path) -> None:
    quarantine.keep(7, "lung", _held(source, 1))
    quarantine.keep(7, "lung", _held(source, 1))
    quarantine.keep(7, "lung", _held(source, 2))  # the job was reset
    [entry] = quarantine.entries()
    assert entry["item_id"] == 2
    assert len(_copies(quarantine)) == 1
    quarantine.keep(8, "lung", _held(source, 3))
    assert len(quarantine.entries()) == 2


def test_a_release_is_for_these_bytes_and_this_filter(quarantine: Quarantine, source: Path) -> None:
    quarantine.keep(7, "lung", _held(source))
    assert quarantine.pardons(7) == {}
    [entry] = quarantine.entries()
    [released] = quarantine.release([str(entry["id"])], "alice", "looked at it")
    copy = str(quarantine.copy_of(str(entry["id"])))
    assert released["source"] == copy
    pardons = quarantine.pardons(7)
    assert set(pardons) == {str(source), copy}
    pardon = pardons[copy]
    assert pardon.filters == frozenset({"burned_in"})
    assert len(pardon.digest) == 64
    assert quarantine.pardons(8) == {}
    [after] = quarantine.entries()
    expected = {"state": "released", "who": "alice", "note": "looked at it"}
    assert after | expected == after


def test_judged_again_no_filter_is_switched_off(quarantine: Quarantine, source: Path) -> None:
    quarantine.keep(7, "lung", _held(source, code="truncated"))
    [entry] = quarantine.entries()
    [released] = quarantine.release([str(entry["id"])], "alice", again=True)
    digest = str(released["digest"])
    assert set(quarantine.pardons(7).values()) == {Pardon(digest, frozenset())}


def test_what_no_filter_held_cannot_go_as_it_is(quarantine: Quarantine, source: Path) -> None:
    other = source.with_name("other")
    other.write_text("other")
    quarantine.keep(7, "lung", [*_held(source), *_held(other, 2, "truncated")])
    ids = [str(entry["id"]) for entry in quarantine.entries()]
    with pytest.raises(UsageError, match="cannot go as it is"):
        quarantine.release(ids, "alice")
    assert [entry["state"] for entry in quarantine.entries()] == ["waiting", "waiting"]


def test_a_released_file_held_for_something_else_waits_again(
    quarantine: Quarantine, source: Path
) -> None:
    quarantine.keep(7, "lung", _held(source, 1, "burned_in"))
    [entry] = quarantine.entries()
    [released] = quarantine.release([str(entry["id"])], "alice")
    quarantine.keep(7, "lung", _held(Path(str(released["source"])), 1, "ultrasound"))
    [entry] = quarantine.entries()
    assert (entry["state"], entry["code"]) == ("waiting", "ultrasound")
    assert quarantine.pardons(7) == {}
    quarantine.release([str(entry["id"])], "alice")
    [pardon] = set(quarantine.pardons(7).values())
    assert pardon.filters == frozenset({"burned_in", "ultrasound"})
    assert len(_copies(quarantine)) == 1


def test_a_rejected_file_is_gone_and_stays_rejected(quarantine: Quarantine, source: Path) -> None:
    quarantine.keep(7, "lung", _held(source))
    [entry] = quarantine.entries()
    quarantine.reject([str(entry["id"])], "alice", "burned in")
    assert _copies(quarantine) == []
    quarantine.keep(7, "lung", _held(source, 2))  # the job was reset
    [entry] = quarantine.entries()
    assert (entry["state"], entry["has_copy"]) == ("rejected", 0)
    assert _copies(quarantine) == []
    assert quarantine.pardons(7) == {}


@pytest.mark.parametrize("ids", [[], ["nothing"], ["../../etc"]])
def test_what_does_not_wait_cannot_be_decided(quarantine: Quarantine, ids: list[str]) -> None:
    for decide in (quarantine.release, quarantine.reject):
        with pytest.raises(UsageError):
            decide(ids, "alice")


def test_two_people_decide_once(quarantine: Quarantine, source: Path) -> None:
    quarantine.keep(7, "lung", _held(source))
    entry_id = str(quarantine.entries()[0]["id"])
    said: list[str] = []

    def decide(which: int) -> None:
        try:
            (quarantine.release if which % 2 else quarantine.reject)([entry_id], str(which))
        except UsageError:
            return
        said.append("released" if which % 2 else "rejected")

    threads = [threading.Thread(target=decide, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [quarantine.entries()[0]["state"]]


@pytest.mark.parametrize("limits", [{"most_bytes": 7999}, {"spare_bytes": 1 << 60}])
def test_without_room_a_file_is_held_without_a_copy(
    tmp_path: Path, database: QuarantineDatabase, source: Path, limits: dict[str, int]
) -> None:
    quarantine = Quarantine(tmp_path / "quarantine", database, **({"spare_bytes": 0} | limits))
    quarantine.keep(7, "lung", _held(source))
    [entry] = quarantine.entries()
    assert (entry["state"], entry["has_copy"]) == ("waiting", 0)
    assert _copies(quarantine) == []
    [released] = quarantine.release([str(entry["id"])], "alice")
    assert released["source"] == str(source)
    assert len(str(released["digest"])) == 64


def test_the_limit_is_of_all_copies_together(
    tmp_path: Path, database: QuarantineDatabase, source: Path
) -> None:
    quarantine = Quarantine(tmp_path / "quarantine", database, most_bytes=20_000, spare_bytes=0)
    for number in range(4):
        source.write_bytes(bytes([number]) * 8000)
        quarantine.keep(7, "lung", _held(source, number))
    assert [entry["has_copy"] for entry in quarantine.entries()] == [1, 1, 0, 0]


def test_a_pipe_or_a_file_that_is_gone_is_held_too(quarantine: Quarantine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    held = [*_held(tmp_path / "pipe", 1), *_held(tmp_path / "gone", 2)]
    quarantine.keep(7, "lung", held)
    assert [entry["has_copy"] for entry in quarantine.entries()] == [0, 0]


def test_strays_and_what_nothing_needs_are_swept(quarantine: Quarantine, source: Path) -> None:
    for number in range(3):
        source.write_bytes(bytes([number]))
        quarantine.keep(7, "lung", _held(source, number))
    (quarantine.folder / "stray").mkdir()
    (quarantine.folder / "stray" / "original.dcm").write_text("of a kill in the middle")
    first, second, third = (str(entry["id"]) for entry in quarantine.entries())
    quarantine.release([first, second], "alice")
    assert quarantine.released(7) == [0, 1]
    quarantine.discard([0, 2])
    assert quarantine.released() == [1]
    quarantine.sweep()
    assert _copies(quarantine) == sorted(map(quarantine.copy_of, (second, third)))


def test_keeping_stops_when_the_job_does(quarantine: Quarantine, source: Path) -> None:
    def cancelled() -> None:
        if quarantine.entries():
            raise InterruptedError

    other = source.with_name("other")
    other.write_text("other")
    with pytest.raises(InterruptedError):
        quarantine.keep(7, "lung", [*_held(source, 1), *_held(other, 2)], cancelled)
    assert len(quarantine.entries()) == 1


def test_entries_come_by_state_and_page(quarantine: Quarantine, source: Path) -> None:
    for number in range(3):
        source.write_bytes(bytes([number]))
        quarantine.keep(7, "lung", _held(source, number))
    ids = [str(entry["id"]) for entry in quarantine.entries()]
    quarantine.reject(ids[:1], "alice")
    waiting = quarantine.entries(state=State.WAITING)
    assert [entry["id"] for entry in waiting] == ids[1:]
    assert [entry["id"] for entry in quarantine.entries(after=ids[1])] == ids[2:]
    assert [entry["id"] for entry in quarantine.entries([ids[1]])] == [ids[1]]
