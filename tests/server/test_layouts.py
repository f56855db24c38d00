"""The names of de-identified files below their destination."""

from __future__ import annotations

from pathlib import Path

import pytest

from anontui.errors import UsageError
from anontui.server.layouts import DEFAULT, check_layout, file_name
from tests.server.support import SHARE, ServeProcess, files_below, write_dicom


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        (DEFAULT, "P-1/1.2/1.3/1.4.dcm"),
        ("{instance}", "1.4"),
        ("{patient}_{study}/IM-{instance}.dcm", "P-1_1.2/IM-1.4.dcm"),
        ("all/{study}/{series}-{instance}.dcm", "all/1.2/1.3-1.4.dcm"),
    ],
)
def test_a_layout_names_a_file(layout: str, name: str) -> None:
    assert file_name(check_layout(layout), "P-1", "1.2", "1.3", "1.4") == name


def test_a_pseudonym_that_is_no_name_becomes_one() -> None:
    name = file_name(DEFAULT, "../a{study}", "1.2", "1.3", "1.4")
    assert name.count("/") == 3
    assert not name.startswith(".")
    assert "{study}" in name


@pytest.mark.parametrize(
    "layout",
    [
        "",
        "{patient}/{study}.dcm",
        "{patient}/{instance",
        "{patient}}/{instance}",
        "{PatientName}/{instance}",
        "{}/{instance}",
        "{0}{instance}",
        "{patient.__class__}/{instance}",
        "{instance!r}",
        "/{instance}",
        "../{instance}",
        "a/../{instance}",
        "a//{instance}",
        "{instance}/",
        ".{instance}",
        ".anontui-part-1/{instance}",
        "a\\{instance}",
        "a:{instance}",
        "con/{instance}",
        "{instance} ",
        "{patient}{study}{series}{instance}.dcm",
        "x" * 61 + "/{instance}",
    ],
)
def test_a_layout_that_could_do_harm_is_refused(layout: str) -> None:
    with pytest.raises(UsageError):
        check_layout(layout)


def test_a_projects_layout_is_obeyed(tmp_path: Path, share: Path) -> None:
    write_dicom(share / "in", 3)
    folder = tmp_path / "data" / "projects" / "Lung"
    folder.mkdir(parents=True)
    (folder / "project.yml").write_text("users: alice\nlayout: 'all/{patient}-{instance}.dcm'\n")
    server = ServeProcess(tmp_path / "data", share)
    try:
        call = server.start()
        job = call.wait(call.create(project_name="Lung")["job_id"])
        assert (job["status"], job["destination_path"]) == ("DONE", rf"{SHARE}\out")
        found = files_below(share / "out")
        assert len(found) == 3
        assert all(path.parent == share / "out" / "all" for path in found)
        assert all(path.name.startswith("P-001-2.25.") for path in found)
    finally:
        server.kill()
