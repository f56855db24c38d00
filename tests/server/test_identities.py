"""Who is who: rows that are there before their files, numbers that are never given twice."""

from __future__ import annotations

import csv
import io
import multiprocessing
import os
import signal
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.errors import ProjectError, UsageError
from anontui.server.identities import (
    Entry,
    Identities,
    IdentitiesDatabase,
    Identity,
    StudyFacts,
)
from anontui.server.phi_index import COLUMNS, read_index, write_csv
from anontui.server.templates import check_template, is_template

FACTS = StudyFacts("Jansen^Invented", "20240131", "ACC 7", "Patient one", "20230131", "", -365)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "identities.sqlite"


@pytest.fixture
def table(path: Path) -> Iterator[Identities]:
    with closing(IdentitiesDatabase(path)) as database:
        yield Identities(database)


def _files(count: int = 3, patient: str = "4711", new: str = "P-001", study: int = 1) -> Any:
    return [
        Identity(
            patient, f"1.2.{study}", f"1.2.{study}.{n % 2}", new, f"2.25.{study}",
            f"2.25.{study}.{n % 2}", f"2.25.9.{study}.{n}", FACTS if n == 0 else None,
        )
        for n in range(count)
    ]  # fmt: skip


def test_the_file_is_its_owners_only(table: Identities, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_study_is_recorded_once_however_often_its_files_come(table: Identities) -> None:
    for _ in range(2):
        table.record("lung", _files(3))
    table.record("lung", _files(5))
    [row] = table.all()
    assert row == {
        "project": "lung",
        "original_id": "4711",
        "original_name": "Jansen^Invented",
        "new_id": "P-001",
        "new_name": "Patient one",
        "original_uid": "1.2.1",
        "new_uid": "2.25.1",
        "original_date": "20240131",
        "new_date": "20230131",
        "date_offset": -365,
        "original_accession": "ACC 7",
        "new_accession": "",
        "series": 2,
        "instances": 5,
    }


def test_one_patient_may_have_a_pseudonym_a_project(table: Identities) -> None:
    table.record("lung", _files(new="P-001"))
    table.record("heart", _files(new="H-9"))
    assert [(row["project"], row["new_id"]) for row in table.all()] == [
        ("lung", "P-001"),
        ("heart", "H-9"),
    ]


@pytest.mark.parametrize(
    "text",
    ["4711", "jansen^invented", "JANSEN*", "*^invented", "P-001", "Patient one", "1.2.1",
     "2.25.1", "ACC 7", "1.2.1.0", "2.25.1.1"],
)  # fmt: skip
def test_anything_original_or_new_finds_its_study(table: Identities, text: str) -> None:
    table.record("lung", _files())
    table.record("lung", _files(patient="0815", new="P-002", study=2))
    assert table.find(text)[0]["original_id"] == "4711"


@pytest.mark.parametrize("text", ["471", "4711%", "471_", "nobody", "%"])
def test_what_is_not_there_is_not_found(table: Identities, text: str) -> None:
    table.record("lung", _files())
    assert table.find(text) == []


def test_nothing_that_shows_an_object_shows_an_identity() -> None:
    for shown in (repr(_files(1)[0]), repr(FACTS), repr(Entry("4711", facts=FACTS))):
        assert "4711" not in shown
        assert "Jansen" not in shown


# --- numbers


def test_numbers_are_given_in_order_of_arrival_and_kept(table: Identities) -> None:
    got = table.allocate("lung", "S01-{n:06d}", ["c", "a", "c", "b"])
    ids = {original: pseudonym.patient_id for original, pseudonym in got.items()}
    assert ids == {"c": "S01-000001", "a": "S01-000002", "b": "S01-000003"}
    again = table.allocate("lung", "S01-{n:06d}", ["b", "d"])
    assert [one.patient_id for one in again.values()] == ["S01-000003", "S01-000004"]


def test_a_pseudonym_that_somebody_has_is_passed_over(table: Identities) -> None:
    table.record("heart", _files(new="S-1"))
    assert table.allocate("lung", "S-{n}", ["x"])["x"].patient_id == "S-2"


def test_a_number_is_not_given_again_when_its_row_is_gone(table: Identities, path: Path) -> None:
    table.allocate("lung", "S-{n}", ["a", "b"])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM patients")
    assert table.allocate("lung", "S-{n}", ["a"])["a"].patient_id == "S-3"


def test_a_practice_run_gives_out_nothing(table: Identities) -> None:
    seen = table.allocate("lung", "S-{n}", ["a", "b"], keep=False)
    assert [one.patient_id for one in seen.values()] == ["S-1", "S-2"]
    assert table.all() == []
    assert table.allocate("lung", "S-{n}", ["b"])["b"].patient_id == "S-1"


def test_many_at_once_never_share_a_number(path: Path) -> None:
    with closing(IdentitiesDatabase(path)):
        pass
    got: list[dict[str, str]] = []

    def give(thread: int) -> None:
        with closing(IdentitiesDatabase(path)) as database:  # as a process of its own would
            table = Identities(database)
            for n in range(10):
                who = [f"own-{thread}-{n}", f"shared-{n}"]
                pseudonyms = table.allocate("lung", "S-{n}", who)
                got.append({k: v.patient_id for k, v in pseudonyms.items()})

    threads = [threading.Thread(target=give, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    who_has: dict[str, set[str]] = {}
    for answer in got:
        for original, pseudonym in answer.items():
            who_has.setdefault(pseudonym, set()).add(original)
    assert len(got) == 80
    assert all(len(originals) == 1 for originals in who_has.values())
    assert len(who_has) == 90


@pytest.mark.parametrize(
    "template",
    ["", "S", "{n}{n}", "{n.__class__}", "{x}{n}", "{n:f}", "\\{n}", "a\n{n}", "S" * 60 + "{n}",
     "{n:99d}" + "S" * 10],
)  # fmt: skip
def test_a_template_makes_valid_ids_or_is_refused(template: str) -> None:
    with pytest.raises(UsageError):
        check_template(template)


def test_the_site_is_filled_in() -> None:
    assert check_template("{site}-{n:06d}", "S01") == "S01-{n:06d}"
    assert is_template("S01-{n:06d}")
    assert not is_template("P-001")


# --- kill -9


def _record_for_ever(path: str, ready: Any) -> None:
    with closing(IdentitiesDatabase(Path(path))) as database:
        table = Identities(database)
        for number in range(10_000):
            table.record("lung", _files(2, f"patient {number}", f"P-{number}", number))
            ready.put(number)


def test_what_was_recorded_survives_kill_9(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    told: Any = context.SimpleQueue()
    process = context.Process(target=_record_for_ever, args=(str(path), told))
    process.start()
    last = max(told.get() for _ in range(20))
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with closing(IdentitiesDatabase(path)) as database:
        rows = Identities(database).all()
    assert len(rows) > last
    assert all((row["series"], row["instances"]) == (2, 2) for row in rows)


# --- indexes


def test_the_export_is_rsnas_index_with_its_twelve_columns(table: Identities) -> None:
    table.record("lung", _files())
    [row] = csv.DictReader(io.StringIO(write_csv(table.all()).decode()))
    assert list(row) == [
        "ANON-PatientID", "ANON-PatientName", "PHI-PatientName", "PHI-PatientID", "DateOffset",
        "PHI-StudyDate", "ANON-Accession", "PHI-Accession", "ANON-StudyInstanceUID",
        "PHI-StudyInstanceUID", "Number of Series", "Number of Instances",
    ]  # fmt: skip
    assert list(row.values()) == [
        "P-001", "Patient one", "Jansen^Invented", "4711", "-365", "20240131", "", "ACC 7",
        "2.25.1", "1.2.1", "2", "3",
    ]  # fmt: skip


def test_an_exported_index_continues_in_another_server(table: Identities, tmp_path: Path) -> None:
    table.record("lung", _files())
    table.allocate("lung", "S-{n}", ["without study"])
    exported = tmp_path / "index.csv"
    exported.write_bytes(write_csv(table.all()))
    with closing(IdentitiesDatabase(tmp_path / "other.sqlite")) as database:
        other = Identities(database)
        taken = other.take(read_index(exported))
        assert (taken.patients, taken.conflicts) == (2, ())
        assert other.allocate("any", "X-{n}", ["4711"])["4711"].patient_id == "P-001"
        assert other.earlier().uids == {"1.2.1": "2.25.1"}
        assert other.earlier().offsets == {"4711": -365}
        again = other.take(read_index(exported))
        assert (again.patients, again.values, again.conflicts) == (0, 0, ())


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).map(str.strip))
def test_a_text_survives_the_index_and_is_no_formula_in_it(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    entry = {"new_id": "P", "original_name": text, "original_id": "4711"}
    row: Any = dict.fromkeys(_row_names(), "") | entry
    written = write_csv([row])
    cell = next(csv.DictReader(io.StringIO(written.decode())))["PHI-PatientName"]
    assert not cell.startswith(("=", "+", "-", "@"))
    file = tmp_path_factory.getbasetemp() / "index.csv"
    file.write_bytes(written)
    [read] = read_index(file)
    assert read.facts.patient_name == text


def _row_names() -> list[str]:
    return [
        "new_id", "new_name", "original_name", "original_id", "date_offset", "original_date",
        "new_accession", "original_accession", "new_uid", "original_uid", "series", "instances",
    ]  # fmt: skip


@pytest.mark.parametrize("separator", ["-", "_"])
def test_the_java_index_is_read(table: Identities, tmp_path: Path, separator: str) -> None:
    names = [
        "ANON-PatientName", "ANON-PatientID", "PHI-PatientName", "PHI-PatientID", "DateOffset",
        "ANON-StudyDate", "PHI-StudyDate", "ANON-Accession", "PHI-Accession",
        "ANON-StudyInstanceUID", "PHI-StudyInstanceUID",
    ]  # fmt: skip
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([name.replace("-", separator) for name in names])
    for study in ("1", "2"):
        patient = ("S-000007", "S-000007", "Jansen^Invented", "4711", "1234")
        dates = ("20270618", "20240131", "17", f"ACC {study}")
        sheet.append([*patient, *dates, f"9.9.{study}", f"1.2.{study}"])
    sheet.append(["S-000008", "S-000008", "Devries^Invented", "0815"])
    book.save(tmp_path / "Index.xlsx")
    taken = table.take(read_index(tmp_path / "Index.xlsx"))
    # one accession number for two studies stays the second's contradiction to nothing
    assert (taken.patients, taken.conflicts) == (2, ())
    found = table.allocate("lung", "S-{n:06d}", ["4711", "new", "0815"])
    assert [one.patient_id for one in found.values()] == ["S-000007", "S-000001", "S-000008"]
    earlier = table.earlier()
    assert earlier.uids == {"1.2.1": "9.9.1", "1.2.2": "9.9.2"}
    assert (earlier.accessions, earlier.offsets) == ({"ACC 1": "17", "ACC 2": "17"}, {"4711": 1234})
    assert [row["new_date"] for row in table.find("4711")] == ["20270618", "20270618"]


@pytest.mark.parametrize(
    ("patients", "accessions", "studies"),
    [
        ("patient", "accession_no", "studyuid"),
        ("patientid", "accessionnumber", "studyinstanceuid"),
    ],
)
def test_an_identity_db_of_dicom_pipeline_is_read(
    table: Identities, tmp_path: Path, patients: str, accessions: str, studies: str
) -> None:
    path = tmp_path / "identity.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, original, cleaned in (
            (patients, "4711", "Patient ID 1"),
            (accessions, 77, "Accession Number 1"[:16]),
            (studies, "1.2.1", "5.555.5.1"),
            ("studydate", "20240131", "20000101"),
        ):
            connection.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, original, cleaned)")
            sql = f"INSERT INTO {name} (original, cleaned) VALUES (?, ?)"
            connection.execute(sql, (original, cleaned))
    taken = table.take(read_index(path))
    assert (taken.patients, taken.values, taken.conflicts) == (1, 2, ())
    assert table.allocate("lung", "S-{n}", ["4711"])["4711"].patient_id == "Patient ID 1"
    assert table.earlier().uids == {"1.2.1": "5.555.5.1"}
    assert table.earlier().accessions == {"77": "Accession Number"}
    assert table.find("5.555.5.1") == [{"kind": "uid", "original": "1.2.1", "new": "5.555.5.1"}]


def test_an_index_never_changes_what_was_given_out(table: Identities) -> None:
    table.record("lung", _files())
    before = table.all()
    entries = [
        Entry("4711", "Other"),  # who has a pseudonym already
        Entry("0815", "P-001"),  # somebody else's pseudonym
        Entry("1", "a\\b"),  # not a Patient ID
        Entry("2", "B", "1.2.3", "../../etc"),  # not a UID
        Entry("3", "C", "1.2.3", "9.9.3"),
        Entry("3", "C", "1.2.3", "9.9.4"),  # contradicts the last
    ]
    taken = table.take(entries, "lung")
    assert (taken.patients, taken.conflicts) == (1, (1, 2, 3, 4, 6))
    assert table.all()[:1] == before


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\n1,2\n", b"\xff\xfe", b"PK\x03\x04rubbish", b"SQLite format 3\0rubbish",
     b'ANON-PatientID,PHI-PatientID\n"' + b"x" * 200_000],
)  # fmt: skip
def test_what_is_no_index_is_refused_without_its_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index"
    path.write_bytes(content)
    with pytest.raises(ProjectError) as caught:
        read_index(path)
    assert "index of identities" in caught.value.sentence()


def test_columns_are_twelve() -> None:
    assert len(COLUMNS) == 12
