"""Faults of AnonAPI 2.1.2 in files, mapping, selection and settings; a test named after each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from anontui import atomic
from anontui.project.mapping import Mapping
from anontui.project.selection import Selection
from tests.cli.api import Api
from tests.cli.conftest import SHARE, Command
from tests.dicom.files import dicom_bytes

Write = Callable[..., Path]


@pytest.fixture
def data(project: Path) -> Path:
    for name in ("p1/a.dcm", "p2/b.dcm"):
        (project / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / "data" / name).write_bytes(dicom_bytes())
    return project / "data"


def rows(anontui: Command) -> list[dict[str, Any]]:
    found = json.loads(anontui("map", "status", "--json").out)["rows"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("destination", ["", "out", r"sub\out", ".", r"C:\out"])
def test_output_path_joined_onto_the_source_folder_when_the_destination_is_missing_or_relative(
    anontui: Command, mapping: Write, api: Api, destination: str
) -> None:
    line = f"destination_path,{destination}\n" if destination else ""
    mapping("folder:p1,A", options=f"root_source_path,{SHARE}\\data\nproject,Lung\n{line}")
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 1 and "destination_path: " in ran.err
    assert not api.jobs


def test_a_quoted_cell_destroying_the_mapping_on_save(
    anontui: Command, data: Path, mapping: Write
) -> None:
    row = 'folder:p2,LUNG-001,"first, ""second"""\nfolder:p3,LUNG-002,"two\nlines"'
    path = mapping(row, columns="source,pseudo_id,description")
    before = path.read_text()
    assert anontui("map", "add-study-folders", "data/p1").code == 0
    assert path.read_text().startswith(before)
    assert [one["description"] for one in rows(anontui)][:2] == ['first, "second"', "two\nlines"]


@pytest.mark.parametrize("header", ["name", "Name", "N.A.M.E."])
def test_a_column_name_of_real_names_taken_as_pseudonym_without_a_question(
    anontui: Command, data: Path, mapping: Write, project: Path, header: str
) -> None:
    mapping()
    (project / "list.csv").write_text(f"folder,{header}\np1,Hawthorne\n")
    words = ["map", "add-study-folders", "-f", "list.csv"]
    for typed, code in ((None, 2), ("n\n", 1)):
        ran = anontui(*words, typed=typed)
        assert ran.code == code and "Hawthorne" not in ran.err
        assert rows(anontui) == []
    ran = anontui(*words, typed="y\n")
    assert ran.code == 0 and f"The column {header!r} is taken as pseudonyms" in ran.err
    assert rows(anontui)[0]["pseudo_id"] == "Hawthorne"
    (project / "list.csv").write_text(f"folder,{header},pseudonym\np2,Hawthorne,P-2\n")
    assert anontui(*words).code == 0
    assert rows(anontui)[1]["pseudo_id"] == "P-2"


@pytest.mark.parametrize(
    "source", [r"folder:..\..\secret", "fileselection:p1/../../x/fileselection.txt"]
)
def test_dot_dot_accepted(anontui: Command, mapping: Write, api: Api, source: str) -> None:
    mapping(f"{source},A")
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 1 and "'..'" in ran.err
    mapping("folder:p1,A", options=f"root_source_path,{SHARE}\\a\\..\\..\\b\nproject,x\n")
    assert "'..'" in anontui("create", "from-mapping", "--yes").err
    assert not api.jobs


def test_dot_dot_accepted_in_a_selection(anontui: Command, data: Path, mapping: Write) -> None:
    mapping()
    path = data / "p1/fileselection.txt"
    path.write_text("description: x\nid: y\nselected_paths: ['..\\..\\secret.dcm']\n")
    ran = anontui("map", "add-selection-file", str(path))
    assert ran.code == 1 and "leads out of its folder" in ran.err and rows(anontui) == []


def test_multi_line_descriptions_glued(anontui: Command, mapping: Write) -> None:
    path = mapping()
    text = path.read_text().replace("\nx\n", "\nfirst line\n\nthird line\n")
    path.write_text(text)
    assert anontui("map", "add-accession-numbers", "1.1").code == 0
    assert path.read_text().startswith(text)
    found = json.loads(anontui("map", "status", "--json").out)
    assert found["description"] == "first line\n\nthird line"


def test_trailing_semicolon_eaten(anontui: Command, mapping: Write) -> None:
    path = mapping("folder:p1,A,left;", columns="source,pseudo_id,description")
    path.write_text(path.read_text().replace("\nx\n", "\none; two;\n"))
    assert anontui("map", "add-accession-numbers", "1.1").code == 0
    found = json.loads(anontui("map", "status", "--json").out)
    assert (found["description"], found["rows"][0]["description"]) == ("one; two;", "left;")


def test_duplicate_folders_collapsing(
    anontui: Command, data: Path, mapping: Write, project: Path
) -> None:
    """Nothing of the list is dropped silently: the check tells what is odd."""
    mapping()
    (project / "list.csv").write_text("folder,pseudonym\np1,A\np1,B\np1,A\n")
    ran = anontui("map", "add-study-folders", "-f", "list.csv")
    assert ran.code == 0 and "Added 2 rows; 1 were there already." in ran.err
    assert [row["pseudo_id"] for row in rows(anontui)] == ["A", "B"]
    assert "This source has several pseudonyms" in anontui("map", "check").err


def test_unknown_settings_dropped(anontui: Command, mapping: Write, project: Path) -> None:
    path = project / ".anontui/settings.yml"
    path.write_text(path.read_text() + "of_tomorrow: {a: [1, 2.5, null]}\n")
    mapping()
    assert anontui("map", "activate").code == 0
    assert anontui("paths", "remove", SHARE).code == 0
    assert yaml.safe_load(path.read_text())["of_tomorrow"] == {"a": [1, 2.5, None]}


@pytest.mark.parametrize(
    "text", ["a: [", "\t", "- x", "a: b: c", "&a [*a]", "!!python/name:x y", "\0"]
)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".anontui/settings.yml", "map status"),
        (".anonbatch", "batch info"),
        ("fileselection.txt", "select status"),
        ("fileselection.txt", "map add-selection-file ."),
    ],
)
def test_tracebacks_on_bad_yaml(
    anontui: Command, mapping: Write, project: Path, text: str, name: str, words: str
) -> None:
    mapping()
    path = project / name
    path.write_text(text)
    path.chmod(0o600)
    ran = anontui(*words.split())
    assert ran.code == 1 and "Error: " in ran.err
    assert path.read_text() == text


LIST = "Our patiënts\n\nfolder{0}value{0}pseudonym\np1{0}x{0}P-1\n"
ALIGNED = "Our patients\n\nfolder   value   pseudonym\np1       x       P-1\n"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + LIST.format(",").encode(),
        LIST.format(";").encode("latin-1"),
        LIST.format(";").encode("utf-16"),
        LIST.format("\t").encode(),
        ALIGNED.encode(),
    ],
    ids=["BOM", "latin-1", "UTF-16", "tab", "aligned columns"],
)
@pytest.mark.parametrize("suffix", [".csv", ".txt"])
def test_bom_latin_1_utf_16_tab_and_aligned_column_input_files_refused(
    anontui: Command, data: Path, mapping: Write, project: Path, content: bytes, suffix: str
) -> None:
    mapping()
    path = (project / "list").with_suffix(suffix)
    path.write_bytes(content)
    assert anontui("map", "add-study-folders", "-f", str(path)).code == 0
    assert [row["pseudo_id"] for row in rows(anontui)] == ["P-1"]


def test_17_digit_excel_numbers_turned_into_an_exponent(
    anontui: Command, mapping: Write, project: Path
) -> None:
    mapping()
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["acc nr", "pseudonym"], [12345678901234500, "A"], [9.87654321098765e16, "B"]):
        book.active.append(row)
    book.save(project / "list.xlsx")
    words = ["map", "add-accession-numbers", "-f", "list.xlsx"]
    ran = anontui(*words, typed="n\n")
    assert ran.code == 1 and "Excel may have dropped digits (rows 2, 3)" in ran.err
    assert rows(anontui) == []
    assert anontui(*words, "--yes").code == 0
    assert [row["source"] for row in rows(anontui)] == [
        "accession_number:12345678901234500",
        "accession_number:98765432109876500",
    ]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_an_option_with_a_comma_unloadable(
    anontui: Command, mapping: Write, delimiter: str
) -> None:
    path = mapping("folder:p1,A", options="project,Lung, left; and right\npims_key,1\n")
    head, table = path.read_text().split("## Mapping ##")
    head = head.replace("project,", f"project{delimiter}")
    path.write_text(head + "## Mapping ##" + table.replace(",", delimiter))
    found = json.loads(anontui("map", "status", "--json").out)
    assert found["options"]["project"] == "Lung, left; and right"
    mapping_ = Mapping.load(path)
    mapping_.set_option("project", "Knee, left")
    line = next(line for line in mapping_.dumps().decode().splitlines() if "Knee" in line)
    assert line == "project,Knee, left"  # which AnonAPI can load with any separator


def test_one_unknown_column_or_comment_refusing_the_file(
    anontui: Command, data: Path, mapping: Write
) -> None:
    path = mapping(
        "# checked by me",
        "folder:p2,A,red,",
        "#folder:p9,B,blue,",
        columns="source,pseudo_id,colour,description",
    )
    text = path.read_text().replace("project,", "# the new one\nmade_by,me\nproject,")
    path.write_text(text)
    assert anontui("map", "add-study-folders", "data/p1").code == 0
    assert path.read_text().startswith(text)
    assert [row["colour"] for row in rows(anontui)] == ["red", ""]


def test_a_row_for_an_empty_folder(anontui: Command, data: Path, mapping: Write) -> None:
    mapping()
    (data / "empty").mkdir()
    (data / "other").mkdir()
    (data / "other/notes.txt").write_text("Hawthorne")
    ran = anontui("map", "add-study-folders", "data/empty", "data/other")
    assert ran.code == 1 and ran.err.count("There is no DICOM file in this folder") == 2
    assert rows(anontui) == []
    assert not list(data.rglob("fileselection.txt"))


def test_fileselection_forced_into_a_read_only_data_folder(
    anontui: Command, data: Path, mapping: Write, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = atomic.write_bytes

    def refuse(path: Path, content: bytes, *, mode: int | None = None) -> None:
        if path.is_relative_to(data):
            raise PermissionError(30, "Read-only file system")
        write(path, content, mode=mode)

    mapping(options=f"root_source_path,{SHARE}\nproject,Lung\ndestination_path,{SHARE}\\out\n")
    monkeypatch.setattr(atomic, "write_bytes", refuse)
    assert anontui("map", "activate").code == 0
    monkeypatch.setenv("ANONTUI_SETTINGS", str(project / ".anontui/settings.yml"))
    for folder, name in ((project, "data/p1"), (data, "p2")):  # as the tutorial has it
        monkeypatch.chdir(folder)
        ran = anontui("map", "add-study-folders", name)
        assert ran.code == 0, ran.err
    assert [row["source"] for row in rows(anontui)] == [
        "fileselection:fileselection-data-p1.txt",
        "fileselection:fileselection-data-p2.txt",
    ]
    assert Selection.load(project / "fileselection-data-p1.txt").paths == ("data/p1/a.dcm",)
