"""Who is who, at the command line: what is asked for is shown, and put into the audit."""

from __future__ import annotations

import csv
import getpass
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from anontui.server.folder import DataFolder
from anontui.server.identities import Identity, StudyFacts
from anontui.server.review import Review
from tests.cli.conftest import Command


@pytest.fixture
def data(tmp_path: Path) -> Iterator[str]:
    folder = DataFolder(tmp_path / "data")
    with Review.of(folder) as review:
        facts = StudyFacts("Jansen^Invented", "20240131", "ACC 7", "Patient one")
        file = Identity("4711", "1.2.1", "1.2.1.1", "P-001", "2.25.1", "2.25.2", "2.25.3", facts)
        review.identities.record("lung", [file])
    yield str(folder.path)


def _audit(data: str) -> list[dict[str, object]]:
    with Review.of(DataFolder(Path(data))) as review:
        return [dict(row) for row in review.database.rows("SELECT * FROM audit")]


@pytest.mark.parametrize("text", ["4711", "jansen*", "P-001", "ACC 7", "2.25.1"])
def test_find_shows_what_was_asked_for_and_the_audit_tells_it_without_whom(
    anontui: Command, data: str, text: str
) -> None:
    ran = anontui("identities", "find", text, "--data", data)
    assert (ran.code, ran.err) == (0, "")
    assert "4711" in ran.out
    assert "Jansen^Invented" in ran.out
    assert "P-001" in ran.out
    [row] = _audit(data)
    assert (row["who"], row["what"]) == (f"{getpass.getuser()} (command line)", "looked up")
    assert json.loads(str(row["details"])) == {"found": 1, "pseudonyms": ["P-001"]}


def test_a_look_up_in_vain_is_in_the_audit_too(anontui: Command, data: str) -> None:
    ran = anontui("identities", "find", "Devries", "--data", data)
    assert (ran.code, ran.out) == (0, "")
    assert "Nobody is found" in ran.err
    [row] = _audit(data)
    assert "Devries" not in str(row)


def test_find_as_json(anontui: Command, data: str) -> None:
    [row] = json.loads(anontui("identities", "find", "4711", "--json", "--data", data).out)
    assert (row["original_id"], row["new_id"], row["instances"]) == ("4711", "P-001", 1)


@pytest.mark.parametrize("text", ["", "*", " * ", "x" * 60_000])
def test_find_needs_something_to_look_for(anontui: Command, data: str, text: str) -> None:
    ran = anontui("identities", "find", text, "--data", data)
    assert (ran.code, ran.out) == (2, "")
    assert "Give an id, a name or a pseudonym" in ran.err


def test_export_is_for_its_owner_and_does_not_replace_unasked(
    anontui: Command, data: str, tmp_path: Path
) -> None:
    file = tmp_path / "index.csv"
    assert anontui("identities", "export", str(file), "--data", data).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    [row] = csv.DictReader(file.read_text().splitlines())
    assert (row["PHI-PatientID"], row["ANON-PatientID"]) == ("4711", "P-001")
    assert [row["what"] for row in _audit(data)] == ["exported identities"]
    ran = anontui("identities", "export", str(file), "--data", data)
    assert (ran.code, "Add --yes" in ran.err) == (2, True)
    assert anontui("identities", "export", str(file), "--yes", "--data", data).code == 0


def test_import_takes_over_and_tells_what_contradicts(
    anontui: Command, data: str, tmp_path: Path
) -> None:
    file = tmp_path / "index.csv"
    file.write_text("ANON-PatientID,PHI-PatientID\nS-1,0815\nS-2,4711\n")
    ran = anontui("identities", "import", str(file), "--project", "lung", "--data", data)
    assert ran.code == 1
    assert "Took over 1 patients" in ran.err
    assert "1 entries were left out" in ran.err
    assert ran.err.rstrip().endswith(": 2 (counted without the heading).")
    assert "4711" not in ran.err
    assert anontui("identities", "find", "0815", "--data", data).out.count("S-1") == 1


def test_what_is_no_index_is_told(anontui: Command, data: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n")
    ran = anontui("identities", "import", str(tmp_path / "x.csv"), "--data", data)
    assert ran.code == 1
    assert "This index of identities cannot be read" in ran.err


def test_a_table_that_is_damaged_is_told(anontui: Command, data: str) -> None:
    for path in Path(data, "identities").iterdir():
        path.write_bytes(b"rubbish" * 1000)
    ran = anontui("identities", "find", "x", "--data", data)
    assert (ran.code, "the table of identities" in ran.err) == (1, True)


@pytest.mark.parametrize("words", [("find", "x"), ("export", "x.csv")])
def test_without_a_server_there_is_nobody(
    anontui: Command, tmp_path: Path, words: tuple[str, ...]
) -> None:
    ran = anontui("identities", *words, "--data", str(tmp_path / "nothing"))
    assert (ran.code, "There is no server's data" in ran.err) == (1, True)
    assert not (tmp_path / "nothing").exists()
