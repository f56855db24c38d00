"""Input files: tables that people bring, in any of the forms that they come in."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anontui.errors import ProjectError
from anontui.project import spreadsheet
from anontui.project.inputfile import InputTable, read_input_file

PROSE = """Some descriptive text that will just be ignored when
parsing this as an input file.

Columns with headers that are not recognized are ignored as well.
Below, 'folder' and 'pseudonym' will be recognized, others ignored

"""
ALIGNED = """folder        value   pseudonym  comment
folder1       A       studyA
folder2/st1   A       studyB     this column
folder2/st2   B       studyC     will be ignored
"""


def read(tmp_path: Path, data: bytes | str, name: str = "input.csv") -> InputTable:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_input_file(path)


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("text", [ALIGNED, PROSE + ALIGNED], ids=["bare", "prose"])
def test_aligned_columns(tmp_path: Path, text: str, end: str) -> None:
    table = read(tmp_path, text.replace("\n", end), "input.txt")
    assert table.columns == ("path", "pseudo_name")
    assert table.rows == (
        ("folder1", "studyA"),
        ("folder2/st1", "studyB"),
        ("folder2/st2", "studyC"),
    )
    first = text.count("\n") - 2
    assert table.row_numbers == (first, first + 1, first + 2)


def test_aligned_columns_that_are_not(tmp_path: Path) -> None:
    right = "folder  pseudonym\n    a1         P1\n    a2         P2\n"
    assert read(tmp_path, right).rows == (("a1", "P1"), ("a2", "P2"))
    for line in ("a long folder name  x  P1", "a long folder P1", "a  b  P1"):
        with pytest.raises(ProjectError, match="Row 2"):
            read(tmp_path, f"folder  pseudonym\n{line}\n")


def test_an_empty_cell_in_aligned_columns_moves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="Row 3 of the input file has no path"):
        read(tmp_path, "folder   value   pseudonym\na        1       P1\n         2       P2\n")


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_separators_and_encodings(tmp_path: Path, mark: str, encoding: str) -> None:
    text = f"Notes{mark}é\n\nMDN{mark}Acc. Nr{mark}PseudoID\n1{mark}12.3{mark}Pé\n{mark}{mark}\n"
    table = read(tmp_path, text.encode(encoding))
    assert table.columns == ("accession_number", "pseudo_name")
    assert table.rows == (("12.3", "Pé"),)
    assert table.row_numbers == (4,)


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("accession number", "accession_number"),
        ("Accession_Number", "accession_number"),
        ("accession-number", "accession_number"),
        ("ACCESSION.NUMBER", "accession_number"),
        ("acc nr", "accession_number"),
        ("Folder", "path"),
        ("map", "path"),
        ("Path ", "path"),
        ("pseudo ID", "pseudo_name"),
        ("Pseudonym", "pseudo_name"),
        ("na.me", "pseudo_name"),
    ],
)
def test_headers(tmp_path: Path, header: str, kind: str) -> None:
    table = read(tmp_path, f"{header}\nx\n")
    assert table.columns == (kind,)
    assert table.to_confirm == (("na.me",) if header == "na.me" else ())


def test_a_name_beside_a_pseudonym_is_the_patient_s(tmp_path: Path) -> None:
    table = read(tmp_path, "Name,folder,PseudoID\nJansen,a,P1\n,b,P2\n")
    assert table == InputTable(("path", "pseudo_name"), (("a", "P1"), ("b", "P2")), (2, 3))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no column 'folder' or 'accession number'"),
        ("a,b\n1,2\n", "has no column 'folder'"),
        ("folder,map\na,b\n", "Two columns of the input file mean path"),
        ("x\nfolder,pseudonym\na,P1\n\nb,\n", "Row 5 of the input file has no pseudo_name"),
        ("folder,pseudonym\nJansen, Jan,P1\n", "Row 2 of the input file has more cells"),
        ('folder,pseudonym\n"a,P1\nb,P2\n', "a quote is never closed"),
    ],
)
def test_wrong_tables_name_the_row(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, text)
    assert says in caught.value.message
    assert "Jansen" not in caught.value.sentence()
    assert caught.value.advice


@pytest.mark.parametrize(
    "comment",
    ["# from the ward", "# one, two, three, four", "#,,", "  # x;y", "# a  b  c  d"],
)
@pytest.mark.parametrize("text", ["folder,pseudonym\na,P1\n", "folder  pseudonym\na       P1\n"])
def test_comments_between_rows_are_no_rows(tmp_path: Path, text: str, comment: str) -> None:
    table = read(tmp_path, f"{text}{comment}\n{text.splitlines()[1]}\n")
    assert (table.rows, table.row_numbers) == ((("a", "P1"), ("a", "P1")), (2, 4))


def test_only_the_wanted_source_counts(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    path.write_text("folder,acc nr,pseudonym\na,,P1\n")
    assert read_input_file(path, "path").rows == (("a", "P1"),)
    with pytest.raises(ProjectError, match="no accession_number"):
        read_input_file(path, "accession_number")
    path.write_text("folder,pseudonym\na,P1\n")
    with pytest.raises(ProjectError, match="no column 'accession number'"):
        read_input_file(path, "accession_number")


def test_quoted_cells_count_their_lines(tmp_path: Path) -> None:
    table = read(tmp_path, 'folder,note\n"a, b","two\nlines"\nc,\n')
    assert (table.rows, table.row_numbers) == ((("a, b",), ("c",)), (2, 4))


@pytest.mark.parametrize("name", ["input.xls", "input.docx", "input"])
def test_other_types_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProjectError) as caught:
        read(tmp_path, b"folder\na\n", name)
    assert ".xlsx" in caught.value.advice


@pytest.mark.parametrize(
    ("value", "text", "doubtful"),
    [
        ("0012", "0012", False),
        ("1234567.12345670", "1234567.12345670", False),
        (12345678, "12345678", False),
        (12345678.0, "12345678", False),
        (1.23456789012345e16, "12345678901234500", True),
        (12345678901234570, "12345678901234570", True),
        (1234567.1234567, "1234567.1234567", True),
        (1e-7, "0.0000001", True),
        (True, "TRUE", False),
        (date(2020, 1, 2), "2020-01-02", False),
        (datetime(2020, 1, 2, 3, 4), "2020-01-02T03:04:00", False),
    ],
)
def test_cells_of_a_workbook(tmp_path: Path, value: object, text: str, doubtful: bool) -> None:
    table = read(tmp_path, workbook(["x"], [], ["acc nr"], [value]), "input.xlsx")
    assert (table.rows, table.row_numbers) == (((text,),), (4,))
    assert bool(table.warnings) == doubtful
    assert not table.warnings or "rows 4" in table.warnings[0]


def test_numbers_in_other_columns_are_no_matter(tmp_path: Path) -> None:
    table = read(tmp_path, workbook(["folder", "weight"], ["a", 70.5]), "input.xlsx")
    assert table.warnings == ()


def repacked(data: bytes, **members: bytes) -> bytes:
    """The workbook with members replaced (by the last part of their names)."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for item in old.infolist():
            stem = Path(item.filename).stem
            new.writestr(item.filename, members.get(stem, old.read(item)))
    return out.getvalue()


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<dimension ref="A1:XFD1048576"/><sheetData>{}</sheetData></worksheet>'
)
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>folder</t></is></c></row>'


def sheet(rows: str) -> bytes:
    return repacked(workbook(["folder"]), sheet1=SHEET.format(HEADER + rows).encode())


def test_a_claimed_width_is_not_believed(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>1.23E+17</v></c></row>' for n in range(2, 500))
    table = read(tmp_path, sheet(rows), "a.xlsx")
    assert len(table.rows) == 498
    assert table.rows[0] == ("123000000000000000",)


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="999999999"><c r="A999999999"><v>1</v></c></row>',
        "".join(f'<row r="{n}"><c r="ZZZ{n}"><v>1</v></c></row>' for n in range(2, 40)),
    ],
    ids=["far row", "far columns"],
)
def test_huge_sheets_are_stopped(
    tmp_path: Path, rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "_CELL_LIMIT", 500_000)
    with pytest.raises(ProjectError, match="too large"):
        read(tmp_path, sheet(rows), "a.xlsx")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    data = repacked(workbook(["folder"], ["a"]), sheet1=bytes(300 * 1024 * 1024))
    assert len(data) < 1024 * 1024
    with pytest.raises(ProjectError, match="too large"):
        read(tmp_path, data, "a.xlsx")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{}]><x>&k;</x>'.format(
    "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
    )
)


@pytest.mark.parametrize("member", ["workbook", "sheet1", "styles", "[Content_Types]"])
@pytest.mark.parametrize("content", [b"", b"<a>", b"\x00", b"<a/>", BOMB.encode()])
def test_a_damaged_workbook_gives_a_clear_error(
    tmp_path: Path, member: str, content: bytes
) -> None:
    data = repacked(workbook(["folder"], ["a"]), **{member: content})
    try:
        read(tmp_path, data, "a.xlsx")
    except ProjectError as error:
        assert error.advice


@settings(deadline=None, database=None)
@given(st.binary(max_size=100))
def test_no_bytes_give_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("input")
    for name, start in (("a.xlsx", b"PK\x03\x04"), ("a.csv", b"folder,name\n"), ("a.txt", b"")):
        try:
            read(folder, start + data, name)
        except ProjectError as error:
            assert error.advice
