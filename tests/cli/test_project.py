"""``anontui map``, ``select`` and ``create``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from anontui.project.batch import Batch
from anontui.project.mapping import Mapping
from tests.cli.api import Api
from tests.cli.conftest import SHARE, Command

DICOM = bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00\x00\x00\x00\x00" + bytes(64)
Write = Callable[..., Path]


@pytest.fixture
def data(project: Path) -> Path:
    for name in ("p1/a.dcm", "p1/b.dcm", "p2/c.dcm"):
        path = project / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(DICOM)
    (project / "data/p1/notes.txt").write_text("Hawthorne")
    (project / "data/empty").mkdir()
    return project / "data"


def test_map_init_and_status(anontui: Command, project: Path) -> None:
    ran = anontui("map", "status")
    assert ran.code == 1 and "Error: " in ran.err
    ran = anontui("map", "init")
    assert ran.code == 0 and "project, destination_path" in ran.err
    assert Mapping.load(project / "anon_mapping.csv").option("root_source_path") == SHARE
    ran = anontui("map", "init")
    assert ran.code == 1 and "There is a mapping already" in ran.err
    assert json.loads(anontui("map", "status", "--json").out)["rows"] == []


def test_add_study_folders(anontui: Command, data: Path, mapping: Write, project: Path) -> None:
    mapping()
    ran = anontui("map", "add-study-folders", "data/p*")
    assert ran.code == 0, ran.err
    assert "Added 2 rows." in ran.err
    found = json.loads(anontui("map", "status", "--json").out)["rows"]
    assert [row["source"] for row in found] == [
        "fileselection:p1/fileselection.txt",
        "fileselection:p2/fileselection.txt",
    ]
    ran = anontui("map", "add-study-folders", "data/p1", "data/empty")
    assert ran.code == 1
    assert "Added 0 rows; 1 were there already." in ran.err and "no DICOM file" in ran.err
    assert anontui("map", "add-study-folders", "data/missing").code == 2


def test_select(anontui: Command, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    ran = anontui("select", "status")
    assert ran.code == 1 and "has no selection" in ran.err
    assert "now holds 3 files" in anontui("select", "add", "*").err
    assert anontui("select", "status").out == "p1/a.dcm\np1/b.dcm\np2/c.dcm\n"
    assert len(json.loads(anontui("select", "status", "--json").out)["selected_paths"]) == 3
    ran = anontui("select", "add", "*.raw")
    assert ran.code == 1 and "No DICOM file matches" in ran.err


def test_selection_that_leads_out(
    anontui: Command, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data)
    path = data / "fileselection.txt"
    path.write_text("description: x\nid: y\nselected_paths: ['..\\..\\secret.dcm']\n")
    before = path.read_bytes()
    for words in (["select", "status"], ["select", "add", "*"]):
        ran = anontui(*words)
        assert ran.code == 1 and "leads out of its folder" in ran.err
    assert path.read_bytes() == before


def test_dry_run_sends_nothing(anontui: Command, mapping: Write, api: Api, project: Path) -> None:
    mapping("folder:p1,LUNG-001", "folder:p2,LUNG-002")
    ran = anontui("create", "from-mapping", "--dry-run")
    assert ran.code == 0 and "2 jobs would be created. Nothing was sent." in ran.err
    assert len(ran.out.splitlines()) == 3
    found = json.loads(anontui("create", "from-mapping", "--dry-run", "--json").out)
    assert found[0]["request"]["source_path"] == rf"folder:{SHARE}\data\p1"
    assert api.requests == [] and Batch.load(project) is None


def test_create(anontui: Command, mapping: Write, api: Api, project: Path) -> None:
    mapping("folder:p1,LUNG-001", "folder:p2,LUNG-002")
    ran = anontui("create", "from-mapping")
    assert ran.code == 2 and "--yes" in ran.err and not api.jobs
    ran = anontui("create", "from-mapping", typed="n\n")
    assert ran.code == 1 and not api.jobs
    assert rf"Create 2 jobs on p01 for the project Lung, writing to {SHARE}\out?" in ran.err
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 0 and [line.split() for line in ran.out.splitlines()[1:]] == [
        ["41", "1", "LUNG-001"],
        ["42", "2", "LUNG-002"],
    ]
    batch = Batch.load(project)
    assert batch and batch.job_ids == (41, 42)
    ran = anontui("create", "from-mapping", "--yes", "--json")
    assert ran.code == 0 and json.loads(ran.out) == [] and "2 exist already" in ran.err
    assert len(api.jobs) == 2


def test_create_some(anontui: Command, mapping: Write, api: Api) -> None:
    mapping("folder:p1,LUNG-001", "folder:p2,LUNG-002", "folder:p3,")
    words = ["create", "from-mapping", "--yes", "-f"]
    assert anontui(*words, "LUNG-002", "--json").code == 0
    assert [job["source_anonymizedpatientid"] for job in api.jobs.values()] == ["LUNG-002"]
    ran = anontui(*words, "LUNG-9")
    assert ran.code == 1 and "No row of the mapping has this pseudonym" in ran.err


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        (["folder:p1,"], "", "Error: row 1, pseudo_id: There is no pseudonym. Fill in"),
        (
            ["folder:p1,A"],
            f"root_source_path,{SHARE}\\data\nproject,Lung\n",
            "destination_path: There is no destination. Set the option",
        ),
        (
            ["folder:p1,A"],
            f"root_source_path,{SHARE}\\data\nproject,Lung\ndestination_path,{SHARE}\\data\\p1\n",
            "destination_path: The destination lies inside the source. Choose",
        ),
        (["folder:/mnt/p9,A"], "", "source: The source is not a UNC path"),
        ([r"folder:..\..\secret,A"], "", "source: This path holds '..'"),
        (["folder:p1,A", "folder:gone,B"], "", "row 2, source: There is no such folder"),
    ],
)
def test_wrong_mapping_sends_nothing(
    anontui: Command, mapping: Write, api: Api, rows: list[str], options: str, says: str
) -> None:
    mapping(*rows, options=options)
    for more in ([], ["--dry-run"]):
        ran = anontui("create", "from-mapping", "--yes", *more)
        assert ran.code == 1 and says in ran.err
        assert ran.err.splitlines()[-1].startswith("Error: Nothing is created while")
    assert api.requests == []


def test_mapping_with_a_missing_section(anontui: Command, project: Path, api: Api) -> None:
    path = project / "anon_mapping.csv"
    path.write_text("## Description ##\nx\n## Mapping ##\nsource,pseudo_id\nfolder:a,A\n")
    for words in (["map", "status"], ["create", "from-mapping", "--yes"]):
        ran = anontui(*words)
        assert ran.code == 1 and len(ran.err.splitlines()) == 1 and "Options" in ran.err


def test_no_text_of_a_file_steers_the_terminal(anontui: Command, mapping: Write) -> None:
    mapping("folder:p\x1b]0;owned\x07,LUNG-001", options="project,\x1b[2J\n")
    for words in (["map", "status"], ["create", "from-mapping", "--dry-run"]):
        ran = anontui(*words)
        assert not {"\x1b", "\x07"} & set(ran.out + ran.err)


def test_quoted_cells_stay_as_they_are(
    anontui: Command, data: Path, mapping: Write, project: Path
) -> None:
    row = 'folder:p2,LUNG-002,"first, ""second"""'
    path = mapping(row, columns="source,pseudo_id,description")
    assert anontui("map", "add-study-folders", "data/p1").code == 0
    assert row in path.read_text()


@pytest.mark.parametrize("silent", [False, True], ids=["answered", "answer lost"])
def test_server_dies_in_the_middle_of_100_jobs(
    anontui: Command, mapping: Write, api: Api, project: Path, silent: bool
) -> None:
    mapping(*(f"folder:p{number},LUNG-{number:03d}" for number in range(100)))
    api.lives, api.silent_death = 37, silent
    known = 36 if silent else 37
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 1 and f"Error: {known} of 100 jobs were created, then it stopped" in ran.err
    assert "only the rest is sent" in ran.err
    batch = Batch.load(project)
    assert batch and len(batch.job_ids) == known
    api.lives = 10**9
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 0 and f"Created {100 - known} jobs" in ran.err
    assert len(api.jobs) == 100
    batch = Batch.load(project)
    assert batch and batch.job_ids == tuple(api.jobs)
