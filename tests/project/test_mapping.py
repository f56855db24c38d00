"""Mappings: read as people and programs write them, written as they were."""

from __future__ import annotations

import locale
from pathlib import Path

import pytest

from anontui.errors import ProjectError
from anontui.project.dialect import local_delimiter
from anontui.project.mapping import COLUMNS, Mapping, canonical
from tests.project import make
from tests.project.make import HEAD, mapping_of

CONCEPTS = r"""## Description ##
Mapping created February 12 2020

## Options ##
root_source_path, \\server\share2\data
project,          Wetenschap-Algemeen
destination_path, \\server\share\folder

## Mapping ##
source,                            patient_id, patient_name, description
folder:example/folder1,            001,        Patient1,     All files from folder1
study_instance_uid:123.12178,      002,        Patient2,     A StudyInstanceUID from PACS
accession_number:12345678.1234567, 003,        Patient3,     An AccessionNumber from PACS
fileselection:a/fileselection.txt, 004,        Patient4,     A selection of files in a
"""
EXCEL = (
    '## Description ##;;;\r\n"Knees; left";;;\r\nand é;;;\r\n;;;\r\n## OPTIONS ##;;;\r\n'
    'project;"Knees, left; right";;\r\ndestination_path;\\\\server\\share;;\r\n;;;\r\n'
    "## mapping ##;;;\r\nsource;pseudo_id;;\r\nfolder:a;001;;\r\n;;;\r\nfolder:b;002;;\r\n;;;\r\n"
)


def test_padded_cells_and_options_are_read_stripped() -> None:
    mapping = Mapping.loads(CONCEPTS.encode())
    assert mapping.option("project") == "Wetenschap-Algemeen"
    assert mapping.option("root_source_path") == r"\\server\share2\data"
    assert [mapping.cell(row, "pseudo_id") for row in range(4)] == ["001", "002", "003", "004"]
    assert mapping.rows[0][1] == "            001"


def test_what_excel_adds_is_ignored() -> None:
    mapping = Mapping.loads(EXCEL.encode("cp1252"))
    assert mapping.description == "Knees; left\nand é"
    assert mapping.options == [
        ("project", "Knees, left; right"),
        ("destination_path", r"\\server\share"),
    ]
    assert mapping.columns == ["source", "pseudo_id"]
    assert [mapping.cell(row, "source") for row in range(2)] == ["folder:a", "folder:b"]


@pytest.mark.parametrize("text", [CONCEPTS, EXCEL], ids=["aligned", "excel"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"])
@pytest.mark.parametrize("last", ["", "\n", "\n\n \n", "\n# the end"])
def test_an_untouched_file_is_written_as_it_was(
    text: str, end: str, encoding: str, last: str
) -> None:
    text = (text.replace("\r", "").rstrip("\n") + last).replace("\n", end)
    data = text.encode(encoding)
    mapping = Mapping.loads(data)
    assert mapping.dumps() == data
    assert mapping.line_end == end
    assert len(mapping.rows) in (2, 4)


def test_bytes_that_no_code_page_knows_stay() -> None:
    data = (HEAD + make.COLUMNS + "folder:a,1,2,").encode() + b"\x81\xff\n"
    mapping = Mapping.loads(data)
    assert mapping.dumps() == data
    mapping.set_option("project", "Hips")
    assert mapping.dumps() == data.replace(b"Knees", b"Hips")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("nothing of the kind", "none of the section headers"),
        ("\x00\x01\x02", "none of the section headers"),
        ("## Options ##\n## Mapping ##\nsource\n", "no line ## Description ##"),
        ("## Description ##\n## Mapping ##\nsource\n", "no line ## Options ##"),
        ("## Description ##\n## Options ##\n", "no line ## Mapping ##"),
        ("## Description ##\n", "no line ## Options ## and no line ## Mapping ##"),
        ("## Options ##\n## Description ##\n## Mapping ##\nsource\n", "not in their order"),
        ("## Mapping ##\nsource\n## Description ##\n## Options ##\n", "not in their order"),
        (HEAD + "folder:a,1,2,3\n", "no row of column names"),
        (HEAD + "one,two\nfolder:a,1\n", "no row of column names"),
        (HEAD + "project,folder:a\nfolder:b,1\n", "no row of column names"),
        (HEAD + make.COLUMNS + 'folder:a,"1,2,\nfolder:b,1,2,\n', "a quote is never closed"),
        (HEAD + make.COLUMNS + "folder:a," + "1" * 200_000 + "\n", "far too long"),
    ],
)
def test_what_is_no_mapping_gives_one_clear_error(text: str, says: str) -> None:
    with pytest.raises(ProjectError) as caught:
        Mapping.loads(text.encode())
    assert says in caught.value.message
    assert caught.value.advice.endswith(".")


def test_damaged_utf16_is_an_error() -> None:
    with pytest.raises(ProjectError, match="UTF-16"):
        Mapping.loads(HEAD.encode("utf-16") + b"\x00")


@pytest.mark.parametrize("kind", ["missing", "folder", "nul"])
def test_what_is_no_file_gives_an_error(tmp_path: Path, kind: str) -> None:
    path = {"missing": tmp_path / "no.csv", "folder": tmp_path, "nul": tmp_path / "\0"}[kind]
    with pytest.raises(ProjectError) as caught:
        Mapping.load(path)
    assert str(tmp_path) not in caught.value.sentence()


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("source,pseudo_id", ","),
        ("source;pseudo_id", ";"),
        ("source\tpseudo_id", "\t"),
        ("source;a comment, with commas, many", ";"),
        ("source,a;b;c", ","),
        ('"source";"pseudo_id"', ";"),
        ("source", ","),
    ],
)
def test_the_delimiter_is_sniffed(header: str, delimiter: str) -> None:
    assert mapping_of(header + "\n").delimiter == delimiter


@pytest.mark.parametrize("where", ["## Mapping ##;", "## Options ##;", "project;Knees"])
def test_a_single_column_takes_the_delimiter_from_the_rest(where: str) -> None:
    head = HEAD.replace("project,Knees\n", "")
    head = head.replace(where[:-1], where) if where[0] == "#" else head.replace("##\n\n", "##\n")
    head = head.replace("## Options ##\n", "## Options ##\nproject;Knees\n")
    assert mapping_of("source\nfolder:a\n", head).delimiter == ";"


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("project,Knees", "project", "Knees"),
        ("project;Knees", "project", "Knees"),
        (" project ,  Knees  ", "project", "Knees"),
        ("project,Knees,,,", "project", "Knees"),
        ("project,Knees, left, and; right", "project", "Knees, left, and; right"),
        ('project,"Knees, left",,', "project", "Knees, left"),
        ('"project";"say ""hi""";', "project", 'say "hi"'),
        ('project,"left" and "right"', "project", 'left and "right"'),
        ("project,", "project", ""),
        ("project", "project", ""),
        ("Patient_ID,7", "pseudo_id", "7"),
        ("colour,blue", "colour", "blue"),
    ],
)
def test_option_lines(line: str, name: str, value: str) -> None:
    mapping = mapping_of(make.COLUMNS, HEAD.replace("project,Knees", line))
    assert mapping.option(name) == value
    assert len(mapping.options) == 1


@pytest.mark.parametrize("line", ["", ",,,", " ;", "# project,Knees", "  # a comment"])
def test_lines_that_are_no_option(line: str) -> None:
    assert mapping_of(make.COLUMNS, HEAD.replace("project,Knees", line)).options == []


def test_the_last_of_two_options_counts() -> None:
    mapping = mapping_of(make.COLUMNS, HEAD.replace("Knees", "Knees\nproject,Hips"))
    assert mapping.option("project") == "Hips"
    mapping.set_option("project", "Feet")
    assert b"project,Knees\nproject,Feet\n" in mapping.dumps()


@pytest.mark.parametrize(
    "value",
    ["x", "a, b", "a; b", "a,", "a;", '"', '"a"', '"a', 'a"', "'", "#", "=1+1", "é €", "łódź"],
)
@pytest.mark.parametrize("text", [CONCEPTS, EXCEL], ids=["aligned", "excel"])
@pytest.mark.parametrize("name", ["project", "pims_key"])
def test_a_set_option_is_read_back_and_touches_its_line_only(
    text: str, name: str, value: str
) -> None:
    mapping = Mapping.loads(text.encode())
    before = mapping.dumps().decode("utf-8-sig").splitlines()
    mapping.set_option(name, value)
    again = Mapping.loads(mapping.dumps())
    assert again.option(name) == value
    after = again.dumps().decode("utf-8-sig").splitlines()
    untouched = [line for line in before if not line.startswith(name)]
    assert [line for line in after if not line.startswith(name)] == untouched
    mapping.set_option(name, "")
    assert mapping.option(name) == ""
    assert not any(line.startswith(name) for line in mapping.dumps().decode().splitlines())


def test_padding_stays_where_an_option_is_set() -> None:
    mapping = Mapping.loads(CONCEPTS.encode())
    mapping.set_option("project", "Other")
    assert b"project,          Other\n" in mapping.dumps()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("project", "two\nlines"),
        ("project", "## Mapping ##"),
        ("project", "x\0"),
        ("project", "x\ud800"),
        ("a,b", "x"),
        ("#a", "x"),
        ("", "x"),
    ],
)
def test_an_option_that_would_break_the_file_is_refused(name: str, value: str) -> None:
    mapping = Mapping.loads(CONCEPTS.encode())
    with pytest.raises(ProjectError):
        mapping.set_option(name, value)
    assert mapping.dumps() == CONCEPTS.encode()


def test_comments_and_empty_lines_between_rows_are_no_rows() -> None:
    mapping = mapping_of(
        "\n# first\n" + make.COLUMNS + "# second, with a comma\nfolder:a,1,,\n\n,,,\n"
        "#folder:gone,9,,\nfolder:b,2,,\n  # last\n"
    )
    assert [row[0] for row in mapping.rows] == ["folder:a", "folder:b"]


def test_a_number_sign_is_no_comment_where_the_line_has_a_source() -> None:
    mapping = mapping_of("description,source\n#1,folder:a\n#2,nothing\n")
    assert list(mapping.rows) == [["#1", "folder:a"]]


def test_a_number_sign_behind_an_empty_cell_is_no_comment() -> None:
    assert list(mapping_of("source,pseudo_id\n,#1\n").rows) == [["", "#1"]]


def test_quoted_cells_ragged_rows_and_unknown_columns() -> None:
    mapping = mapping_of(
        "Source,colour,Patient_ID\n"
        '"folder:a, b",blue,"say ""hi"""\n'
        "folder:c\n"
        'folder:d,red,3,more,"and\nmore"\n'
        'folder:e,5" disk,"a"b\n'
    )
    assert list(mapping.rows) == [
        ["folder:a, b", "blue", 'say "hi"'],
        ["folder:c"],
        ["folder:d", "red", "3", "more", "and\nmore"],
        ["folder:e", '5" disk', "ab"],
    ]
    assert mapping.cell(0, "pseudo_id") == 'say "hi"'
    assert mapping.cell(1, "pseudo_id") == ""
    assert mapping.cell(0, "COLOUR") == "blue"
    assert mapping.cell(0, "no such") == ""
    assert mapping.rows[1:3] == [mapping.rows[1], mapping.rows[2]]


def test_quotes_may_stand_behind_padding() -> None:
    mapping = mapping_of(
        'source,     pseudo_id, description\nfolder:a,   "1",       "last, first"\n'
    )
    assert list(mapping.rows) == [["folder:a", "1", "last, first"]]


def test_parameters_are_options_overruled_by_cells() -> None:
    mapping = mapping_of(
        "source,project,patient_name\nfolder:a, Hips ,P1\nfolder:b,,P2\n",
        HEAD.replace("project,Knees", "project,Knees\npims_key,7\nPatient_ID,"),
    )
    assert mapping.parameters(0) == {
        "source": "folder:a",
        "project": "Hips",
        "pims_key": "7",
        "pseudo_name": "P1",
    }
    assert mapping.parameters(1)["project"] == "Knees"


def test_a_name_of_now_counts_before_an_old_one() -> None:
    mapping = mapping_of("source,patient_id,pseudo_id\nfolder:a,real,P1\n")
    assert mapping.cell(0, "pseudo_id") == mapping.cell(0, "patient_id") == "P1"
    assert mapping.doubled == {"pseudo_id"}


def test_canonical() -> None:
    assert canonical(" Patient_ID ") == "pseudo_id"
    assert canonical("Colour") == "colour"


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_new_mapping(delimiter: str) -> None:
    mapping = Mapping.new(
        description="Two\nlines", options={"project": "Knees", "pims_key": ""}, delimiter=delimiter
    )
    assert mapping.columns == list(COLUMNS)
    again = Mapping.loads(mapping.dumps())
    assert (again.description, again.options) == ("Two\nlines", [("project", "Knees")])
    assert again.delimiter == delimiter
    assert b"\r\n\r\n## Options ##\r\n" in mapping.dumps()


def test_a_table_without_column_names_gets_ours_with_its_first_row() -> None:
    mapping = mapping_of("\n")
    assert mapping.columns == list(COLUMNS)
    assert len(mapping.rows) == 0


@pytest.mark.parametrize("named", ["C", "no_SUCH.locale"])
def test_the_delimiter_is_the_locale_s(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    before = locale.setlocale(locale.LC_NUMERIC)
    monkeypatch.setenv("LC_ALL", named)
    assert local_delimiter() == ","
    assert locale.setlocale(locale.LC_NUMERIC) == before


def test_the_delimiter_where_the_decimal_point_is_a_comma(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(locale, "localeconv", lambda: {"decimal_point": ","})
    assert local_delimiter() == ";"
