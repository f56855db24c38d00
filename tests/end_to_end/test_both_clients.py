"""One project folder, used by AnonAPI's real ``anon`` and by ``anontui`` in turn, without loss."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from anontui.project.mapping import Mapping
from tests.end_to_end.test_anon_client import (  # noqa: F401 - fixtures
    Anon,
    anon,
    anon_program,
)
from tests.server.support import SHARE

Ours = Callable[..., str]


@pytest.fixture
def anontui(anon: Anon) -> Ours:  # noqa: F811 - the fixture
    """Run ``anontui`` in the project folder, with AnonAPI's settings to begin with."""

    def run(*words: str, code: int = 0, folder: Path = anon.project) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "anontui", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    return run


def rows(anontui: Ours) -> list[tuple[str, str]]:
    found = json.loads(anontui("map", "status", "--json"))["rows"]
    return [(row["source"], row["pseudo_id"] or row["pseudo_name"]) for row in found]


def test_a_mapping_in_turn(anon: Anon, anontui: Ours) -> None:  # noqa: F811 - the fixture
    anon("map", "init")
    path = anon.project / "anon_mapping.csv"
    examples = rows(anontui)
    assert [source for source, _ in examples] == [
        "study_instance_uid:123.12121212.12345678",
        "accession_number:12345678.1234567",
    ]
    assert [name for _, name in examples] == ["PatientA", "PatientB"]

    anontui("paths", "add", SHARE, str(anon.project.parent))
    anontui("map", "add-study-folders", "patient2", "-p", "P-002")
    anontui("map", "add-accession-numbers", "1234567.7654321", "-p", "P-003")
    ours = [("fileselection:patient2/fileselection.txt", "P-002"),
            ("accession_number:1234567.7654321", "P-003")]  # fmt: skip
    assert rows(anontui) == examples + ours
    assert "P-003" in anon("map", "status")

    anon("map", "add-study-folders", "patient1")
    anon("map", "add-accession-numbers", "55.66")
    after = rows(anontui)
    assert after[:4] == examples + ours
    assert [source for source, _ in after[4:]] == [
        "fileselection:patient1/fileselection.txt",
        "accession_number:55.66",
    ]
    untouched = path.read_bytes()
    anontui("map", "add-accession-numbers", "77.88", "--random-pseudonyms")
    assert path.read_bytes().startswith(untouched)
    anon("map", "add-accession-numbers", "99.00")
    assert [source for source, _ in rows(anontui)][6:] == [
        "accession_number:77.88",
        "accession_number:99.00",
    ]


def test_a_mapping_of_ours_is_read_and_saved_by_anon(
    anon: Anon,  # noqa: F811 - the fixture
    anontui: Ours,
) -> None:
    anontui("paths", "add", SHARE, str(anon.project.parent))
    anontui("map", "init")
    path = anon.project / "anon_mapping.csv"
    mapping = Mapping.load(path)
    mapping.set_option("project", "Wetenschap, Algemeen")
    mapping.set_option("destination_path", rf"{SHARE}\out")
    mapping.save(path)
    anontui("map", "add-study-folders", "patient1", "patient2", "-p", "P-001", "-p", "P-002")
    before = json.loads(anontui("map", "status", "--json"))
    anon("map", "activate")
    anon("map", "add-accession-numbers", "1.1")
    after = json.loads(anontui("map", "status", "--json"))
    assert after["rows"][:2] == before["rows"]
    assert after["options"] == before["options"]
    assert after["description"] == before["description"]


def test_selections_in_turn(anon: Anon, anontui: Ours) -> None:  # noqa: F811 - the fixture
    folder = anon.project / "patient1"
    inside = Anon(anon.program, folder, anon.server, anon.url)
    inside("select", "add", "00001*")
    path = folder / "fileselection.txt"
    path.write_text(path.read_text() + "checked: {by: me, on: 2024-02-29}\n")

    def selection() -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(path.read_text())
        return found

    first = selection()
    anontui("select", "add", "00002.dcm", folder=folder)
    second = selection()
    assert second == first | {"selected_paths": ["00001.dcm", "00002.dcm"]}
    assert "Selection containing 2 files" in inside("select", "status")
    inside("select", "add", "00003*")
    third = json.loads(anontui("select", "status", "--json", folder=folder))
    assert sorted(third["selected_paths"]) == ["00001.dcm", "00002.dcm", "00003.dcm"]
    assert (third["id"], third["description"]) == (first["id"], first["description"])


def test_jobs_and_batch_in_turn(anon: Anon, anontui: Ours) -> None:  # noqa: F811 - the fixture
    anontui("paths", "add", SHARE, str(anon.project.parent))
    anontui("map", "init")
    path = anon.project / "anon_mapping.csv"
    mapping = Mapping.load(path)
    mapping.set_option("project", "Wetenschap-Algemeen")
    mapping.set_option("destination_path", rf"{SHARE}\out")
    mapping.save(path)
    anontui("map", "add-study-folders", "patient1", "-p", "P-001")
    assert anontui("map", "check") == ""
    anontui("create", "from-mapping", "--yes")
    anon.wait(r"DONE +1 +100\.0 %", "batch", "status", "--patient-name")
    anon("batch", "add", "7", "9")
    anontui("batch", "add", "8")
    anontui("batch", "remove", "9")
    assert "'1'" in anon("batch", "info") and "'8'" in anon("batch", "info")
    assert json.loads(anontui("batch", "info", "--json"))["job_ids"] == [1, 7, 8]
    anontui("map", "add-study-folders", "patient2", "-p", "P-002")
    created = json.loads(anontui("create", "from-mapping", "--yes", "--json"))
    assert [job["pseudonym"] for job in created] == ["P-002"]
    anon.wait(r"DONE +2 ", "batch", "status")
