"""Decisions about held files, at the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from anontui.server.folder import DataFolder
from anontui.server.quarantine import Held
from anontui.server.review import Review
from tests.cli.conftest import Command


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A server's data with a job that is done, but for two files that are held."""
    folder = DataFolder(tmp_path / "data")
    with Review.of(folder) as review:
        with review.database.transaction() as connection:
            connection.execute("INSERT INTO users (name, created) VALUES ('alice', '')")
            connection.execute(
                "INSERT INTO jobs (job_id, date, user_name, status, priority, project_name,"
                " source_type, source_anonymizedpatientid, source_anonymizedpatientname,"
                " destination_type, destination_path)"
                " VALUES (7, '', 'alice', 'DONE', 10, 'lung', 'PATH', 'P', 'P', 'PATH', 'x')"
            )
            for item, code in ((1, "burned_in"), (2, "truncated")):
                connection.execute(
                    "INSERT INTO items (item_id, job_id, source, size, status, code)"
                    " VALUES (?, 7, ?, 1, 'quarantined', ?)",
                    (item, os.fsencode(tmp_path / "Jansen"), code),
                )
        for item, code in ((1, "burned_in"), (2, "truncated")):
            source = tmp_path / "Jansen"
            source.write_text(f"pristine {item}")
            review.quarantine.keep(7, "lung", [Held(item, source, code, f"for {code}")])
    return str(folder.path)


def _ids(anontui: Command, data: str) -> list[str]:
    listed = anontui("quarantine", "list", "--json", "--data", data)
    return [entry["id"] for entry in json.loads(listed.out)]


def _state(data: str) -> tuple[dict[str, object], list[dict[str, object]], list[str]]:
    with Review.of(DataFolder(Path(data))) as review:
        [job] = review.database.rows("SELECT status, stage, attempt FROM jobs")
        items = review.database.rows("SELECT status, cast(source AS TEXT) AS source FROM items")
        audit = review.database.rows("SELECT what FROM audit")
    return dict(job), [dict(item) for item in items], [str(row["what"]) for row in audit]


def test_list_and_show_tell_why_and_not_whose(anontui: Command, data: str) -> None:
    ran = anontui("quarantine", "list", "--data", data)
    assert "for burned_in" in ran.out
    assert "for truncated" in ran.out
    first, _ = _ids(anontui, data)
    shown = anontui("quarantine", "show", first, "--json", "--data", data).out
    entry = json.loads(shown)
    assert (entry["job_id"], entry["code"]) == (7, "burned_in")
    assert Path(entry["copy"]).read_text() == "pristine 1"
    assert "Jansen" not in ran.out + shown
    assert "burned_in" in anontui("quarantine", "show", first, "--data", data).out
    assert anontui("quarantine", "list", "--job", "8", "--data", data).out == ""


def test_a_long_list_is_whole(anontui: Command, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anontui.server.quarantine.PAGE", 1)
    assert len(_ids(anontui, data)) == 2


def test_release_has_the_item_done_again_from_its_copy(anontui: Command, data: str) -> None:
    first, _ = _ids(anontui, data)
    before, _, _ = _state(data)
    ran = anontui("quarantine", "release", first, "--note", "looked", "--yes", "--data", data)
    assert (ran.code, ran.err) == (0, "Job 7 goes on with them; soon, if the server runs.\n")
    job, items, audit = _state(data)
    assert job == {
        "status": "ACTIVE",
        "stage": "deidentify",
        "attempt": int(str(before["attempt"])) + 1,
    }
    assert [item["status"] for item in items] == ["waiting", "quarantined"]
    assert str(items[0]["source"]).endswith(f"/quarantine/{first}/original.dcm")
    assert audit == ["released"]
    assert first not in _ids(anontui, data)


def test_release_asks_and_a_no_changes_nothing(anontui: Command, data: str) -> None:
    first, _ = _ids(anontui, data)
    assert anontui("quarantine", "release", first, "--data", data).code == 2
    ran = anontui("quarantine", "release", first, "--data", data, typed="n\n")
    assert (ran.code, "Nothing was done" in ran.err) == (1, True)
    assert len(_ids(anontui, data)) == 2


def test_what_is_broken_cannot_go_as_it_is_but_be_judged_again(anontui: Command, data: str) -> None:
    _, second = _ids(anontui, data)
    ran = anontui("quarantine", "release", second, "--yes", "--data", data)
    assert (ran.code, "cannot go as it is: for truncated" in ran.err) == (2, True)
    assert anontui("quarantine", "release", second, "--again", "--data", data).code == 0


def test_reject_deletes_the_copy(anontui: Command, data: str) -> None:
    first, second = _ids(anontui, data)
    ran = anontui("quarantine", "reject", first, "--yes", "--note", "shown", "--data", data)
    assert (ran.code, ran.err) == (0, "Rejected 1 file.\n")
    assert _ids(anontui, data) == [second]
    left = [path.parent.name for path in Path(data, "quarantine").rglob("original.dcm")]
    assert left == [second]
    job, items, audit = _state(data)
    assert (job["status"], [item["status"] for item in items]) == ("DONE", ["quarantined"] * 2)
    assert audit == ["rejected"]


@pytest.mark.parametrize("decision", ["release", "reject"])
def test_an_unknown_id_decides_nothing(anontui: Command, data: str, decision: str) -> None:
    first, _ = _ids(anontui, data)
    ran = anontui("quarantine", decision, first, "nothing", "--yes", "--data", data)
    assert (ran.code, "Nothing with the id nothing waits" in ran.err) == (2, True)
    assert len(_ids(anontui, data)) == 2


def test_a_cancelled_job_is_not_woken(anontui: Command, data: str) -> None:
    with Review.of(DataFolder(Path(data))) as review, review.database.transaction() as connection:
        connection.execute("UPDATE jobs SET status = 'INACTIVE'")
    first, _ = _ids(anontui, data)
    ran = anontui("quarantine", "release", first, "--yes", "--data", data)
    assert "a reset has them done" in ran.err
    assert _state(data)[0]["status"] == "INACTIVE"


def test_boxes_are_asked_for_and_kept(anontui: Command, data: str) -> None:
    first, second = _ids(anontui, data)
    ran = anontui("quarantine", "release", first, "--box", "1,2,3", "--yes", "--data", data)
    assert (ran.code, "'1,2,3' is no box" in ran.err) == (2, True)
    assert len(_ids(anontui, data)) == 2
    boxes = ("--box", "0,0,640,40", "--box", "600,40,40,20")
    ran = anontui("quarantine", "release", first, *boxes, "--yes", "--data", data)
    assert ran.code == 0
    shown = anontui("quarantine", "show", first, "--json", "--data", data).out
    assert json.loads(json.loads(shown)["boxes"]) == [[0, 0, 640, 40], [600, 40, 640, 60]]
    ran = anontui("quarantine", "release", second, *boxes, "--data", data, typed="n\n")
    assert "with the boxes blacked out" in ran.out + ran.err
