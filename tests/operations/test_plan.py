"""What a plan tells before anything is sent."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from anontui.errors import SettingsError
from anontui.operations.creating import Plan, Problem, Severity, grouped, plan
from anontui.operations.workspace import Workspace
from anontui.project import created
from anontui.project.batch import Batch
from anontui.project.selection import Selection
from anontui.unc import ShareMap
from tests.operations.conftest import SHARE, Make
from tests.operations.fakes import URL

DEFAULT_ROW = "folder:p1,LUNG-001"


def options(**changes: str) -> str:
    values = {
        "root_source_path": rf"{SHARE}\data",
        "project": "Wetenschap-Algemeen",
        "destination_path": rf"{SHARE}\out",
    } | changes
    return "".join(f"{name},{value}\n" for name, value in values.items() if value)


def told(found: Plan) -> list[str]:
    return [f"{p.column}: {p.message}" for p in found.errors]


def test_request_of_each_kind_of_source(workspace: Workspace, make: Make) -> None:
    place = workspace.folder / "data" / "p2"
    place.mkdir(parents=True)
    Selection.new("x", ("a/1.dcm",)).save(place / "fileselection.txt")
    mapping = make(
        "folder:p1,A,,why",
        "fileselection:p2/fileselection.txt,B,",
        "study_instance_uid:1.2.3,,C",
        "accession_number:123.4567,D,Dee",
        r"folder:\\other\share\p5,E,",
        columns="source,pseudo_id,pseudo_name,description",
        options=options(pims_key="49"),
    )
    found = plan(workspace, mapping)
    assert told(found) == []
    common = {
        "project_name": "Wetenschap-Algemeen",
        "destination_path": r"\\srv\share\out",
        "destination_type": "PATH",
        "pims_keyfile_id": "49",
    }

    def names(id_: str, name: str = "") -> dict[str, str]:
        return {"anonymizedpatientid": id_, "anonymizedpatientname": name or id_}

    path = {"source_type": "PATH"}
    pacs = {"source_type": "WADO", "source_name": "IDC_WADO"}
    selection = r"fileselection:\\srv\share\data\p2\fileselection.txt"
    assert [job.request and job.request.to_form() for job in found.ready] == [
        common
        | path
        | names("A")
        | {"source_path": r"folder:\\srv\share\data\p1", "description": "why"},
        common | path | names("B") | {"source_path": selection},
        common | pacs | names("C") | {"source_instance_id": "1.2.3"},
        common | pacs | names("D", "Dee") | {"source_instance_id": "accession_number:123.4567"},
        common | path | names("E") | {"source_path": r"folder:\\other\share\p5"},
    ]


@pytest.mark.parametrize(
    ("row", "changes", "expected"),
    [
        ("p1,LUNG-001", {}, "source: The source does not start with a known kind"),
        ("pacs:1,LUNG-001", {}, "source: The source does not start with a known kind"),
        (",LUNG-001", {}, "source: The source does not start with a known kind"),
        ("folder:p1,", {}, "pseudo_id: There is no pseudonym"),
        ("folder:p1", {}, "pseudo_id: There is no pseudonym"),
        (r"folder:p1,LUNG\001", {}, "pseudo_id: A pseudonym holds no backslash"),
        (f"folder:p1,{'X' * 65}", {}, "pseudo_id: A pseudonym has at most 64"),
        (DEFAULT_ROW, {"project": ""}, "project: No project is chosen"),
        (DEFAULT_ROW, {"project": "NOT_SET"}, "project: No project is chosen"),
        (DEFAULT_ROW, {"destination_path": ""}, "destination_path: There is no destination"),
        (
            DEFAULT_ROW,
            {"destination_path": "out"},
            "destination_path: The destination is not a UNC",
        ),
        (
            DEFAULT_ROW,
            {"destination_path": r"H:\out"},
            "destination_path: The destination is not a",
        ),
        (
            DEFAULT_ROW,
            {"destination_path": r"\\srv\share\x\..\out"},
            "destination_path: This path holds '..'",
        ),
        (DEFAULT_ROW, {"root_source_path": ""}, "source: The source is a relative path"),
        (
            DEFAULT_ROW,
            {"root_source_path": "/mnt/data"},
            "source: The root_source_path is not a UNC",
        ),
        (r"folder:..\..\p9,LUNG-001", {}, "source: This path holds '..'"),
        (r"folder:\\srv\share\data\..\p1,LUNG-001", {}, "source: This path holds '..'"),
        (r"folder:C:\data,LUNG-001", {}, "source: The source is not a UNC path"),
        ("folder:/mnt/data/p1,LUNG-001", {}, "source: The source is not a UNC path"),
        ("folder:missing,LUNG-001", {}, "source: There is no such folder"),
        ("fileselection:q/fileselection.txt,L", {}, "source: "),
        ("study_instance_uid:1.2.x,LUNG-001", {}, "source: This is no DICOM UID"),
        ("study_instance_uid:1.2*,LUNG-001", {}, "source: This source could mean several"),
        ("accession_number:12*,LUNG-001", {}, "source: This source could mean several"),
        (r"accession_number:1\2,LUNG-001", {}, "source: This source could mean several"),
        (
            DEFAULT_ROW,
            {"destination_path": r"\\srv\share\data\P1\out"},
            "destination_path: The destination lies inside the source",
        ),
        (
            DEFAULT_ROW,
            {"destination_path": r"\\SRV\share\data\p1"},
            "destination_path: The destination lies inside the source",
        ),
    ],
)
def test_wrong_row_is_told_and_not_sent(
    workspace: Workspace, make: Make, row: str, changes: dict[str, str], expected: str
) -> None:
    found = plan(workspace, make(row, options=options(**changes)))
    assert len(found.errors) == 1, found.errors
    assert told(found)[0].startswith(expected)
    assert found.errors[0].advice or found.errors[0].message.count(" ") > 3
    assert found.ready == ()


def test_everything_wrong_is_told_at_once(workspace: Workspace, make: Make) -> None:
    mapping = make("folder:p1,", "nothing:x,", "folder:../x,A", options=options(project=""))
    found = plan(workspace, mapping)
    assert {(p.row, p.column) for p in found.errors} == {
        (0, "pseudo_id"), (0, "project"),
        (1, "pseudo_id"), (1, "project"), (1, "source"),
        (2, "project"), (2, "source"),
    }  # fmt: skip
    assert ("project", [0, 1, 2]) in [(p.column, rows) for p, rows in grouped(found.errors)]


def test_a_wrong_row_keeps_no_other_from_being_ready(workspace: Workspace, make: Make) -> None:
    found = plan(workspace, make("folder:p1,", "folder:p2,B"))
    assert [job.row for job in found.ready] == [1]


def test_local_paths_become_unc_paths_by_themselves(workspace: Workspace, make: Make) -> None:
    local = workspace.folder / "data"
    here = options(root_source_path=str(local), destination_path=str(workspace.folder / "out"))
    (local / "p2").mkdir(parents=True)
    (local / "p2" / "a.dcm").touch()
    found = plan(workspace, make("folder:p1,A", f"folder:{local / 'p2'},B", options=here))
    assert found.errors == ()
    requests = [job.request for job in found.ready if job.request]
    assert [request.source_path for request in requests] == [
        rf"folder:{SHARE}\data\p1",
        rf"folder:{SHARE}\data\p2",
    ]
    assert {request.destination_path for request in requests} == {rf"{SHARE}\out"}
    bare = workspace.with_settings(workspace.settings.replace(shares=ShareMap()))
    assert len(plan(bare, make("folder:p1,A", options=here)).errors) == 2


def test_empty_folder_and_empty_selection(workspace: Workspace, make: Make) -> None:
    (workspace.folder / "data" / "empty").mkdir(parents=True)
    Selection.new("x", ()).save(workspace.folder / "data" / "fileselection.txt")
    found = plan(workspace, make("folder:empty,A", "fileselection:fileselection.txt,B"))
    assert told(found) == ["source: The folder is empty", "source: The selection is empty"]


def test_selection_that_leads_out_is_refused(workspace: Workspace, make: Make) -> None:
    (workspace.folder / "data").mkdir()
    path = workspace.folder / "data" / "fileselection.txt"
    path.write_text("description: x\nid: y\nselected_paths:\n- ../../secret.dcm\n")
    found = plan(workspace, make("fileselection:fileselection.txt,B"))
    assert "leads out of its folder" in found.errors[0].message


def test_destination_inside_another_rows_source(workspace: Workspace, make: Make) -> None:
    mapping = make(
        "folder:p1,A", "folder:p2,B", options=options(destination_path=rf"{SHARE}\data\p2\x")
    )
    found = plan(workspace, mapping)
    assert told(found) == [
        "destination_path: The destination lies inside the source of row 2",
        "destination_path: The destination lies inside the source",
    ]
    assert [p.message for p in plan(workspace, mapping, only={"A"}).errors] == [
        "The destination lies inside the source of row 2"
    ]


def test_source_inside_the_destination_is_a_warning(workspace: Workspace, make: Make) -> None:
    found = plan(workspace, make(DEFAULT_ROW, options=options(destination_path=SHARE)))
    assert [p.message for p in found.warnings] == ["The source lies inside the destination"]
    assert len(found.ready) == 1


def test_settings_then_options_then_row(workspace: Workspace, make: Make) -> None:
    defaults = {"project": "default", "destination_path": rf"{SHARE}\default", "pims_key": "1"}
    workspace = workspace.with_settings(workspace.settings.replace(job_defaults=defaults))
    mapping = make(
        "folder:p1,A,row",
        "folder:p2,B,",
        columns="source,pseudo_id,project",
        options=options(project="option", destination_path=""),
    )
    requests = [job.request for job in plan(workspace, mapping).ready]
    assert [r and (r.project_name, r.destination_path, r.pims_keyfile_id) for r in requests] == [
        ("row", rf"{SHARE}\default", "1"),
        ("option", rf"{SHARE}\default", "1"),
    ]


def test_duplicate_rows_and_pseudonyms(workspace: Workspace, make: Make) -> None:
    found = plan(workspace, make("folder:p1,A", "folder:p1,A", "folder:p2,A", "folder:p2,B"))
    assert [(p.row, p.message) for p in found.errors] == [
        (1, "This row asks for the same as row 1")
    ]
    assert {(p.row, p.message) for p in found.warnings} == {
        (0, "Several sources have this pseudonym"),
        (1, "Several sources have this pseudonym"),
        (2, "Several sources have this pseudonym"),
        (2, "This source has several pseudonyms"),
        (3, "This source has several pseudonyms"),
    }


def test_only_some_pseudonyms(workspace: Workspace, make: Make) -> None:
    mapping = make("folder:p1,A", "folder:p2,B", "folder:p3,")
    assert [job.row for job in plan(workspace, mapping, only={"B"}).jobs] == [1]
    assert plan(workspace, mapping, only={"B"}).errors == ()
    assert plan(workspace, mapping, only={""}).jobs == ()


def test_what_was_created_is_known_by_its_content(workspace: Workspace, make: Make) -> None:
    mapping = make("folder:p1,A,", "folder:p2,B,", columns="source,pseudo_id,description")
    first, second = plan(workspace, mapping).ready
    created.record(workspace.folder, first.fingerprint, 17, URL)
    found = plan(
        workspace, make("folder:p2,B,", "folder:P1,A,", columns="source,pseudo_id,description")
    )
    # another case of the folder is another content: a share may tell them apart
    assert [job.created_as for job in found.jobs] == [None, None]
    found = plan(
        workspace, make("folder:p2,B,", "folder:p1,A,new", columns="source,pseudo_id,description")
    )
    assert [job.created_as for job in found.jobs] == [None, 17]
    assert [job.fingerprint for job in found.ready] == [second.fingerprint]
    assert [job.row for job in found.already_created] == [1]


@pytest.mark.parametrize(
    "change",
    [
        {"source_path": "x"}, {"project_name": "x"}, {"destination_path": "x"},
        {"anonymizedpatientid": "x"}, {"anonymizedpatientname": "x"}, {"pims_keyfile_id": "x"},
        {"source_sop_class_filter_list": "x"}, {"source_instance_id": "x"}, {"source_type": "x"},
    ],
)  # fmt: skip
def test_fingerprint_covers_the_content(
    workspace: Workspace, make: Make, change: dict[str, str]
) -> None:
    from anontui.operations.creating import fingerprint

    (job,) = plan(workspace, make(DEFAULT_ROW)).ready
    assert job.request
    server = workspace.settings.active_server
    other = dataclasses.replace(job.request, **change)
    assert fingerprint(other, server) != job.fingerprint
    described = dataclasses.replace(job.request, description="other")
    assert fingerprint(described, server) == job.fingerprint
    assert fingerprint(job.request, dataclasses.replace(server, url="http://b")) != job.fingerprint
    assert fingerprint(job.request, dataclasses.replace(server, url=URL + "/")) == job.fingerprint


def test_mapping_without_rows_or_source(workspace: Workspace, make: Make) -> None:
    found = plan(workspace, make())
    assert [p.message for p in found.general] == ["The mapping has no rows"]
    found = plan(workspace, make("A,B", columns="pseudo_id,pseudo_name"))
    assert found.general[0].message == "The mapping has no column 'source'"
    assert found.ready == ()


def test_batch_of_another_server(workspace: Workspace, make: Make) -> None:
    Batch((5,), "other", "https://other.example").save(workspace.folder)
    found = plan(workspace, make(DEFAULT_ROW))
    assert found.general == (
        Problem(
            None,
            "",
            "This folder's batch is of another server, other",
            "Activate that server, or create these jobs from another project folder.",
            Severity.ERROR,
        ),
    )
    assert found.ready == ()


def test_no_active_server(workspace: Workspace, make: Make, tmp_path: Path) -> None:
    settings = workspace.settings.replace(active_server_name=None)
    with pytest.raises(SettingsError, match="No server is active"):
        plan(workspace.with_settings(settings), make(DEFAULT_ROW))
