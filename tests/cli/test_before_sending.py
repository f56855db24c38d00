"""``anontui create from-mapping``: what is looked at before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from anontui.project.batch import Batch
from tests.cli.api import Api
from tests.cli.conftest import Command
from tests.dicom.files import dicom_bytes

Write = Callable[..., Path]


@pytest.fixture
def two_patients(project: Path, mapping: Write) -> Path:
    """A mapping of one row whose folder has the files of two patients, the second one's last."""
    path = mapping("folder:p1,A")
    folder = project / "data" / "p1"
    for number in range(4):
        patient = "1" if number < 3 else "2"
        (folder / f"{number}.dcm").write_bytes(dicom_bytes(patient_id=patient))
    (folder / "a.dcm").unlink()
    return path


def test_two_patients_in_one_row_are_not_sent(
    anontui: Command, two_patients: Path, api: Api
) -> None:
    for words in (["--dry-run"], ["--yes"]):
        ran = anontui("create", "from-mapping", *words)
        assert ran.code == 1 and "row 1, source: These are the files of 2 patients" in ran.err
    assert not api.jobs
    ran = anontui("create", "from-mapping", "--yes", "--sample", "0")
    assert ran.code == 0 and len(api.jobs) == 1


def test_the_active_mapping_elsewhere_is_created_once(
    anontui: Command, mapping: Write, project: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping("folder:p1,A")
    (project / "sub").mkdir()
    monkeypatch.setenv("ANONTUI_SETTINGS", str(project / ".anontui/settings.yml"))
    assert anontui("map", "activate").code == 0
    monkeypatch.chdir(project / "sub")
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 0 and f"Creating from {project}/anon_mapping.csv" in ran.err
    batch = Batch.load(project)
    assert batch and len(batch.job_ids) == 1 and Batch.load(project / "sub") is None
    for folder in (project, project / "sub"):
        monkeypatch.chdir(folder)
        assert "1 exist already" in anontui("create", "from-mapping", "--yes").err
    assert len(api.jobs) == 1


def test_no_other_mapping_than_the_folder_s_own_is_created_by_accident(
    anontui: Command, mapping: Write, project: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mapping("folder:p1,A")
    (project / "sub").mkdir()
    (project / "sub/anon_mapping.csv").write_bytes(path.read_bytes())
    monkeypatch.setenv("ANONTUI_SETTINGS", str(project / ".anontui/settings.yml"))
    assert anontui("map", "activate").code == 0
    monkeypatch.chdir(project / "sub")
    ran = anontui("create", "from-mapping", "--yes")
    assert ran.code == 1 and "Another mapping than this folder's is the active one" in ran.err
    assert not api.jobs
    assert anontui("map", "activate").code == 0
    assert anontui("create", "from-mapping", "--yes").code == 0
