"""From folders to selections and rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from anontui import atomic
from anontui.errors import ProjectError
from anontui.events import Progress, Warning, result_of  # noqa: A004 - the word of the field
from anontui.operations.selecting import (
    SelectedFolder,
    add_to_selection,
    rows_for,
    select_folders,
)
from anontui.operations.workspace import Workspace
from anontui.project.selection import Selection
from anontui.unc import ShareMap
from tests.operations.conftest import SHARE, Make

DICOM = bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00\x00\x00\x00\x00" + bytes(64)


@pytest.fixture
def data(workspace: Workspace) -> Path:
    """Two patients with other files among their DICOM, one with none."""
    folder = workspace.folder / "data"
    for name in ("p1/a.dcm", "p1/b", "p1/deep/c.dcm", "p2/1.dcm"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(DICOM)
    (folder / "p1" / "notes.txt").write_text("Vermeulen called")
    (folder / "empty").mkdir()
    (folder / "empty" / "notes.txt").write_text("nothing here")
    return folder


@pytest.fixture
def read_only(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder p2, in which nothing can be written."""
    write = atomic.write_bytes

    def refuse(path: Path, content: bytes, *, mode: int | None = None) -> None:
        if path.parent == data / "p2":
            raise PermissionError(13, "Permission denied")
        write(path, content, mode=mode)

    monkeypatch.setattr(atomic, "write_bytes", refuse)
    return data / "p2"


def one(workspace: Workspace, folder: Path, **options: object) -> SelectedFolder:
    (selected,) = result_of(select_folders(workspace, [folder], **options))  # type: ignore[arg-type]
    return selected


def test_only_dicom_is_selected(workspace: Workspace, data: Path) -> None:
    selected = one(workspace, data / "p1")
    assert selected.selection_path == data / "p1" / "fileselection.txt"
    assert (selected.dicom, selected.other, selected.problem) == (3, 1, "")
    assert str(selected.source) == rf"fileselection:{SHARE}\data\p1\fileselection.txt"
    assert Selection.load(selected.selection_path).paths == ("a.dcm", "b", "deep/c.dcm")


def test_exclude_and_names_only(workspace: Workspace, data: Path) -> None:
    (data / "p1" / "fake.dcm").write_text("no DICOM")
    assert one(workspace, data / "p1", exclude=["deep", "b"]).dicom == 1
    assert one(workspace, data / "p1", check=False).dicom == 4


def test_trouble_with_one_folder_keeps_no_other_from_being_selected(
    workspace: Workspace, data: Path
) -> None:
    folders = [data / "empty", data / "missing", data / "p2", data / "p2"]
    found = result_of(select_folders(workspace, folders))
    assert [(s.problem, s.source is None) for s in found] == [
        ("There is no DICOM file in this folder", True),
        ("This folder cannot be read", True),
        ("", False),
    ]
    assert all(s.advice for s in found[:2])
    assert not (data / "empty" / "fileselection.txt").exists()


def test_again_is_the_same(workspace: Workspace, data: Path) -> None:
    first = one(workspace, data / "p1")
    assert first.selection_path
    content = first.selection_path.read_bytes()
    assert one(workspace, data / "p1") == first
    assert first.selection_path.read_bytes() == content


@pytest.mark.parametrize("text", [None, "not: [a selection", ""])
def test_a_selection_that_was_there_is_kept_beside(
    workspace: Workspace, data: Path, text: str | None
) -> None:
    path = data / "p1" / "fileselection.txt"
    Selection("my choice", "my-id", ("b",)).save(path)
    if text is not None:
        path.write_text(text)
    old = path.read_bytes()
    events = list(select_folders(workspace, [data / "p1"]))
    assert len([event for event in events if isinstance(event, Warning)]) == 1
    assert (data / "p1" / "fileselection.txt.bak").read_bytes() == old
    new = Selection.load(path)
    assert new.paths == ("a.dcm", "b", "deep/c.dcm")
    if text is None:
        assert (new.description, new.id) == ("my choice", "my-id")
    assert one(workspace, data / "p1").other == 1  # the copy is no file of the patient's


def test_closed_folder_is_selected_from_above(workspace: Workspace, read_only: Path) -> None:
    (read_only.parent / "p2x").mkdir()
    selected = one(workspace, read_only)
    assert selected.selection_path == read_only.parent / "fileselection-p2.txt"
    assert Selection.load(selected.selection_path).paths == ("p2/1.dcm",)
    assert str(selected.source) == rf"fileselection:{SHARE}\data\fileselection-p2.txt"


def outside(workspace: Workspace, folder: Path) -> Workspace:
    """A project folder beside the data, on the same share."""
    project = workspace.folder.parent / "other"
    project.mkdir()
    shares = ShareMap(((SHARE, workspace.folder),))
    return Workspace(project, workspace.settings.replace(shares=shares))


def test_closed_folder_outside_of_the_project_is_taken_whole(
    workspace: Workspace, read_only: Path
) -> None:
    selected = one(outside(workspace, read_only), read_only)
    assert (selected.selection_path, str(selected.source)) == (None, rf"folder:{SHARE}\data\p2")


def test_closed_folder_with_other_files_is_refused(workspace: Workspace, read_only: Path) -> None:
    (read_only / "notes.txt").touch()
    selected = one(outside(workspace, read_only), read_only)
    assert selected.source is None and "cannot be saved" in selected.problem and selected.advice


def test_folder_on_no_known_share(workspace: Workspace, data: Path) -> None:
    bare = workspace.with_settings(workspace.settings.replace(shares=ShareMap()))
    assert str(one(bare, data / "p2").source) == "fileselection:data/p2/fileselection.txt"
    elsewhere = Workspace(bare.folder / "data" / "empty", bare.settings)
    selected = one(elsewhere, data / "p2")
    assert selected.source is None and "no share that is known" in selected.problem


def test_rows_are_relative_to_the_root_and_without_pseudonym(
    workspace: Workspace, data: Path, make: Make
) -> None:
    selected = result_of(select_folders(workspace, [data / "p1", data / "p2", data / "empty"]))
    assert rows_for(workspace, make(), selected) == [
        {
            "source": "fileselection:p1/fileselection.txt",
            "description": "3 DICOM files (1 others left out)",
        },
        {"source": "fileselection:p2/fileselection.txt", "description": "1 DICOM files"},
    ]
    elsewhere = make(options=r"root_source_path,\\other\share")
    assert [row["source"] for row in rows_for(workspace, elsewhere, selected)] == [
        rf"fileselection:{SHARE}\data\p1\fileselection.txt",
        rf"fileselection:{SHARE}\data\p2\fileselection.txt",
    ]


@pytest.mark.parametrize(
    "written",
    [
        "fileselection:p1/fileselection.txt",
        r"fileselection:p1\fileselection.txt",
        r"FileSelection: P1\FileSelection.txt ",
        rf"fileselection:{SHARE}\data\p1\fileselection.txt",
        "fileselection://SRV/share/data/p1/fileselection.txt",
    ],
)
def test_a_source_that_is_mapped_is_not_added_again(
    workspace: Workspace, data: Path, make: Make, written: str
) -> None:
    selected = result_of(select_folders(workspace, [data / "p1"]))
    assert rows_for(workspace, make(f"{written},LUNG-001"), [*selected, *selected]) == []


def chosen(folder: Path, *patterns: str, **options: object) -> tuple[str, ...]:
    return result_of(add_to_selection(folder, patterns, **options)).paths  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("patterns", "options", "expected"),
    [
        (["*"], {}, ["p1/a.dcm", "p1/b", "p1/deep/c.dcm", "p2/1.dcm"]),
        (["p1"], {}, ["p1/a.dcm", "p1/b", "p1/deep/c.dcm"]),
        (["p1/*.dcm"], {}, ["p1/a.dcm"]),
        (["**/*.dcm"], {}, ["p1/a.dcm", "p1/deep/c.dcm", "p2/1.dcm"]),
        (["*.dcm"], {"exclude": ["p2"]}, ["p1/a.dcm", "p1/deep/c.dcm"]),
        (["deep", "p2"], {}, ["p1/deep/c.dcm", "p2/1.dcm"]),
    ],
)
def test_add_to_selection(
    data: Path, patterns: list[str], options: dict[str, object], expected: list[str]
) -> None:
    assert sorted(chosen(data, *patterns, **options)) == expected
    assert sorted(Selection.load(data / "fileselection.txt").paths) == expected


def test_add_to_selection_keeps_what_is_there(data: Path) -> None:
    Selection("mine", "id", ("p2/1.dcm",)).save(data / "fileselection.txt")
    assert chosen(data, "p1/b") == ("p2/1.dcm", "p1/b")
    assert Selection.load(data / "fileselection.txt").description == "mine"


def test_add_to_selection_without_subfolders(data: Path) -> None:
    assert chosen(data / "p1", "*", recurse=False) == ("a.dcm", "b")


def test_add_to_selection_when_nothing_matches(data: Path) -> None:
    with pytest.raises(ProjectError, match="No DICOM file matches"):
        chosen(data, "*.nothing")
    assert not (data / "fileselection.txt").exists()


def test_scanning_tells_its_progress(workspace: Workspace, data: Path) -> None:
    events = list(select_folders(workspace, [data / "p1"]))
    assert any(isinstance(event, Progress) and event.what.startswith("p1: ") for event in events)
