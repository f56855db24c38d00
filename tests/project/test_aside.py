"""What is worked out in another thread: no edit that is made meanwhile is lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.errors import FileChangedError
from anontui.project.editor import MappingEditor
from anontui.project.journal import Journal, Recovered, recover
from anontui.project.mapping import Mapping
from tests.project.test_merge import EDIT, ROWS, changed, do, rows_of, text_of, theirs
from tests.project.test_properties import PROPERTY

Edits = list[tuple[str, int, int, int]]


@pytest.fixture
def editor(tmp_path: Path) -> MappingEditor:
    path = tmp_path / "anon_mapping.csv"
    path.write_text(text_of(ROWS))
    editor = MappingEditor.load(path)
    editor.journal = Journal(tmp_path / "journal")
    return editor


def test_an_edit_made_while_a_merge_is_worked_out(editor: MappingEditor) -> None:
    theirs(editor, changed(0, 3, "theirs"))
    found = editor.compare(editor.snapshot())
    editor.set_cell(2, "pseudo_id", "meanwhile")
    assert not editor.take(found)
    assert editor.take(editor.compare(editor.snapshot()))
    assert rows_of(editor)[0].endswith("theirs")
    assert "meanwhile" in rows_of(editor)[2]


def test_an_edit_made_while_it_is_saved_is_still_to_be_saved(editor: MappingEditor) -> None:
    editor.set_cell(0, "pseudo_id", "saved")
    snapshot = editor.snapshot(to_save=True)
    editor.write(snapshot)
    editor.set_cell(1, "pseudo_id", "meanwhile")
    editor.noted(snapshot)
    assert editor.dirty
    assert Mapping.load(editor.path).cell(1, "pseudo_id") == "1"
    kept = _left(editor)
    assert kept.steps == 1
    assert kept.base.mapping.dumps() == editor.path.read_bytes()
    assert kept.state.mapping.dumps() == editor.mapping.dumps()
    assert editor.undo() == "edit pseudo_id of row 2"
    assert not editor.dirty


def _left(editor: MappingEditor) -> Recovered:
    """What the next app finds if this one ends now."""
    assert editor.journal is not None
    assert editor.journal._file is not None
    os.close(editor.journal._file)
    editor.journal._file = None
    ((kept, _),) = recover(editor.path.with_name("journal"))
    return kept


def test_an_older_snapshot_is_not_written_over_a_later_one(editor: MappingEditor) -> None:
    editor.set_cell(0, "pseudo_id", "old")
    old = editor.snapshot(to_save=True)
    editor.set_cell(0, "pseudo_id", "new")
    editor.save()
    editor.write(old)
    assert Mapping.load(editor.path).cell(0, "pseudo_id") == "new"


def test_what_another_program_wrote_is_not_overwritten(editor: MappingEditor) -> None:
    editor.set_cell(0, "pseudo_id", "ours")
    snapshot = editor.snapshot(to_save=True)
    theirs(editor, changed(0, 3, "theirs"))
    with pytest.raises(FileChangedError):
        editor.write(snapshot)


def test_an_edit_on_a_twin_is_one_step_here(editor: MappingEditor) -> None:
    start = editor.snapshot()
    twin = editor.twin(start)
    twin.set_cells((row, "description", "filled") for row in range(5))
    assert rows_of(editor) == ROWS
    assert editor.adopt(twin, start)
    assert all(row.endswith("filled") for row in rows_of(editor))
    assert editor.undo() == "edit 5 cells"
    assert rows_of(editor) == ROWS


def test_large_steps_are_in_the_journal_after_its_sync(tmp_path: Path) -> None:
    path = tmp_path / "anon_mapping.csv"
    path.write_text(text_of([f"folder:{n},{n},,\n".strip() for n in range(1500)]))
    editor = MappingEditor.load(path)
    editor.journal = Journal(tmp_path / "journal")
    editor.set_cells((row, "description", "x") for row in range(1500))
    editor.set_cell(0, "pseudo_id", "after")
    expected = editor.mapping.dumps()
    editor.journal.sync()
    editor.set_cell(0, "pseudo_id", "later")
    kept = _left(editor)
    assert kept.steps == 3
    assert kept.state.mapping.dumps() == editor.mapping.dumps() != expected


@PROPERTY
@given(st.lists(EDIT, max_size=5), st.lists(EDIT, max_size=5))
def test_what_is_done_meanwhile_stays_beside_what_a_twin_did(
    tmp_path_factory: pytest.TempPathFactory, slow: Edits, quick: Edits
) -> None:
    path = tmp_path_factory.mktemp("twin") / "anon_mapping.csv"
    path.write_text(text_of(ROWS))
    editor = MappingEditor.load(path)
    start = editor.snapshot()
    twin = editor.twin(start)
    do(twin, slow, "t")
    do(editor, quick, "o")
    ours = _named(editor)
    done = _named(twin)
    if not editor.adopt(twin, start):
        now = editor.snapshot()
        assert editor.adopt(editor.rebased(twin, start, now), now)
    _nothing_lost(_named(editor), ours, done, _cells_of(start.state.keys, start.state.mapping))


@PROPERTY
@given(st.lists(st.tuples(st.sampled_from("owms"), st.lists(EDIT, max_size=3)), max_size=8))
def test_edits_saves_and_other_programs_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, Edits]]
) -> None:
    """Whatever comes between a snapshot and its end: each new source is there in the end."""
    path = tmp_path_factory.mktemp("order") / "anon_mapping.csv"
    path.write_text(text_of(ROWS))
    editor = MappingEditor.load(path)
    added: set[str] = set()

    def insert(into: MappingEditor, who: str) -> None:
        source = f"folder:{who}{len(added)}"
        added.add(source)
        into.insert_rows(0, [{"source": source}])

    for verb, edits in acts:
        snapshot = editor.snapshot(to_save=True)
        if verb == "w":  # another program writes
            other = MappingEditor.load(path)
            insert(other, "their")
            other.save()
        elif verb == "m":
            found = editor.compare(snapshot, ())
            insert(editor, "mine")
            assert not editor.take(found)
        elif verb == "s":
            insert(editor, "mine")
            try:
                editor.write(snapshot)
            except FileChangedError:
                editor.merge(())
            else:
                editor.noted(snapshot)
        else:
            do(editor, [one for one in edits if one[0] == "set"], "o")
    while True:
        if editor.changed_on_disk():
            editor.merge(())
        editor.save()
        if not editor.changed_on_disk():
            break
    there = Mapping.load(path)
    assert added <= {there.cell(row, "source") for row in range(len(there.records))}
    assert there.dumps() == editor.mapping.dumps()


def _cells_of(keys: list[int], mapping: Mapping) -> dict[int, dict[str, str]]:
    return dict(zip(keys, map(mapping.named, range(len(keys))), strict=True))


def _named(editor: MappingEditor) -> dict[int, dict[str, str]]:
    return _cells_of(editor.keys, editor.mapping)


def _nothing_lost(
    after: dict[int, dict[str, str]],
    ours: dict[int, dict[str, str]],
    done: dict[int, dict[str, str]],
    base: dict[int, dict[str, str]],
) -> None:
    """Each change of ours is there, and each of the twin's that none of ours overrules."""
    for key, cells in ours.items():
        for name in cells.keys() | base.get(key, {}).keys():
            if cells.get(name) != base.get(key, {}).get(name):
                assert after[key].get(name) == cells.get(name)
    for key, cells in done.items():
        if key not in base or (key in ours and ours[key] == base[key]):
            assert after[key] == cells
    for key in base.keys() - done.keys():
        assert key not in after or ours[key] != base[key]
