"""The demo project, with its real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pydicom
import pytest

from anontui.errors import ProjectError
from anontui.events import Progress, result_of
from anontui.idis.model import JobStatus
from anontui.operations import batches, builtin, demo_data, jobs
from anontui.operations.creating import create, plan
from anontui.operations.demo import make_demo, server_folder
from anontui.operations.servers import connect
from anontui.operations.workspace import open_workspace
from anontui.project.mapping import Mapping


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the demo goes; its server is stopped at the end."""
    folder = tmp_path / "My Démo (1)"
    yield folder
    for path in tmp_path.iterdir():
        if server_folder(path).is_dir():
            builtin.stop(server_folder(path))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file, but not what the server keeps."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_relative_to(server_folder(folder))
    }


@pytest.mark.usefixtures("few_files")
def test_the_demo_works_and_tells_nobodys_name(folder: Path) -> None:
    here = result_of(make_demo(folder))
    assert open_workspace(folder) == here
    assert (folder / ".anontui" / "settings.yml").stat().st_mode & 0o077 == 0
    planned = plan(here, Mapping.load(here.mapping_path))
    assert len(planned.ready) == 4 and planned.problems == ()
    with connect(here.settings) as client:
        result_of(create(here, planned, client))
        done = result_of(jobs.wait(client, batches.open_batch(here).job_ids, interval=0.05))
    assert [job.status for job in done.values()] == [JobStatus.DONE] * 4
    files = [path for path in (folder / "anonymized").rglob("*") if path.is_file()]
    assert len(files) == 4 + 4 + 8 + 4
    secrets = {
        word.encode()
        for patient, _ in demo_data.PATIENTS
        for word in (*patient.name.encode("latin-1").decode("latin-1").split("^")[:2], patient.id)
        if len(word) > 3
    }
    for path in files:
        content = path.read_bytes()
        assert not [word for word in secrets if word in content]
        assert str(pydicom.dcmread(path).PatientName).startswith("LUNG-00")


@pytest.mark.usefixtures("few_files")
def test_again_changes_nothing(folder: Path) -> None:
    here = result_of(make_demo(folder))
    here.mapping_path.write_text("my own words")
    (folder / "data" / "patient1" / "raw" / "raw1.dcm").unlink()
    before = contents(folder)
    builtin.stop(server_folder(folder))
    assert result_of(make_demo(folder)) == here
    assert contents(folder) == before
    assert builtin.state(server_folder(folder)).running


@pytest.mark.usefixtures("few_files")
def test_moved(folder: Path) -> None:
    url = result_of(make_demo(folder)).settings.active_server.url
    builtin.stop(server_folder(folder))
    other = folder.rename(folder.parent / "elsewhere")
    here = result_of(make_demo(other))
    assert here.settings.active_server.url == url
    assert len(plan(here, Mapping.load(here.mapping_path)).ready) == 4
    assert here.share_map().to_unc(other) == r"\\anontui\my-d-mo-1"


@pytest.mark.usefixtures("few_files")
def test_made_halfway_is_completed(folder: Path) -> None:
    with closing(make_demo(folder)) as events:  # type: ignore[type-var]
        while not (isinstance(event := next(events), Progress) and event.done == 9):
            pass
    assert not (folder / "data").exists()
    here = result_of(make_demo(folder))
    assert len(plan(here, Mapping.load(here.mapping_path)).ready) == 4


def test_folder_of_something_else_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(ProjectError, match="is not empty, and not a demo") as caught:
        result_of(make_demo(folder))
    assert "anontui demo FOLDER" in caught.value.advice
    assert contents(folder) == {"thesis.txt": b"mine"}
    with pytest.raises(ProjectError, match="cannot be made"):
        result_of(make_demo(folder / "thesis.txt"))


@pytest.mark.usefixtures("few_files")
def test_empty_folder_will_do(folder: Path) -> None:
    folder.mkdir()
    assert result_of(make_demo(folder)).mapping_path.exists()
