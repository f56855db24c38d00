"""What is not saved yet is found again, however the app ended."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.project.editor import MappingEditor
from anontui.project.journal import Draft, Journal, Recovered, recover
from tests.project.test_merge import EDIT, ROWS, changed, do, rows_of, text_of, theirs
from tests.project.test_properties import PROPERTY


@pytest.fixture
def editor(tmp_path: Path) -> MappingEditor:
    path = tmp_path / "anon_mapping.csv"
    path.write_text(text_of(ROWS))
    editor = MappingEditor.load(path)
    editor.journal = Journal(tmp_path / "state" / "journal")
    return editor


def ended(editor: MappingEditor) -> None:
    """The process is gone: its lock goes with it, its file stays."""
    assert editor.journal is not None
    if editor.journal._file is not None:
        os.close(editor.journal._file)
        editor.journal._file = None


def found(editor: MappingEditor) -> list[Recovered]:
    ended(editor)
    assert editor.journal is not None
    return [one for one, _ in recover(editor.journal._path.with_name("journal"))]


def test_an_edit_that_was_not_saved(editor: MappingEditor) -> None:
    editor.set_cell(0, "pseudo_id", "9")
    editor.delete_rows([1])
    (one,) = found(editor)
    assert (one.steps, one.draft) == (2, None)
    assert one.state.mapping.dumps() == editor.mapping.dumps()
    assert one.state.keys == editor.keys
    assert one.base.mapping.dumps() == editor.path.read_bytes()
    again = MappingEditor.load(editor.path)
    again.recover(one, "edits")
    assert again.dirty
    assert again.mapping.dumps() == editor.mapping.dumps()
    again.insert_rows(0, [{}])
    assert len(set(again.keys)) == len(again.keys)
    again.undo()
    again.undo()
    assert again.mapping.dumps() == editor.path.read_bytes()


def test_only_what_came_after_the_last_save(editor: MappingEditor) -> None:
    editor.set_cell(0, "pseudo_id", "9")
    editor.save()
    editor.set_cell(1, "pseudo_id", "8")
    (one,) = found(editor)
    assert one.steps == 1
    assert one.base.mapping.dumps() == editor.path.read_bytes()


def test_nothing_is_left_of_what_was_saved(editor: MappingEditor, tmp_path: Path) -> None:
    editor.set_cell(0, "pseudo_id", "9")
    editor.save()
    assert not found(editor)
    assert not list((tmp_path / "state").iterdir())


def test_an_edit_that_was_taken_back_before_the_end(editor: MappingEditor) -> None:
    editor.set_cell(0, "pseudo_id", "9")
    editor.undo()
    editor.set_cell(1, "pseudo_id", "8")
    (one,) = found(editor)
    assert one.state.mapping.dumps() == editor.mapping.dumps()


def test_a_draft_and_its_end(editor: MappingEditor) -> None:
    for text in ("L", "LU"):
        editor.note_draft(Draft(2, "pseudo_id", text))
    (one,) = found(editor)
    assert one.draft == Draft(2, "pseudo_id", "LU")
    assert one.steps == 0


def test_a_draft_that_was_given_up(editor: MappingEditor) -> None:
    editor.note_draft(Draft(2, "pseudo_id", "L"))
    editor.note_draft(None)
    assert not found(editor)


def test_it_is_for_the_user_alone_and_goes_when_it_is_closed(
    editor: MappingEditor, tmp_path: Path
) -> None:
    editor.set_cell(0, "pseudo_id", "9")
    (path,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert editor.journal
    editor.journal.sync()
    editor.journal.close()
    assert not path.exists()


def test_who_looks_only_leaves_nothing(editor: MappingEditor, tmp_path: Path) -> None:
    editor.note_draft(None)
    assert not (tmp_path / "state").exists()


def test_two_apps_keep_two_and_a_living_one_is_passed_over(editor: MappingEditor) -> None:
    other = MappingEditor.load(editor.path)
    assert editor.journal
    other.journal = Journal(editor.journal._path)
    editor.set_cell(0, "pseudo_id", "9")
    other.set_cell(0, "pseudo_id", "8")
    path = editor.journal._path.with_name("journal")
    assert not list(recover(path))
    ended(other)
    assert len(list(recover(path))) == 1
    ended(editor)
    assert len(list(recover(path))) == 2


def test_a_folder_that_cannot_be_written_does_not_keep_one_from_editing(
    editor: MappingEditor, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("no folder")
    editor.set_cell(0, "pseudo_id", "9")
    assert editor.journal
    assert not editor.journal.works
    editor.save()


def test_edits_of_before_a_merge_and_after_it(editor: MappingEditor) -> None:
    editor.set_cell(0, "pseudo_id", "9")
    theirs(editor, changed(1, 3, "theirs"))
    editor.merge()
    editor.set_cell(2, "pseudo_id", "8")
    (one,) = found(editor)
    assert one.state.mapping.dumps() == editor.mapping.dumps()
    assert one.base.mapping.dumps() == editor.path.read_bytes()


def test_the_file_was_changed_while_the_app_was_gone(editor: MappingEditor) -> None:
    editor.set_cell(0, "pseudo_id", "9")
    (one,) = found(editor)
    theirs(editor, changed(1, 3, "theirs"))
    again = MappingEditor.load(editor.path)
    again.recover(one, "edits")
    assert again.changed_on_disk()
    assert not again.merge().clashes
    assert rows_of(again)[0] == "folder:0,9,P0,about 0"
    assert rows_of(again)[1] == "folder:1,1,P1,theirs"


@PROPERTY
@given(st.lists(EDIT, min_size=1, max_size=8), st.data())
def test_any_cut_gives_the_state_after_some_step(
    tmp_path_factory: pytest.TempPathFactory,
    edits: list[tuple[str, int, int, int]],
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    path = folder / "anon_mapping.csv"
    path.write_text(text_of(ROWS))
    editor = MappingEditor.load(path)
    editor.journal = Journal(folder / "journal")
    states = [editor.mapping.dumps()]
    for edit in edits:
        do(editor, [edit], "o")
        states.append(editor.mapping.dumps())
    whole = found(editor)
    if whole:
        assert whole[0].state.mapping.dumps() == states[-1]
        file = folder / "journal-1"
        cut = file.read_bytes()[: data.draw(st.integers(0, file.stat().st_size))]
        file.write_bytes(cut)
        for one, _ in recover(folder / "journal"):
            assert one.state.mapping.dumps() in states
            assert one.base.mapping.dumps() == states[0]


def test_a_process_that_is_killed(editor: MappingEditor, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from anontui.project.editor import MappingEditor\n"
        "from anontui.project.journal import Draft, Journal\n"
        "editor = MappingEditor.load(Path(sys.argv[1]))\n"
        "editor.journal = Journal(Path(sys.argv[2]))\n"
        "editor.set_cell(0, 'pseudo_id', 'KEPT')\n"
        "editor.note_draft(Draft(1, 'pseudo_id', 'TYP'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    journal = tmp_path / "journal"
    done = subprocess.run(
        [sys.executable, "-c", program, editor.path, journal],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    ((one, forget),) = recover(journal)
    assert one.state.mapping.cell(0, "pseudo_id") == "KEPT"
    assert one.draft == Draft(1, "pseudo_id", "TYP")
    forget()
    assert not list(recover(journal))
