"""Lists of studies as people bring them."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.errors import ProjectError
from anontui.project.studylist import ListedStudy, read_study_list


def listed(folder: Path, text: str, name: str = "studies.csv") -> list[ListedStudy]:
    path = folder / name
    path.write_bytes(text.encode())
    return list(read_study_list(path).studies)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ACC1\nACC2\n", [ListedStudy(1, "", "ACC1"), ListedStudy(2, "", "ACC2")]),
        ("1.2.840.1\n", [ListedStudy(1, "1.2.840.1")]),
        ("1234567.12345678\n", [ListedStudy(1, "", "1234567.12345678")]),
        ("accession_number:1.2.3.4\n", [ListedStudy(1, "", "1.2.3.4")]),
        ("study_instance_uid: 1.2\n", [ListedStudy(1, "1.2")]),
        ("Study UID;Comments\n1.2.3;a,\tb\n", [ListedStudy(2, "1.2.3", "", "", "a, b")]),
        (
            "# reviewed\n\nAcc Nr,Protocol series,Pseudonym\nA1,yes,P1\n A2 ,no,\nA3,0,\n",
            [
                ListedStudy(4, "", "A1", "P1", "", True),
                ListedStudy(5, "", "A2"),
                ListedStudy(6, "", "A3"),
            ],
        ),
        ('uid,accession\n,A9\n1.2.3,A8\n', [ListedStudy(2, "", "A9"), ListedStudy(3, "1.2.3")]),
        ("\ufeffaccession\r\nA1\r\n", [ListedStudy(2, "", "A1")]),
    ],
)  # fmt: skip
def test_what_is_read(tmp_path: Path, text: str, expected: list[ListedStudy]) -> None:
    assert listed(tmp_path, text) == expected


def test_rows_without_a_study_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("accession\tcomment\nA1\tx\nA*\t\n\tlost\nA1\tagain\n")
    read = read_study_list(path)
    assert [one.accession for one in read.studies] == ["A1"]
    assert read.passed_over == (
        (3, "this is no accession number"),
        (4, "it names no study"),
        (5, "the same as row 2"),
    )


def test_a_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ("Accession number", "Comment"),
        ("0012", "ok"),
        (1234567890123456789, ""),
        (77, ""),
    ):
        sheet.append(row)  # fmt: skip
    book.save(tmp_path / "a.xlsx")
    read = read_study_list(tmp_path / "a.xlsx")
    assert [one.accession for one in read.studies] == ["0012", "77"]
    assert read.passed_over == ((3, "a number of which Excel may have dropped digits"),)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "", "names no study"),
        ("a.csv", "comment\nx\n", "has no column"),
        ("a.csv", "uid,study uid\n1.2,1.3\n", "Two columns"),
        ("a.docx", "x", "cannot be read"),
        ("a.csv", "study uid\nJansen\n", "names no study"),
    ],
)
def test_what_is_refused_without_its_content(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(ProjectError, match=message) as refused:
        listed(tmp_path, text, name)
    assert "Jansen" not in refused.value.sentence()


def test_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="There is no"):
        read_study_list(tmp_path / "a.csv")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("lists") / "a.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read = read_study_list(path)
    except ProjectError:
        return
    assert all(bool(one.study) != bool(one.accession) for one in read.studies)
