"""The editor: steps that can be undone, stable keys, and a save that loses nothing."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from anontui.errors import FileChangedError, ProjectError
from anontui.project import files
from anontui.project.editor import MappingEditor
from anontui.project.mapping import Mapping
from tests.project.make import COLUMNS, HEAD, mapping_of

TABLE = COLUMNS + "folder:a,1,P1,first\nfolder:b,2,P2,second\n# a note\nfolder:c,3,P3,third\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "anon_mapping.csv"
    path.write_text(HEAD + TABLE)
    return path


def table_of(editor: MappingEditor) -> str:
    """The text below the line ## Mapping ##."""
    return editor.mapping.dumps().decode().partition("## Mapping ##\n")[2]


def editor_of(table: str = TABLE) -> MappingEditor:
    return MappingEditor(mapping_of(table), Path("unused"))


def sources(editor: MappingEditor) -> list[str]:
    return [editor.mapping.cell(row, "source") for row in range(len(editor.keys))]


def is_dirty(editor: MappingEditor) -> bool:
    return editor.dirty  # asked anew each time; a type checker takes an attribute to stay


def test_an_edit_changes_its_field_only() -> None:
    editor = editor_of('source,  pseudo_id, "colour"\nfolder:a,      001, "blue", x\n"f",2\n')
    editor.set_cell(0, "patient_id", "002")
    assert table_of(editor).splitlines()[1] == 'folder:a,      002, "blue", x'
    editor.set_cell(1, "colour", "red, or green")
    assert table_of(editor).splitlines()[2] == '"f",2,"red, or green"'


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("plain", "plain"),
        ("a,b", '"a,b"'),
        ('say "hi"', '"say ""hi"""'),
        ("two\nlines", '"two\nlines"'),
        ("ends;", '"ends;"'),
        ("=SUM(A1)", "=SUM(A1)"),
        ("## Options ## ", None),
        ("## mapping ##", None),
        ("x\x00", None),
        ("\udcff", None),
        ("x" * 32_768, None),
    ],
)
def test_what_a_cell_may_hold(text: str, field: str | None) -> None:
    editor = editor_of()
    if field is None:
        with pytest.raises(ProjectError) as caught:
            editor.set_cell(0, "description", text)
        assert caught.value.advice
        assert table_of(editor) == TABLE
        assert not editor.revision
    else:
        editor.set_cell(0, "description", text)
        assert table_of(editor) == TABLE.replace("first", field)


@pytest.mark.parametrize("source", ["# not a comment", "#folder:a", " #x"])
def test_a_first_cell_is_never_taken_for_a_comment(source: str) -> None:
    editor = editor_of()
    editor.set_cell(0, "source", source)
    again = Mapping.loads(editor.mapping.dumps())
    assert [again.cell(row, "source") for row in range(3)] == [
        source.strip(),
        "folder:b",
        "folder:c",
    ]


def test_a_row_stays_a_row_when_it_loses_its_source() -> None:
    editor = editor_of("description,source\n#1,folder:a\n")
    editor.set_cell(0, "source", "")
    assert list(Mapping.loads(editor.mapping.dumps()).rows) == [["#1", ""]]


def test_letters_that_the_file_cannot_hold_make_it_utf8_with_a_mark() -> None:
    data = (HEAD + TABLE).replace("first", "é").encode("cp1252")
    editor = MappingEditor(Mapping.loads(data), Path("unused"))
    editor.set_cell(1, "description", "ł")
    expected = (HEAD + TABLE).replace("first", "é").replace("second", "ł")
    assert editor.mapping.dumps() == expected.encode("utf-8-sig")
    editor.undo()
    assert editor.mapping.dumps() == data


def test_setting_what_is_there_is_no_step() -> None:
    editor = editor_of()
    editor.set_cell(0, "pseudo_id", " 1 ")
    editor.set_cell(0, "project", "")
    editor.set_option("project", "Knees")
    editor.set_description("A study")
    editor.delete_rows([])
    editor.insert_rows(0, [])
    editor.duplicate_rows([])
    assert (editor.revision, editor.undo()) == (0, None)


def test_several_cells_are_one_step() -> None:
    editor = editor_of()
    editor.set_cells([(row, "pseudo_id", f"X{row}") for row in (0, 2)] + [(0, "project", "Hips")])
    assert "folder:a,X0,P1,first,Hips\n" in table_of(editor)
    assert "folder:c,X2,P3,third\n" in table_of(editor)
    assert editor.undo() == "edit 3 cells"
    assert table_of(editor) == TABLE


def test_rows_are_inserted_with_the_columns_they_need() -> None:
    editor = editor_of("source,pseudo_id\nfolder:a,1\n")
    at = editor.insert_rows(1, [{"source": "folder:b", "pseudo_name": "P"}, {"patient_id": "3"}])
    assert at == range(1, 3)
    assert table_of(editor) == ("source,pseudo_id,pseudo_name\nfolder:a,1\nfolder:b,,P\n,3,\n")
    assert editor.undo() == "insert 2 rows"
    assert table_of(editor) == "source,pseudo_id\nfolder:a,1\n"


def test_rows_go_below_a_last_line_without_an_end() -> None:
    data = (HEAD + TABLE).rstrip("\n").encode()
    editor = MappingEditor(Mapping.loads(data), Path("unused"))
    editor.insert_rows(3, [{"source": "folder:d"}])
    assert editor.mapping.dumps() == data + b"\nfolder:d,,,"
    editor.undo()
    assert editor.mapping.dumps() == data


def test_a_table_without_column_names_gets_them_with_its_first_row() -> None:
    editor = editor_of("\n")
    editor.insert_rows(0, [{"source": "folder:a", "project": "Hips"}])
    expected = "\nsource,pseudo_id,pseudo_name,description,project\nfolder:a,,,,Hips\n"
    assert table_of(editor) == expected
    editor.undo()
    assert table_of(editor) == "\n"


def test_an_unknown_column_is_not_added_by_itself() -> None:
    editor = editor_of()
    with pytest.raises(ProjectError, match="no column colour"):
        editor.insert_rows(0, [{"colour": "blue"}])
    editor.add_column("colour")
    editor.set_cell(0, "colour", "blue")
    assert table_of(editor).startswith(
        "source,pseudo_id,pseudo_name,description,colour\nfolder:a,1,P1,first,blue\nfolder:b,2,P2,"
    )
    for name in ("colour", "PATIENT_ID", " "):
        with pytest.raises(ProjectError):
            editor.add_column(name)


def test_cells_without_a_column_name_are_named_by_the_user_only() -> None:
    editor = editor_of("source,pseudo_id\nfolder:a,1,lost\n")
    with pytest.raises(ProjectError, match="Row 1 has cells without a column name"):
        editor.set_cell(0, "description", "x")
    editor.add_column("description")
    assert editor.mapping.cell(0, "description") == "lost"


def test_a_column_takes_the_place_of_separators_that_excel_added() -> None:
    editor = editor_of("source,pseudo_id,,\nfolder:a,1,,\n")
    editor.set_cell(0, "project", "Hips")
    assert table_of(editor) == "source,pseudo_id,project,\nfolder:a,1,Hips,\n"


def test_keys_stay_with_their_rows() -> None:
    editor = editor_of()
    first, second, third = editor.keys
    editor.insert_rows(0, [{"source": "folder:new"}])
    editor.duplicate_rows([1, 2])
    new, copies = editor.keys[0], editor.keys[3:5]
    assert editor.keys == [new, first, second, *copies, third]
    assert len(set(editor.keys)) == 6
    editor.delete_rows([0, 1, 4])
    assert editor.keys == [second, copies[0], third]
    assert sources(editor) == ["folder:b", "folder:a", "folder:c"]
    editor.undo()
    assert editor.keys == [new, first, second, *copies, third]
    editor.redo()
    assert editor.keys == [second, copies[0], third]


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        ([1], COLUMNS + "folder:a,1,P1,first\n# a note\nfolder:c,3,P3,third\n"),
        ([0, 1, 2], COLUMNS + "# a note\n"),
        ([0, 2], COLUMNS + "folder:b,2,P2,second\n# a note\n"),
        ([2, 2], COLUMNS + "folder:a,1,P1,first\nfolder:b,2,P2,second\n# a note\n"),
    ],
)
def test_comments_stay_where_rows_are_deleted(rows: list[int], left: str) -> None:
    editor = editor_of()
    editor.delete_rows(rows)
    assert table_of(editor) == left
    editor.undo()
    assert table_of(editor) == TABLE


def test_a_copy_takes_no_comment_along() -> None:
    editor = editor_of()
    assert editor.duplicate_rows([1]) == range(2, 3)
    assert table_of(editor).count("# a note") == 1


def test_the_description_and_what_undo_says() -> None:
    editor = editor_of()
    editor.set_description("One\n\nTwo;")
    editor.set_option("project", "Hips")
    editor.set_cell(0, "patient_id", "9")
    assert editor.mapping.description == "One\n\nTwo;"
    assert editor.mapping.dumps().startswith(b"## Description ##\nOne\n\nTwo;\n\n## Options ##\n")
    labels = ["edit pseudo_id of row 1", "set project", "set description", None]
    assert [editor.undo() for _ in range(4)] == labels
    assert editor.redo() == "set description"
    editor.set_option("project", "Feet")
    assert editor.redo() is None


def test_a_description_with_a_section_header_is_refused() -> None:
    editor = editor_of()
    with pytest.raises(ProjectError):
        editor.set_description("see\n## options ##\nbelow")
    assert editor.mapping.description == "A study"


def test_dirty_follows_edits_undo_and_save(path: Path) -> None:
    editor = MappingEditor.load(path)
    assert not is_dirty(editor)
    editor.set_cell(0, "pseudo_id", "9")
    assert is_dirty(editor)
    editor.undo()
    assert not is_dirty(editor)
    editor.redo()
    editor.save()
    assert not is_dirty(editor)
    assert path.read_text() == HEAD + TABLE.replace(",1,", ",9,")
    editor.undo()
    assert is_dirty(editor)
    editor.set_cell(0, "pseudo_id", "8")
    assert is_dirty(editor)


def test_a_new_mapping_is_saved_where_nothing_is(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    editor = MappingEditor(Mapping.new(), path)
    assert is_dirty(editor)
    assert not editor.changed_on_disk()
    editor.save()
    assert not is_dirty(editor)
    assert path.read_bytes() == editor.mapping.dumps()
    other = MappingEditor(Mapping.new(description="another"), path)
    with pytest.raises(FileChangedError):
        other.save()


@pytest.mark.parametrize("same_stat", [False, True])
def test_another_program_s_change_is_not_lost(path: Path, same_stat: bool) -> None:
    editor = MappingEditor.load(path)
    before = path.stat()
    editor.set_cell(0, "pseudo_id", "9")
    theirs = HEAD + TABLE.replace(",2,", ",7,")
    path.write_text(theirs)
    if same_stat:  # a change within the clock's tick: the save looks at the content
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        assert editor.changed_on_disk()
    with pytest.raises(FileChangedError) as caught:
        editor.save()
    assert caught.value.advice
    assert path.read_text() == theirs
    assert is_dirty(editor)
    editor.save(overwrite=True)
    assert path.read_text() == HEAD + TABLE.replace(",1,", ",9,")
    assert not editor.changed_on_disk()


def test_a_file_that_was_only_touched_is_not_changed(path: Path) -> None:
    editor = MappingEditor.load(path)
    path.write_text(path.read_text())
    os.utime(path, (1, 1))
    assert not editor.changed_on_disk()
    editor.set_cell(0, "pseudo_id", "9")
    editor.save()


def test_a_file_is_read_again_only_when_it_was_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = MappingEditor.load(path)
    data, reads = path.read_bytes(), []

    def read(*_: object) -> bytes:
        reads.append(1)
        return data

    monkeypatch.setattr(files, "read_bytes", read)
    assert not editor.changed_on_disk()
    assert reads == []
    os.utime(path, (1, 1))
    assert not editor.changed_on_disk()
    assert not editor.changed_on_disk()
    assert reads == [1]


def test_a_file_that_is_gone_is_written_again(path: Path) -> None:
    editor = MappingEditor.load(path)
    path.unlink()
    assert not editor.changed_on_disk()
    editor.save()
    assert path.read_text() == HEAD + TABLE


def test_reload_takes_theirs_and_undo_brings_ours_back(path: Path) -> None:
    editor = MappingEditor.load(path)
    first, second, third = editor.keys
    editor.set_cell(0, "pseudo_id", "9")
    path.write_text(HEAD + COLUMNS + "folder:c,3,P3,third\nfolder:d,4,,\nfolder:a,1,P1,first\n")
    editor.reload()
    assert sources(editor) == ["folder:c", "folder:d", "folder:a"]
    assert editor.keys[0] == third
    assert len({first, second, third, *editor.keys[1:]}) == 5
    assert not is_dirty(editor)
    assert editor.undo() == "reload"
    assert editor.mapping.cell(0, "pseudo_id") == "9"
    assert editor.keys == [first, second, third]
    assert is_dirty(editor)
    editor.undo()
    assert table_of(editor) == TABLE


def test_a_reload_that_fails_changes_nothing(path: Path) -> None:
    editor = MappingEditor.load(path)
    editor.set_cell(0, "pseudo_id", "9")
    path.write_text("half a fi")
    with pytest.raises(ProjectError):
        editor.reload()
    assert editor.mapping.cell(0, "pseudo_id") == "9"
    assert is_dirty(editor)
    with pytest.raises(FileChangedError):
        editor.save()


def test_a_save_that_fails_keeps_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    editor = MappingEditor.load(path)
    editor.set_cell(0, "pseudo_id", "9")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ProjectError) as caught:
        editor.save()
    assert caught.value.cause == "No space left on device"
    assert path.read_text() == HEAD + TABLE
    assert is_dirty(editor)


def test_undo_keeps_no_copies_of_the_mapping() -> None:
    rows = "".join(f"folder:a/{n},{n},P{n},description {n}\n" for n in range(20_000))
    editor = editor_of(COLUMNS + rows)
    tracemalloc.start()
    for n in range(200):
        editor.set_cell(n * 100, "description", f"edited {n}")
    editor.delete_rows([0, 10_000, 19_999])
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 400_000  # one copy of the list of rows alone has 160,000


def test_many_scattered_rows_are_deleted_in_one_step() -> None:
    rows = "".join(f"folder:{n},{n},,\n" for n in range(1000))
    editor = editor_of(COLUMNS + rows)
    editor.delete_rows(range(0, 1000, 2))
    assert sources(editor) == [f"folder:{n}" for n in range(1, 1000, 2)]
    editor.undo()
    assert table_of(editor) == COLUMNS + rows
