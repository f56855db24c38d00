"""``anontui create``, and what other commands say of a project folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from anontui.project.batch import Batch
from tests.cli.api import Api
from tests.cli.conftest import SHARE, Command

Write = Callable[..., Path]


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
