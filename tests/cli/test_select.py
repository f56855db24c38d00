"""``anontui select``: the selection of a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anontui import atomic
from anontui.project.selection import Selection
from tests.cli.conftest import Command
from tests.dicom.files import dicom_bytes


@pytest.fixture
def data(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with two studies and other files in it."""
    folder = project / "data"
    for name in ("study1/1.dcm", "study1/bigfile.raw", "study2/2", "study2/deep/3.dcm"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(dicom_bytes())
    (folder / "study1/notes.txt").write_text("Hawthorne")
    monkeypatch.chdir(folder)
    return folder


def chosen(anontui: Command, *more: str) -> list[str]:
    found = json.loads(anontui("select", "status", "--json", *more).out)["selected_paths"]
    assert isinstance(found, list)
    return sorted(found)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["*"], ["study1/1.dcm", "study1/bigfile.raw", "study2/2", "study2/deep/3.dcm"]),
        (["study2/*"], ["study2/2", "study2/deep/3.dcm"]),
        (["*.dcm"], ["study1/1.dcm", "study2/deep/3.dcm"]),
        (["*", "-e", "*.raw", "--exclude-pattern", "*.dcm"], ["study2/2"]),
        (["study1/1.dcm", "study2"], ["study1/1.dcm", "study2/2", "study2/deep/3.dcm"]),
        (["*", "--no-check-dicom"], ["study1/1.dcm", "study2/2", "study2/deep/3.dcm"]),
    ],
)
def test_add(anontui: Command, data: Path, words: list[str], found: list[str]) -> None:
    ran = anontui("select", "add", *words)
    assert ran.code == 0 and f"now holds {len(found)} files" in ran.err
    assert chosen(anontui) == found
    assert anontui("select", "add", *words).code == 0
    assert chosen(anontui) == found
    assert anontui("select", "status").out.splitlines() == list(
        Selection.load(data / "fileselection.txt").paths
    )


def test_add_without_subfolders(anontui: Command, data: Path) -> None:
    ran = anontui("select", "add", "--no-recurse", "*")
    assert ran.code == 1 and "No DICOM file matches" in ran.err
    (data / "4").write_bytes(dicom_bytes())
    assert anontui("select", "add", "--no-recurse", "*").code == 0
    assert chosen(anontui) == ["4"]


@pytest.mark.parametrize("words", [["status"], ["edit"], ["delete", "--yes"]])
def test_no_selection(anontui: Command, data: Path, words: list[str]) -> None:
    ran = anontui("select", *words)
    assert ran.code == 1 and "This folder has no selection. Make one with" in ran.err
    ran = anontui("select", *words, "study1")
    assert ran.code == 1 and "There is no selection study1" in ran.err


def test_edit(anontui: Command, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    anontui("select", "add", "*.dcm")
    monkeypatch.setenv("EDITOR", "sed -i /study1/d")
    ran = anontui("select", "edit")
    assert ran.code == 0 and "holds 1 files" in ran.err
    monkeypatch.setenv("EDITOR", r"sed -i 's:study2:../study2:'")
    ran = anontui("select", "edit")
    assert ran.code == 1 and "leads out of its folder" in ran.err
    monkeypatch.setenv("EDITOR", "false")
    assert anontui("select", "edit").code == 2


def test_delete(anontui: Command, data: Path) -> None:
    anontui("select", "add", "*")
    path = data / "fileselection.txt"
    assert anontui("select", "delete").code == 2 and path.exists()
    assert anontui("select", "delete", typed="n\n").code == 1 and path.exists()
    assert anontui("select", "delete", typed="y\n").code == 0 and not path.exists()
    assert (data / "study1/1.dcm").exists()


def test_selection_that_leads_out(anontui: Command, data: Path) -> None:
    path = data / "fileselection.txt"
    path.write_text("description: x\nid: y\nselected_paths: ['..\\..\\secret.dcm']\n")
    before = path.read_bytes()
    for words in (["select", "status"], ["select", "add", "*"]):
        ran = anontui(*words)
        assert ran.code == 1 and "leads out of its folder" in ran.err
    assert path.read_bytes() == before


def test_into_a_folder_above(
    anontui: Command, data: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = atomic.write_bytes

    def refuse(path: Path, content: bytes, *, mode: int | None = None) -> None:
        if path.parent == data:
            raise PermissionError(13, "Permission denied")
        write(path, content, mode=mode)

    monkeypatch.setattr(atomic, "write_bytes", refuse)
    ran = anontui("select", "add", "study2")
    assert ran.code == 1 and "such as the project folder: add --into FOLDER" in ran.err
    ran = anontui("select", "add", "study2", "--into", "..")
    assert ran.code == 0 and f"{project}/fileselection-data.txt now holds 2 files" in ran.err
    assert chosen(anontui, "../fileselection-data.txt") == [
        "data/study2/2",
        "data/study2/deep/3.dcm",
    ]
    ran = anontui("select", "add", "*", "--into", "study1")
    assert ran.code == 2 and "Name a folder above" in ran.err
