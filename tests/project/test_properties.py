"""What holds for any mapping, any text typed into it, and any order of edits."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from anontui.errors import ProjectError
from anontui.project.dialect import DELIMITERS, read_fields, split_fields
from anontui.project.editor import MappingEditor
from anontui.project.mapping import Mapping

PROPERTY = settings(max_examples=300, deadline=None, database=None)
DESCRIPTIONS = ("", "One line", "Two\n\nlines; with, marks,;", '"quoted" # not a comment')
NASTY = st.one_of(
    st.sampled_from(["", " ", "#", "#x", ",", ";", "a;", ", ", "\t", "a,b;c\td", "=1+1", "-1"]),
    st.sampled_from(['"', '""', '"a', ' "a"', "a\nb", "a\r\nb", "\r", "\n", "\x85", "\u2028"]),
    st.sampled_from(["## Options ##", "## mapping ##", "##Description##", "folder:a", " pad "]),
    st.sampled_from(["é", "€", "ł", "\ufeff", "\x00", "\ud800"]),
)
TEXT = st.one_of(NASTY, st.text(max_size=8), st.lists(NASTY, max_size=3).map("".join))
NAMES = st.sampled_from(["source", "pseudo_id", "patient_name", "description", "project"])
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])
CELL = st.one_of(
    st.sampled_from(
        ["", "folder:a", "001", " padded", '  "spaced"', '"quoted, cell"', '"two\nlines"', '5" x']
    ),
    st.text("ab ,;\"'#é", max_size=5),
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A mapping file as people and programs leave them."""
    delimiter = draw(st.sampled_from(DELIMITERS))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    columns = ["source", "patient_id", "pseudo_name", "description", "colour"]
    width = draw(st.integers(1 if delimiter == "," else 2, len(columns)))
    lines = ["## Description ##", draw(st.sampled_from(DESCRIPTIONS)), "", "## options ##"]
    options = [f"project{delimiter}Knees", "", "# note", f"pims_key{delimiter} a, b"]
    lines += draw(st.lists(st.sampled_from(options)))
    lines += ["## Mapping ##", delimiter.join(columns[:width])]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    for row in draw(st.lists(st.lists(CELL, max_size=6), max_size=6)):
        writer.writerow(row)
        out.write(draw(st.sampled_from(["", "", end, f"# note{end}", delimiter + end])))
    pad = draw(st.sampled_from(["", delimiter * 3])) if delimiter != "\t" else ""
    text = end.join(line + pad for line in lines) + end + out.getvalue()
    if draw(st.booleans()):
        text = text.removesuffix(end)
    encoding = draw(ENCODINGS)
    return text.encode(encoding, "replace")


def content(mapping: Mapping) -> tuple[str, list[tuple[str, str]], list[list[str]]]:
    """All that a mapping says; a row of separators alone is not read again."""
    return (
        mapping.description,
        mapping.options,
        [
            [mapping.cell(row, name) for name in mapping.columns if name.strip()]
            for row in range(len(mapping.rows))
            if any(cell.strip(" \t\r\n,;") for cell in mapping.cells(row))
        ],
    )


@PROPERTY
@given(files())
def test_reading_and_writing_changes_nothing(data: bytes) -> None:
    assert Mapping.loads(data).dumps() == data


@PROPERTY
@given(st.text("a,;\t \"'#\r\n", max_size=12), st.sampled_from(DELIMITERS))
def test_fields_are_those_of_the_csv_module(text: str, delimiter: str) -> None:
    lines = io.StringIO(text, newline="").readlines()
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    expected = [cell.lstrip(" ") for cell in next(reader, [])]
    fields, rest = split_fields(text, delimiter)
    assert delimiter.join(fields) + rest == text
    assert [cell.lstrip(" ") for cell in read_fields(text, delimiter)] == (expected or [""])


Edit = Callable[[MappingEditor], object]


def _cell(row: int, name: str, text: str) -> Edit:
    def edit(editor: MappingEditor) -> None:
        if editor.keys:
            editor.set_cell(row % len(editor.keys), name, text)

    return edit


def _delete(rows: list[int]) -> Edit:
    return lambda editor: editor.delete_rows(
        {row % len(editor.keys) for row in rows if editor.keys}
    )


def _duplicate(rows: list[int]) -> Edit:
    return lambda editor: editor.duplicate_rows(
        {row % len(editor.keys) for row in rows if editor.keys}
    )


def _insert(at: int, rows: list[dict[str, str]]) -> Edit:
    return lambda editor: editor.insert_rows(at % (len(editor.keys) + 1), rows)


def _option(name: str, value: str) -> Edit:
    return lambda editor: editor.set_option(name, value)


def _description(text: str) -> Edit:
    return lambda editor: editor.set_description(text)


ROWS = st.lists(st.integers(0, 20), max_size=4)
EDITS = st.lists(
    st.one_of(
        st.builds(_cell, st.integers(0, 20), NAMES, TEXT),
        st.builds(_delete, ROWS),
        st.builds(_duplicate, ROWS),
        st.builds(_insert, st.integers(0, 20), st.lists(st.dictionaries(NAMES, TEXT), max_size=3)),
        st.builds(_option, NAMES, TEXT),
        st.builds(_description, TEXT),
    ),
    max_size=8,
)


@PROPERTY
@given(files(), EDITS)
def test_edits_are_read_back_and_undone_to_the_byte(data: bytes, edits: list[Edit]) -> None:
    editor = MappingEditor(Mapping.loads(data), Path("unused"))
    states = [data]
    for edit in edits:
        before, revision = editor.mapping.dumps(), editor.revision
        try:
            edit(editor)
        except ProjectError:
            assert (editor.mapping.dumps(), editor.revision) == (before, revision)
            continue
        assert len(editor.keys) == len(set(editor.keys)) == len(editor.mapping.rows)
        again = Mapping.loads(editor.mapping.dumps())
        assert content(again) == content(editor.mapping)
        if editor.revision != revision:
            states.append(editor.mapping.dumps())
        else:
            assert editor.mapping.dumps() == before
    for state in reversed(states[:-1]):
        assert editor.undo()
        assert editor.mapping.dumps() == state
    assert editor.undo() is None
    for state in states[1:]:
        assert editor.redo()
        assert editor.mapping.dumps() == state
    assert editor.redo() is None


@PROPERTY
@given(files(), st.integers(0, 5), NAMES, TEXT)
def test_a_set_cell_is_read_back_and_no_other_cell_changes(
    data: bytes, row: int, name: str, text: str
) -> None:
    editor = MappingEditor(Mapping.loads(data), Path("unused"))
    position = editor.mapping.column(name)
    if not editor.keys or position is None:
        return
    row %= len(editor.keys)
    expected = list(editor.mapping.rows)
    try:
        editor.set_cell(row, name, text)
    except ProjectError:
        return
    expected[row] += [""] * (position + 1 - len(expected[row]))
    expected[row][position] = text
    assert meaning(Mapping.loads(editor.mapping.dumps()).rows) == meaning(expected)


def meaning(rows: Iterable[list[str]]) -> list[list[str]]:
    """Cells without spaces around them, less those at a row's end that hold separators only."""
    found = []
    for row in rows:
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1].strip(",;"):
            cells.pop()
        if cells:
            found.append(cells)
    return found
