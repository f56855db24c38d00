"""Two change one mapping: nothing of either is lost, and a clash is asked about."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.project.editor import MappingEditor
from anontui.project.mapping import Mapping
from anontui.project.merge import DESCRIPTION, ROW
from tests.project.make import COLUMNS, HEAD
from tests.project.test_properties import PROPERTY

ROWS = [f"folder:{n},{n},P{n},about {n}" for n in range(5)]


def text_of(rows: list[str], head: str = HEAD) -> str:
    return head + COLUMNS + "".join(f"{row}\n" for row in rows)


@pytest.fixture
def editor(tmp_path: Path) -> MappingEditor:
    path = tmp_path / "anon_mapping.csv"
    path.write_text(text_of(ROWS))
    return MappingEditor.load(path)


def rows_of(editor: MappingEditor) -> list[str]:
    names = COLUMNS.strip().split(",")
    mapping = editor.mapping
    return [",".join(mapping.cell(r, n) for n in names) for r in range(len(mapping.records))]


def theirs(editor: MappingEditor, rows: list[str], head: str = HEAD) -> None:
    editor.path.write_text(text_of(rows, head))


def changed(at: int, cell: int, text: str, rows: list[str] = ROWS) -> list[str]:
    cells = rows[at].split(",")
    cells[cell] = text
    return [*rows[:at], ",".join(cells), *rows[at + 1 :]]


def test_different_cells_of_one_row_go_together(editor: MappingEditor) -> None:
    editor.set_cell(1, "pseudo_id", "ours")
    theirs(editor, changed(1, 3, "theirs"))
    key = editor.keys[1]
    merged = editor.merge()
    assert (merged.clashes, merged.changed) == ([], {key})
    assert rows_of(editor)[1] == "folder:1,ours,P1,theirs"
    editor.save()
    assert Mapping.load(editor.path).cell(1, "pseudo_id") == "ours"
    assert editor.undo() == "merge"
    assert rows_of(editor)[1] == "folder:1,ours,P1,about 1"


def test_what_only_they_changed_leaves_nothing_to_save(editor: MappingEditor) -> None:
    theirs(editor, changed(0, 3, "theirs"))
    assert not editor.merge().clashes
    assert not editor.dirty
    assert not editor.changed_on_disk()


def test_excel_s_own_way_to_write_is_no_change(editor: MappingEditor) -> None:
    """Semicolons, quotes, other line ends, a mark in front."""
    editor.set_cell(2, "description", "ours")
    text = text_of(ROWS).replace(",", ";").replace("about", '"about"', 0).replace("\n", "\r\n")
    editor.path.write_bytes(text.encode("utf-8-sig"))
    assert not editor.merge().clashes
    assert rows_of(editor) == changed(2, 3, "ours")
    assert editor.mapping.dumps() == text.replace("about 2", "ours").encode("utf-8-sig")


def test_rows_that_were_sorted_are_found(editor: MappingEditor) -> None:
    editor.set_cell(1, "pseudo_id", "ours")
    theirs(editor, ROWS[::-1])
    assert not editor.merge().clashes
    assert rows_of(editor) == changed(1, 1, "ours")[::-1]


def test_the_same_cell_asks_and_nothing_changes_meanwhile(editor: MappingEditor) -> None:
    editor.set_cell(1, "pseudo_id", "ours")
    editor.set_cell(3, "description", "mine")
    theirs(editor, changed(1, 1, "theirs"))
    revision = editor.revision
    (clash,) = editor.merge().clashes
    assert (clash.name, clash.base, clash.ours, clash.theirs) == (
        "pseudo_id",
        "1",
        "ours",
        "theirs",
    )
    assert editor.revision == revision
    assert editor.changed_on_disk()
    editor.merge([clash.place])
    assert rows_of(editor)[1] == "folder:1,theirs,P1,about 1"
    assert rows_of(editor)[3].endswith("mine")
    editor.undo()
    theirs(editor, changed(1, 1, "theirs again"))
    editor.merge([])
    assert rows_of(editor)[1] == "folder:1,ours,P1,about 1"


def test_the_same_change_on_both_sides_is_no_clash(editor: MappingEditor) -> None:
    editor.set_cell(1, "pseudo_id", "same")
    editor.insert_rows(5, [{"source": "folder:9", "pseudo_id": "9"}])
    theirs(editor, [*changed(1, 1, "same"), "folder:9,9,,"])
    assert not editor.merge().clashes
    assert not editor.dirty
    assert len(rows_of(editor)) == 6


def test_a_source_and_its_pseudonym_are_never_mixed(editor: MappingEditor) -> None:
    """Else another patient's data would get the pseudonym that was meant for this one's."""
    editor.set_cell(1, "pseudo_id", "ours")
    theirs(editor, changed(1, 0, "folder:another"))
    clashes = editor.merge().clashes
    assert {clash.name for clash in clashes} == {"source", "pseudo_id"}


def test_a_row_in_another_row_s_place_gets_none_of_its_cells(editor: MappingEditor) -> None:
    editor.set_cell(1, "pseudo_id", "ours")
    theirs(editor, [ROWS[0], "folder:another,,,", *ROWS[2:]])
    (clash,) = editor.merge().clashes
    assert (clash.name, clash.theirs) == (ROW, None)
    editor.merge([])
    assert "folder:another,,," in rows_of(editor)
    assert "folder:1,ours,P1,about 1" in rows_of(editor)


def test_deleted_rows(editor: MappingEditor) -> None:
    editor.delete_rows([0, 4])
    theirs(editor, [*ROWS[:2], ROWS[3], "folder:4,4,P4,theirs"])
    (clash,) = editor.merge().clashes
    assert (clash.name, clash.ours) == (ROW, None)
    editor.merge([clash.place])
    assert rows_of(editor) == [ROWS[1], ROWS[3], "folder:4,4,P4,theirs"]


def test_new_rows_keep_their_place(editor: MappingEditor) -> None:
    editor.insert_rows(2, [{"source": "folder:ours"}])
    editor.insert_rows(0, [{"source": "folder:first"}])
    editor.insert_rows(7, [{}])
    theirs(editor, [*ROWS, "folder:theirs,t,t,"])
    assert not editor.merge().clashes
    sources = [row.split(",")[0] for row in rows_of(editor)]
    assert sources == [
        "folder:first",
        "folder:0",
        "folder:1",
        "folder:ours",
        "folder:2",
        "folder:3",
        "folder:4",
        "",
        "folder:theirs",
    ]


def test_options_and_description(editor: MappingEditor) -> None:
    editor.set_option("destination_path", r"\\srv\out")
    editor.set_option("project", "Hips")
    editor.set_description("ours")
    theirs(editor, ROWS, HEAD.replace("Knees", "Feet").replace("A study", "theirs"))
    clashes = editor.merge().clashes
    assert {clash.name for clash in clashes} == {"project", DESCRIPTION}
    editor.merge([(None, "project")])
    assert editor.mapping.option("project") == "Feet"
    assert editor.mapping.option("destination_path") == r"\\srv\out"
    assert editor.mapping.description == "ours"


def test_columns_of_one_s_own(editor: MappingEditor) -> None:
    editor.add_column("colour")
    editor.set_cell(0, "colour", "blue")
    text = text_of([f"{row},big" for row in ROWS]).replace("description\n", "description,size\n")
    editor.path.write_text(text)
    assert not editor.merge().clashes
    assert editor.mapping.named(0)["colour"] == "blue"
    assert editor.mapping.named(0)["size"] == "big"


# -- whatever two do ---------------------------------------------------------------------

EDIT = st.one_of(
    st.tuples(st.just("set"), st.integers(0, 9), st.sampled_from([1, 2, 3]), st.integers(0, 2)),
    st.tuples(st.just("delete"), st.integers(0, 9), st.just(0), st.just(0)),
    st.tuples(st.just("insert"), st.integers(0, 9), st.just(0), st.integers(10, 99)),
)
NAMES = ("source", "pseudo_id", "pseudo_name", "description")


def do(editor: MappingEditor, edits: list[tuple[str, int, int, int]], who: str) -> None:
    for verb, row, cell, value in edits:
        row %= len(editor.keys) + 1
        if verb == "insert":
            editor.insert_rows(row, [{"source": f"folder:{who}{value}"}])
        elif row < len(editor.keys) and verb == "set":
            editor.set_cell(row, NAMES[cell], f"{who}{value}")
        elif row < len(editor.keys):
            editor.delete_rows([row])


@PROPERTY
@given(st.lists(EDIT, max_size=6), st.lists(EDIT, max_size=6))
def test_each_edit_is_there_or_asked_about(
    tmp_path_factory: pytest.TempPathFactory,
    mine: list[tuple[str, int, int, int]],
    others: list[tuple[str, int, int, int]],
) -> None:
    path = tmp_path_factory.mktemp("merge") / "anon_mapping.csv"
    path.write_text(text_of(ROWS))
    editor, second, their = (MappingEditor.load(path) for _ in range(3))
    do(editor, mine, "o")
    do(second, mine, "o")
    do(their, others, "t")
    before = editor.mapping.dumps()
    base = {key: dict(zip(NAMES, row.split(","), strict=True)) for key, row in enumerate(ROWS)}
    ours = dict(zip(editor.keys, map(editor.mapping.named, range(len(editor.keys))), strict=True))
    path.write_bytes(their.mapping.dumps())
    merged = editor.merge()
    places = {clash.place for clash in merged.clashes}
    if places:
        assert editor.mapping.dumps() == before
        editor.merge([])
    after = dict(zip(editor.keys, map(editor.mapping.named, range(len(editor.keys))), strict=True))
    assert len(set(editor.keys)) == len(editor.keys) == len(editor.mapping.records)
    for key, cells in ours.items():  # ours counts where nothing else is said
        for name in cells.keys() | base.get(key, {}).keys():
            if cells.get(name) != base.get(key, {}).get(name):
                assert after[key].get(name) == cells.get(name)
    for key in base.keys() - ours.keys():
        assert key not in after or (key, ROW) in places
    second.merge({clash.place for clash in second.merge().clashes})  # and theirs where it is chosen
    kept = {second.mapping.cell(row, "source") for row in range(len(second.keys))}
    gone = {base[key]["source"] for key in base.keys() - ours.keys()}
    assert {their.mapping.cell(row, "source") for row in range(len(their.keys))} - gone <= kept
    redone = editor.mapping.dumps()
    while editor.undo():
        pass
    assert editor.mapping.dumps() == text_of(ROWS).encode()
    while editor.redo():
        pass
    assert editor.mapping.dumps() == redone
