"""Rows for folders, numbers and input files: none twice, none lost, none with a wrong source."""

from __future__ import annotations

from pathlib import Path

import pytest

from anontui.errors import UsageError
from anontui.events import result_of
from anontui.operations.importing import (
    Wanted,
    add_accession_numbers,
    add_chosen,
    add_folders,
    choose_folders,
    with_pseudonyms,
)
from anontui.operations.roots import local_folder
from anontui.operations.workspace import Workspace
from anontui.project.editor import MappingEditor
from anontui.project.mapping import Mapping
from anontui.unc import ShareMap
from tests.dicom.files import dicom_bytes
from tests.operations.conftest import SHARE, Make


@pytest.fixture
def data(workspace: Workspace) -> Path:
    folder = workspace.folder / "data"
    for name in ("p1", "p2"):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.dcm").write_bytes(dicom_bytes())
    return folder


def edited(workspace: Workspace, mapping: Mapping) -> MappingEditor:
    return MappingEditor(mapping, workspace.mapping_path)


def written(editor: MappingEditor, *names: str) -> list[tuple[str, ...]]:
    """The cells of the mapping as it is on disk."""
    mapping = Mapping.load(editor.path)
    return [tuple(mapping.cell(row, n) for n in names) for row in range(len(mapping.rows))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("data/p1", "data/p1"),
        (r"data\p1", "data/p1"),
        ("p1", "data/p1"),  # below root_source_path
        ("./data//p1/", "data/p1"),
        (rf"{SHARE}\data\p1", "data/p1"),
        ("//SRV/share/data/p1", "data/p1"),
        (r"\\other\share\p1", "This share is not known here"),
        (rf"{SHARE}\data\..\data\p1", "This share is not known here"),
        ("p9", "There is no such folder"),
        ("data/p1/a.dcm", "There is no such folder"),
    ],
)
def test_the_folder_that_a_person_means(
    workspace: Workspace, data: Path, make: Make, text: str, found: str
) -> None:
    try:
        assert local_folder(workspace, make(), text) == workspace.folder / found
    except UsageError as error:
        assert error.message == found and error.advice


def test_choosing_changes_no_mapping_and_adding_does(
    workspace: Workspace, data: Path, make: Make
) -> None:
    editor = edited(workspace, make())
    wanted = [Wanted("p1", "A", "Row 2"), Wanted("gone", "B", "Row 3"), Wanted("p1", "A")]
    chosen = result_of(choose_folders(workspace, editor.mapping, wanted))
    assert editor.revision == 0 and not editor.path.exists()
    added = add_chosen(workspace, editor, chosen)
    assert [trouble.where for trouble in added.troubles] == ["Row 3"]
    assert (len(added.rows), added.known) == (1, 1)
    assert written(editor, "source", "pseudo_id") == [("fileselection:p1/fileselection.txt", "A")]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("source,pseudo_id", {"pseudo_id": "A"}),
        ("source,patient_name", {"pseudo_name": "A"}),
        ("source,pseudo_name,pseudo_id", {"pseudo_id": "A", "pseudo_name": "A"}),
        ("source", {"pseudo_name": "A"}),
    ],
)
def test_the_pseudonym_is_in_every_column_for_it(
    workspace: Workspace, make: Make, columns: str, expected: dict[str, str]
) -> None:
    """So that AnonAPI, which sends an empty cell as it is, sends no empty pseudonym either."""
    editor = edited(workspace, make(columns=columns))
    (row,) = add_accession_numbers(workspace, editor, [Wanted("1.1", "A")]).rows
    assert {name: text for name, text in row.items() if name.startswith("pseudo")} == expected
    mapping = Mapping.load(editor.path)
    assert {name: mapping.cell(0, name) for name in expected} == expected


@pytest.mark.parametrize("number", ["1*", "1?", "1\\2", " ", "a\nb"])
def test_numbers_that_name_no_single_study(workspace: Workspace, make: Make, number: str) -> None:
    editor = edited(workspace, make())
    added = add_accession_numbers(workspace, editor, [Wanted(number), Wanted("1.1")])
    assert len(added.troubles) == 1 and added.troubles[0].advice
    assert written(editor, "source") == [("accession_number:1.1",)]


def test_sources_are_relative_to_a_local_root_too(
    workspace: Workspace, data: Path, make: Make
) -> None:
    """AnonAPI writes the current folder as root; it need not be the one we are in."""
    bare = workspace.with_settings(workspace.settings.replace(shares=ShareMap()))
    for root, source in (
        (data, "fileselection:p1/fileselection.txt"),
        (workspace.folder, "fileselection:data/p1/fileselection.txt"),
        (data / "p2", f"fileselection:{data}/p1/fileselection.txt"),  # outside: told by the plan
    ):
        bare.mapping_path.unlink(missing_ok=True)
        editor = edited(bare, make(options=f"root_source_path,{root}"))
        (row,) = result_of(add_folders(bare, editor, [Wanted("data/p1")])).rows
        assert row["source"] == source


def test_as_many_pseudonyms_as_sources() -> None:
    wanted = [Wanted("a", where="x"), Wanted("b")]
    assert with_pseudonyms(wanted, "AB") == [Wanted("a", "A", "x"), Wanted("b", "B")]
    for given in ("A", "ABC"):
        with pytest.raises(UsageError, match="for 2 sources"):
            with_pseudonyms(wanted, given)
