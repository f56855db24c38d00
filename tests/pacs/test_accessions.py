"""Accession numbers, from the files that people have them in."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from anontui.errors import PacsError
from anontui.pacs.accessions import MOST_BYTES, read_accessions, write_not_found


@pytest.mark.parametrize(
    ("content", "numbers", "passed_over"),
    [
        ("A1\nA2\n", "A1 A2", []),
        ("A1\r\nA2", "A1 A2", []),
        ("\n\n A1 \n\n\tA2\t\n", "A1 A2", []),
        ("\ufeffA1\nA2\n", "A1 A2", []),
        ("Accession Number\nA1\n", "A1", [1]),
        ("AccessionNumber\nA1\n", "A1", [1]),
        ("accession_no\nA1\n", "A1", [1]),
        ("ACC#\nA1\n", "A1", [1]),
        ("numbers of the study\nA1\n", "A1", [1]),
        ("A1\nA2\nA1\nA3\nA2\n", "A1 A2 A3", [3, 5]),
        ("PatientID,AccessionNumber\nP1,A1\nP2,A2\nP1,A3\n", "A1 A2 A3", [1]),
        ("PatientID;Accession Number;x\nP1;A1;\nP2;;y\n", "A1", [1, 3]),
        ("acc_num\tdate\nA1\t20240101\n", "A1", [1]),
        ('note,accession\n"one, two",A1\n"two\nlines",A2\n', "A1 A2", [1]),
        ("accession,patient\nA1,P1\nA2\n", "A1 A2", [1]),
        ("accession\n*\nA?\nA\\B\n" + "9" * 65 + "\nA1\n", "A1", [1, 2, 3, 4, 5]),
        ("0012\n12\n", "0012 12", []),
        ("A1,\nA2,\n", "A1 A2", []),
        ("2024.123/4\n", "2024.123/4", []),
    ],
)
@pytest.mark.parametrize("ending", [".txt", ".csv"])
def test_texts(
    tmp_path: Path, content: str, numbers: str, passed_over: list[int], ending: str
) -> None:
    path = tmp_path / f"list{ending}"
    path.write_text(content, newline="", encoding="utf-8")
    found = read_accessions(path)
    assert found.numbers == tuple(numbers.split())
    assert [one.line for one in found.passed_over] == passed_over
    assert all(one.reason for one in found.passed_over)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text("Patiënt;Accession\nP1;A1\n", encoding=encoding)
    assert read_accessions(path).numbers == ("A1",)


def test_what_was_passed_over_does_not_tell_the_number(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("A1\nA1\nB*\n")
    found = read_accessions(path)
    assert [one.reason for one in found.passed_over] == [
        "it is the same as in line 1",
        "this is not an accession number",
    ]
    assert "A1" not in repr(found)


def workbook(path: Path, *rows: list[object], number_format: str = "General") -> Path:
    book = Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(row)
    for cells in sheet.iter_rows():
        for cell in cells:
            cell.number_format = number_format
    book.save(path)
    return path


def test_a_workbook(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "list.xlsx",
        ["Patient", "Accession number", None],
        ["P1", "A1", None],
        [None, None, None],
        ["P2", 1234567, None],
        ["P3", 7654321.0, "note"],
        ["P4", " A1 ", None],
        ["P5", None, None],
    )
    found = read_accessions(path)
    assert found.numbers == ("A1", "1234567", "7654321")
    assert [one.line for one in found.passed_over] == [1, 6, 7]


def test_zeros_that_a_workbook_shows_are_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "list.xlsx", [12], [345678], number_format="00000000")
    assert read_accessions(path).numbers == ("00000012", "00345678")


def test_a_column_that_is_not_the_first_may_be_the_only_one(tmp_path: Path) -> None:
    path = workbook(tmp_path / "list.xlsx", [None, "A1"], [None, "A2"])
    assert read_accessions(path).numbers == ("A1", "A2")


def bomb(path: Path) -> None:
    workbook(path, ["A1"])
    with ZipFile(path, "a", ZIP_DEFLATED) as packed, packed.open("xl/big.xml", "w") as member:
        for _ in range(300):
            member.write(bytes(1 << 20))


@pytest.mark.parametrize(
    ("make", "name", "words"),
    [
        (lambda path: path.write_bytes(b""), "a.txt", "there are no accession numbers"),
        (lambda path: path.write_text("accession\n"), "a.csv", "there are no accession numbers"),
        (lambda path: path.write_text("P1,A1\nP2,A2\n"), "a.csv", "several columns"),
        (lambda path: path.write_bytes(b"\0\1\2" * 99), "a.txt", "it is no text"),
        (lambda path: path.write_bytes(b"A1\n" * MOST_BYTES), "a.txt", "too large"),
        (lambda path: path.write_text("A1\n"), "a.xlsx", "no workbook"),
        (bomb, "a.xlsx", "too large"),
        (lambda path: ZipFile(path, "w").close(), "a.xlsx", "no workbook"),
        (lambda path: path.mkdir(), "a.txt", "directory"),
        (lambda path: None, "a.txt", "No such file"),
    ],
)
def test_files_that_do_not_do(tmp_path: Path, make: object, name: str, words: str) -> None:
    path = tmp_path / name
    make(path)  # type: ignore[operator]
    with pytest.raises(PacsError, match=words) as raised:
        read_accessions(path)
    assert raised.value.advice
    assert name not in raised.value.sentence()  # it may be named after a patient


@given(st.binary(max_size=300), st.sampled_from([".txt", ".csv", ".xlsx"]))
def test_any_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{ending}"
    path.write_bytes(content)
    try:
        found = read_accessions(path)
    except PacsError:
        return
    assert len(set(found.numbers)) == len(found.numbers)
    assert all(number.strip() == number and number for number in found.numbers)


def test_the_list_of_what_was_not_found_is_beside_and_private(tmp_path: Path) -> None:
    path = write_not_found(tmp_path / "list.csv", ["A1", "A2"])
    assert path == tmp_path / "list-not-found.txt"
    assert path.read_text() == "A1\nA2\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_accessions(path).numbers == ("A1", "A2")


def test_a_list_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(PacsError, match="cannot be written"):
        write_not_found(tmp_path / "missing" / "list.csv", ["A1"])
