"""``anontui map``: starting, filling, showing, checking and deleting a mapping."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from anontui.operations import paths
from anontui.operations.mounts import Mount
from anontui.project.mapping import Mapping
from anontui.project.selection import Selection
from anontui.settings import load
from anontui.unc import ShareMap
from tests.cli.api import Api
from tests.cli.conftest import SHARE, Command
from tests.dicom.files import dicom_bytes

Write = Callable[..., Path]


@pytest.fixture
def data(project: Path) -> Path:
    """Three patients, the last in two folders, and an empty folder."""
    for name, patient in (
        ("p1/a.dcm", "1"), ("p1/b", "1"), ("p2/c.dcm", "2"), ("p3/raw/d.dcm", "3"), ("p3x/e", "3"),
    ):  # fmt: skip
        path = project / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dicom_bytes(patient_id=patient))
    (project / "data/p1/notes.txt").write_text("Hawthorne")
    (project / "data/empty").mkdir()
    return project / "data"


def rows(anontui: Command) -> list[dict[str, Any]]:
    found = json.loads(anontui("map", "status", "--json").out)["rows"]
    assert isinstance(found, list)
    return found


def sources(anontui: Command) -> list[str]:
    return [row["source"].partition(":")[2].partition("/")[0] for row in rows(anontui)]


# -- init, activate, status, edit, delete ----------------------------------------------------


def test_init_and_status(anontui: Command, project: Path) -> None:
    ran = anontui("map", "status")
    assert ran.code == 1 and "Error: No mapping is active, and this folder has none." in ran.err
    ran = anontui("map", "init")
    assert ran.code == 0 and "project, destination_path" in ran.err and ran.out == ""
    path = project / "anon_mapping.csv"
    assert Mapping.load(path).option("root_source_path") == SHARE
    found = json.loads(anontui("map", "status", "--json").out)
    assert (found["path"], found["rows"]) == (str(path), [])
    assert load(project / ".anontui/settings.yml").active_mapping_file == str(path)


def test_init_again_keeps_the_old_one(anontui: Command, mapping: Write, project: Path) -> None:
    old = mapping("folder:p1,LUNG-001").read_bytes()
    assert anontui("map", "init").code == 2
    assert anontui("map", "init", typed="n\n").code == 1
    assert (project / "anon_mapping.csv").read_bytes() == old
    for words, typed in ((["--yes"], None), ([], "y\n")):
        assert anontui("map", "init", *words, typed=typed).code == 0
        assert Mapping.load(project / "anon_mapping.csv").records == []
    kept = sorted(project.glob("anon_mapping.old*.csv"))
    assert [path.name for path in kept] == ["anon_mapping.old-2.csv", "anon_mapping.old.csv"]
    assert kept[1].read_bytes() == old


def test_commands_in_any_folder_obey_the_active_mapping(
    anontui: Command, mapping: Write, project: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = mapping("folder:p1,LUNG-001")
    other = project / "other"
    other.mkdir()
    (other / "anon_mapping.csv").write_bytes(first.read_bytes().replace(b"LUNG", b"KNEE"))
    monkeypatch.setenv("ANONTUI_SETTINGS", str(project / ".anontui/settings.yml"))
    assert anontui("map", "activate").code == 0
    monkeypatch.chdir(data)
    assert rows(anontui)[0]["pseudo_id"] == "LUNG-001"
    assert anontui("map", "add-study-folders", "p2").code == 0
    assert b"fileselection:p2/fileselection.txt" in first.read_bytes()
    monkeypatch.chdir(other)
    ran = anontui("map", "status")
    assert "LUNG-001" in ran.out and "This is the active mapping" in ran.err
    for place in (".", "anon_mapping.csv"):
        assert anontui("map", "activate", place).code == 0
    assert rows(anontui)[0]["pseudo_id"] == "KNEE-001"
    monkeypatch.chdir(data)
    assert rows(anontui)[0]["pseudo_id"] == "KNEE-001"
    (other / "anon_mapping.csv").unlink()
    ran = anontui("map", "status")
    assert ran.code == 1 and f"The active mapping {other}/anon_mapping.csv is gone" in ran.err
    assert anontui("map", "activate", str(project / "data")).code == 1


def test_status_shows_all_columns(anontui: Command, mapping: Write) -> None:
    mapping("folder:p1,A,Knees,red", columns="source,patient_id,project,colour")
    (row,) = rows(anontui)
    assert (row["pseudo_id"], row["project"], row["colour"]) == ("A", "Knees", "red")
    assert "red" in anontui("map", "status").out


@pytest.mark.parametrize(
    ("script", "code", "says"),
    [
        ("s/LUNG-001//", 0, "1 rows, 1 of them with problems"),
        ("s/LUNG-001/LUNG-002/", 0, "1 rows, all in form."),
        ("s/## Options ##//", 1, "no line ## Options ##"),
    ],
)
def test_edit(
    anontui: Command,
    mapping: Write,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    code: int,
    says: str,
) -> None:
    mapping("folder:p1,LUNG-001")
    monkeypatch.setenv("EDITOR", f"sed -i '{script}'")
    ran = anontui("map", "edit")
    assert ran.code == code and says in ran.err


def test_delete(anontui: Command, mapping: Write, project: Path) -> None:
    path = mapping("folder:p1,LUNG-001")
    assert anontui("map", "activate").code == 0
    assert anontui("map", "delete").code == 2 and path.exists()
    assert anontui("map", "delete", typed="n\n").code == 1 and path.exists()
    assert anontui("map", "delete", "--yes").code == 0 and not path.exists()
    assert load(project / ".anontui/settings.yml").active_mapping_file is None
    assert anontui("map", "delete", "--yes").code == 1


# -- folders ---------------------------------------------------------------------------------


def test_add_study_folders(anontui: Command, data: Path, mapping: Write) -> None:
    mapping()
    ran = anontui("map", "add-study-folders", "data/p1", "data/p2")
    assert ran.code == 0, ran.err
    assert "Added 2 rows." in ran.err
    assert ran.out.splitlines()[0].endswith(": 2 DICOM files (1 others left out)")
    assert [row["source"] for row in rows(anontui)] == [
        "fileselection:p1/fileselection.txt",
        "fileselection:p2/fileselection.txt",
    ]
    ran = anontui("map", "add-study-folders", "data/p1", "data/empty")
    assert ran.code == 1
    assert "Added 0 rows; 1 were there already." in ran.err and "no DICOM file" in ran.err
    assert anontui("map", "add-study-folders", "data/missing").code == 2
    assert anontui("map", "add-study-folders").code == 2


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["p*"], ["p1", "p2", "p3", "p3x"]),
        (["p*x"], ["p3x"]),
        (["*", "p1"], ["p1", "p2", "p3", "p3x"]),
        (["**/raw"], ["p3"]),
    ],
)
def test_wildcards(
    anontui: Command,
    data: Path,
    mapping: Write,
    monkeypatch: pytest.MonkeyPatch,
    patterns: list[str],
    found: list[str],
) -> None:
    path = mapping()
    (data / "empty").rmdir()
    monkeypatch.setenv("ANONTUI_SETTINGS", str(path.parent / ".anontui/settings.yml"))
    assert anontui("map", "activate").code == 0
    monkeypatch.chdir(data)
    assert anontui("map", "add-study-folders", *patterns).code == 0
    assert sources(anontui) == found


def test_excluded_and_by_name(anontui: Command, data: Path, mapping: Write) -> None:
    mapping()
    (data / "p1/fake.dcm").write_text("no DICOM")
    words = ["map", "add-study-folders", "data/p1"]
    assert anontui(*words, "--no-check-dicom", "-e", "a.*", "--exclude-pattern", "no*").code == 0
    assert Selection.load(data / "p1/fileselection.txt").paths == ("b", "fake.dcm")


def test_pseudonyms_as_arguments(anontui: Command, data: Path, mapping: Write) -> None:
    mapping()
    words = ["map", "add-study-folders", "data/p1", "data/p2", "-p", "A"]
    ran = anontui(*words)
    assert ran.code == 2 and "1 pseudonyms are given for 2 sources" in ran.err
    ran = anontui(*words, "-p", "B", "--json")
    assert [row["pseudo_id"] for row in json.loads(ran.out)] == ["A", "B"]
    assert [row["pseudo_id"] for row in rows(anontui)] == ["A", "B"]


def test_pseudonyms_from_a_recipe(anontui: Command, mapping: Write) -> None:
    """Shown first, written after a yes, never one for two."""
    path = mapping("folder:a,P-002", "folder:b,", "folder:c,", "folder:b,")
    before = path.read_bytes()
    shown = anontui("map", "pseudonyms", "P-###", "--dry-run")
    assert shown.code == 0 and "P-003" in shown.out
    assert anontui("map", "pseudonyms", "P-###").code != 0  # nobody is there to say yes
    assert path.read_bytes() == before
    done = anontui("map", "pseudonyms", "P-###", "--yes")
    assert done.code == 0 and "Gave 3 rows a pseudonym; 1 keep theirs." in done.err
    assert [row["pseudo_id"] for row in rows(anontui)] == ["P-002", "P-003", "P-004", "P-003"]
    wrong = anontui("map", "pseudonyms", "none", "--replace")
    assert wrong.code != 0 and "LUNG-###" in wrong.err


def test_random_pseudonyms(anontui: Command, data: Path, mapping: Write) -> None:
    mapping("folder:p2,GIVEN", columns="source,pseudo_id,pseudo_name")
    assert anontui("map", "add-study-folders", "data/p1").code == 0
    words = ["map", "add-study-folders", "data/p1", "data/p2", "data/p3", "--random-pseudonyms"]
    ran = anontui(*words)
    assert ran.code == 0 and "Added 2 rows; 1 that were there got their pseudonym." in ran.err
    found = [(row["pseudo_id"], row["pseudo_name"]) for row in rows(anontui)]
    assert found[0] == ("GIVEN", "")
    assert all(id_ == name and len(id_) == 8 for id_, name in found[1:])
    assert len({id_ for id_, _ in found}) == 4
    assert "Added 0 rows; 3 were there already." in anontui(*words).err


INPUT = "Our list\n\nfolder;pseudonym;remark\n{}\n"


def input_file(project: Path, *lines: str) -> str:
    path = project / "list.csv"
    path.write_text(INPUT.format("\n".join(lines)))
    return str(path)


def test_input_file(anontui: Command, data: Path, mapping: Write, project: Path) -> None:
    mapping(columns="source,pseudo_id,pseudo_name,description")
    name = input_file(
        project, "p1;A;", r"data\p2;B;x", rf"{SHARE}\data\p3\raw;C;", "gone;D;", "empty;E;"
    )
    ran = anontui("map", "add-study-folders", "--input-file", name)
    assert ran.code == 1 and "Added 3 rows." in ran.err
    assert "Error: Row 7 of the input file: There is no such folder." in ran.err
    assert "Error: Row 8 of the input file: There is no DICOM file in this folder." in ran.err
    found = [(row["source"], row["pseudo_id"], row["pseudo_name"]) for row in rows(anontui)]
    assert found == [
        ("fileselection:p1/fileselection.txt", "A", "A"),
        ("fileselection:p2/fileselection.txt", "B", "B"),
        ("fileselection:p3/raw/fileselection.txt", "C", "C"),
    ]
    ran = anontui("map", "add-study-folders", "-f", name)
    assert "Added 0 rows; 3 were there already." in ran.err


def test_input_file_gives_rows_the_pseudonyms_that_they_lack(
    anontui: Command, data: Path, mapping: Write, project: Path
) -> None:
    mapping()
    assert anontui("map", "add-study-folders", "data/p1").code == 0
    ran = anontui("map", "add-study-folders", "-f", input_file(project, "p1;A;"))
    assert ran.code == 0 and "Added 0 rows; 1 that were there got their pseudonym." in ran.err
    assert [row["pseudo_id"] for row in rows(anontui)] == ["A"]


def test_interrupted_in_the_middle_nothing_is_lost(
    anontui: Command, data: Path, mapping: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anontui.operations import importing
    from anontui.operations.selecting import select_folders as select

    mapping()

    def interrupted(workspace: Any, folders: Any, **options: Any) -> Any:
        if folders[0].name == "p3":
            raise KeyboardInterrupt
        return select(workspace, folders, **options)

    monkeypatch.setattr(importing, "select_folders", interrupted)
    assert anontui("map", "add-study-folders", "data/p1", "data/p2", "data/p3").code == 130
    assert sources(anontui) == ["p1", "p2"]


# -- accession numbers and selections --------------------------------------------------------


def test_add_studies(anontui: Command, mapping: Write, project: Path) -> None:
    mapping("study_instance_uid:1.2.3,A")
    ran = anontui("map", "add-studies", "1.2.3", "1.2.4", "Jansen", "1.2.*", "--random-pseudonyms")
    assert (ran.code, ran.out) == (1, "study_instance_uid:1.2.4\n")
    assert ran.err.count("This is no StudyInstanceUID") == 2
    assert "Added 1 row; 1 were there already." in ran.err


def test_add_accession_numbers(anontui: Command, mapping: Write, project: Path) -> None:
    mapping("accession_number:1.1,A")
    words = ["map", "add-accession-numbers"]
    ran = anontui(*words, "1.1", "2.2", "3*", "2.2")
    assert ran.code == 1 and "Added 1 row; 2 were there already." in ran.err
    assert "Error: 3*: This could mean several studies." in ran.err
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["Some list"], [], ["nr", "Acc. Nr", "PseudoID"], [1, "4.4", "D"], [2, "2.2", "B"]):
        book.active.append(row)
    book.save(project / "list.xlsx")
    ran = anontui(*words, "-f", "list.xlsx")
    assert ran.code == 0, ran.err
    assert [(row["source"], row["pseudo_id"]) for row in rows(anontui)] == [
        ("accession_number:1.1", "A"),
        ("accession_number:2.2", "B"),
        ("accession_number:4.4", "D"),
    ]
    ran = anontui(*words, "-f", input_file(project, "p1;A;"))
    assert ran.code == 1 and "no column 'accession number'" in ran.err


@pytest.mark.parametrize("name", ["add-selection-file", "add-selection"])
def test_add_selection_file(anontui: Command, data: Path, mapping: Write, name: str) -> None:
    mapping()
    Selection.new("mine", ("b",)).save(data / "p1/fileselection.txt")
    Selection.new("none", ()).save(data / "p2/fileselection.txt")
    words = ["map", name, "data/p1/fileselection.txt", "data/p2", "data/p3"]
    ran = anontui(*words)
    assert ran.code == 1 and "Added 1 row." in ran.err
    assert "The selection is empty" in ran.err and "There is no file selection" in ran.err
    (row,) = rows(anontui)
    assert row["source"] == "fileselection:p1/fileselection.txt"
    ran = anontui("map", name, "data/p1", "-p", "A")
    assert "1 that were there got their pseudonym" in ran.err


# -- shares ----------------------------------------------------------------------------------


@pytest.fixture
def mounted(project: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data lies on a share of which the user has said nothing yet."""
    path = project / ".anontui/settings.yml"
    load(path).replace(shares=ShareMap()).save()
    mounts = [Mount(r"\\nas\lung", str(data))]
    monkeypatch.setattr(paths, "system_mounts", lambda: mounts)
    return path


def test_the_share_of_the_data_is_agreed_to_once(
    anontui: Command, mapping: Write, mounted: Path, data: Path
) -> None:
    mapping()
    ran = anontui("map", "add-study-folders", "data/p1", typed="y\n")
    assert ran.code == 0 and rf"{data} is the share \\nas\lung, as it seems" in ran.err
    assert rows(anontui)[0]["source"] == r"fileselection:\\nas\lung\p1\fileselection.txt"
    assert load(mounted).shares.pairs == ((r"\\nas\lung", data),)
    ran = anontui("map", "add-study-folders", "data/p2")
    assert ran.code == 0 and "as it seems" not in ran.err


def test_without_a_terminal_a_share_is_taken_with_yes_only(
    anontui: Command, mapping: Write, mounted: Path
) -> None:
    mapping()
    ran = anontui("map", "add-study-folders", "data/p1")
    assert ran.code == 0 and "agree to it with: anontui paths confirm" in ran.err
    assert not load(mounted).shares.pairs
    assert anontui("map", "add-study-folders", "data/p2", "--yes").code == 0
    assert load(mounted).shares.pairs


def test_init_on_a_share_tells_the_root(
    anontui: Command, mounted: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANONTUI_SETTINGS", str(mounted))
    monkeypatch.chdir(data)
    ran = anontui("map", "init", typed="y\n")
    assert ran.code == 0 and "Not set yet: project, destination_path." in ran.err
    assert Mapping.load(data / "anon_mapping.csv").option("root_source_path") == r"\\nas\lung"


def test_sources_that_are_relative_to_nothing_are_told(
    anontui: Command, mounted: Path, mapping: Write
) -> None:
    mapping(options="project,Lung\n")
    ran = anontui("map", "add-study-folders", "data/p1")
    assert ran.code == 0 and "set the option root_source_path" in ran.err
    assert "root_source_path" not in anontui("map", "add-accession-numbers", "1.1").err


# -- check -----------------------------------------------------------------------------------


def test_check_tells_everything_at_once(
    anontui: Command, data: Path, mapping: Write, project: Path
) -> None:
    (data / "p2/second.dcm").write_bytes(dicom_bytes(patient_id="9"))
    Selection.new("x", ("a.dcm", "gone.dcm", "notes.txt")).save(data / "p1/fileselection.txt")
    mapping(
        "fileselection:p1/fileselection.txt,A", "folder:p3,A", "folder:p3x,B", "folder:none,C",
        "folder:empty,D", "folder:p2,E", "folder:p2,E",
    )  # fmt: skip
    (project / "data/p3/a.dcm").unlink()  # the fixture's own, which is no DICOM
    (project / "data/p3x/a.dcm").unlink()
    (project / "data/p2/a.dcm").unlink()
    ran = anontui("map", "check", "--json")
    assert ran.code == 1
    found = [(p["row"], p["column"], p["severity"], p["message"]) for p in json.loads(ran.out)]
    assert found == [
        (1, "source", "error", "1 of 3 files are missing"),
        (1, "source", "warning", "1 of 3 files are no DICOM, at which a job can fail"),
        (1, "pseudo_id", "warning", "Another patient has this pseudonym in row 2"),
        (2, "pseudo_id", "warning", "Another patient has this pseudonym in row 1"),
        (2, "pseudo_id", "warning", "This patient has another pseudonym in row 3"),
        (3, "pseudo_id", "warning", "This patient has another pseudonym in row 2"),
        (4, "source", "error", "There is no such folder"),
        (5, "source", "error", "The folder is empty"),
        (6, "source", "error", "These are the files of 2 patients"),
        (7, "", "error", "This row asks for the same as row 6"),
        (7, "source", "error", "These are the files of 2 patients"),
    ]
    assert all(problem["advice"] for problem in json.loads(ran.out))
    text = anontui("map", "check").err
    assert "Error: rows 6-7, source: These are the files of 2 patients. Make a row" in text
    assert "7 rows: 2 ready to be created." in text


def test_check_of_a_right_mapping(anontui: Command, data: Path, mapping: Write) -> None:
    """Two studies of one patient are no reason to warn."""
    mapping()
    words = ["data/p3", "data/p3x", "-p", "C", "-p", "C"]
    assert anontui("map", "add-study-folders", *words).code == 0
    for more in ([], ["--sample", "1"]):
        ran = anontui("map", "check", *more)
        assert (ran.code, ran.err) == (0, "2 rows: 2 ready to be created.\n")


def test_check_sees_no_patient_where_none_is_named(
    anontui: Command, data: Path, mapping: Write
) -> None:
    mapping()
    (data / "p1/nobody.dcm").write_bytes(dicom_bytes(patient_id=""))
    assert anontui("map", "add-study-folders", "data/p1", "-p", "A").code == 0
    assert anontui("map", "check").code == 0


def test_check_reads_no_file_of_a_share_that_is_not_here(anontui: Command, mapping: Write) -> None:
    mapping("accession_number:1.1,A", r"folder:\\elsewhere\share\p1,B")
    assert anontui("map", "check").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX names")
def test_names_that_no_unc_path_can_say(anontui: Command, data: Path, mapping: Write) -> None:
    mapping()
    os.rename(data / "p1", data / "p1\\x")
    ran = anontui("map", "add-study-folders", "data/p1\\x")
    assert ran.code == 1 and "holds a backslash" in ran.err


def test_pseudonyms_that_jobs_of_the_batch_have_are_passed_over(
    anontui: Command, project: Path, mapping: Write, api: Api
) -> None:
    path = mapping("folder:p1,P-001", "folder:p2,", "folder:p3,")
    api.add(7, "DONE", source_anonymizedpatientid="p-002")
    assert anontui("batch", "add", "7").code == 0
    assert anontui("map", "pseudonyms", "P-###", "--yes").code == 0
    found = Mapping.load(path)
    assert [found.cell(row, "pseudo_id") for row in range(3)] == ["P-001", "P-003", "P-004"]


def test_pseudonyms_without_the_server(
    anontui: Command, project: Path, mapping: Write, api: Api
) -> None:
    path = mapping("folder:p1,")
    api.add(7, "DONE", source_anonymizedpatientid="P-001")
    assert anontui("batch", "add", "7").code == 0
    api.lives = 0
    before = path.read_bytes()
    ran = anontui("map", "pseudonyms", "P-###", "--yes")
    assert ran.code == 1 and "--offline" in ran.err and path.read_bytes() == before
    assert anontui("map", "pseudonyms", "P-###", "--yes", "--offline").code == 0
    assert Mapping.load(path).cell(0, "pseudo_id") == "P-001"
