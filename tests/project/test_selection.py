"""File selections, good and hostile."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from anontui.errors import ProjectError
from anontui.project.selection import FILENAME, Selection

PROPERTY = settings(deadline=None, database=None)
HEAD = "description: d\nid: i\nselected_paths:\n"


def test_round_trip_through_a_file(tmp_path: Path) -> None:
    selection = Selection.new("Knees é", ("a/1", "a/b c/2.dcm", "é/3", FILENAME, "a/" + FILENAME))
    assert selection.paths == ("a/1", "a/b c/2.dcm", "é/3", "a/" + FILENAME)
    selection.save(tmp_path / FILENAME)
    assert Selection.load(tmp_path / FILENAME) == selection
    assert yaml.safe_load((tmp_path / FILENAME).read_text("ascii")) == {
        "description": "Knees é",
        "id": selection.id,
        "selected_paths": list(selection.paths),
    }
    assert Selection.new("", ()).id != Selection.new("", ()).id


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\\/"), min_size=1).filter(
    lambda name: name.isprintable() and name.strip(". ") != ""
)


@PROPERTY
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\ufeff")),
    st.lists(NAMES.map("a/{}".format)),
)
def test_any_path_comes_back(description: str, paths: list[str]) -> None:
    selection = Selection(description, "1", tuple(paths))
    assert Selection.loads(selection.dumps()) == selection


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("1", "1"),
        ("no", "no"),
        ("2.0-CT-1/2", "2.0-CT-1/2"),
        ("'null'", "null"),
        ('"a\\tb c"', None),
        ("a\\b.dcm", "a/b.dcm"),
        ("a/..b/c..", "a/..b/c.."),
        ("12:30.dcm", "12:30.dcm"),
        ("!!str x", "x"),
        ("..", None),
        ("../x", None),
        ("a/../../x", None),
        ("..\\..\\x", None),
        ("a\\..\\x", None),
        ("a/.. /x", None),
        ("a/. ./x", "a/. ./x"),
        ("/etc/passwd", None),
        ("\\\\server\\share\\x", None),
        ("\\x", None),
        ("C:\\x", None),
        ("c:x", None),
        ('"a\\nb"', None),
        ('"a\\0b"', None),
    ],
)
def test_paths(path: str, read: str | None) -> None:
    data = f"{HEAD}- {path}\n".encode()
    if read is None:
        with pytest.raises(ProjectError) as caught:
            Selection.loads(data)
        assert "Path 1" in caught.value.message
    else:
        assert Selection.loads(data).paths == (read,)


@pytest.mark.parametrize("path", ["..", "a/../../b", "/a", "C:/a", "a\\b", "a\udcff", "a\nb", ""])
def test_a_path_that_must_not_be_saved(tmp_path: Path, path: str) -> None:
    with pytest.raises(ProjectError) as caught:
        Selection("d", "i", ("ok", path)).save(tmp_path / FILENAME)
    assert caught.value.advice
    assert list(tmp_path.iterdir()) == []


def test_empty_items_and_other_names_are_left_out() -> None:
    data = b"selected_paths:\n- a\n-\n- ~\nother: {x: 1}\n"
    assert Selection.loads(data) == Selection("", "", ("a",))
    assert Selection.loads(b"selected_paths:\n").paths == ()
    assert Selection.loads(b"selected_paths: []\n").paths == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    assert Selection.loads((HEAD + "- é/1\n").encode(encoding)).paths == ("é/1",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("# only a comment", "it is empty"),
        ("just text", "no list of 'name: value'"),
        ("- a\n- b", "no list of 'name: value'"),
        ("{}", "no list selected_paths"),
        (HEAD.replace("selected_paths:", "paths: [a]"), "no list selected_paths"),
        (HEAD + "  a: b\n", "no list selected_paths"),
        ("selected_paths: a\n", "no list selected_paths"),
        ("description: [a]\nselected_paths: []\n", "another value is no text"),
        (HEAD + "- [a]\n", "one text is expected (line 4)"),
        (HEAD + "- " + "[" * 100_000, "(line 4)"),  # libyaml may stop by itself
        (HEAD + "- a: b\n", "one text is expected (line 4)"),
        ("? [a]\n: b\n", "one text is expected"),
        (HEAD + "id: again\n", "given twice (line 4)"),
        ("id: {b: 1, b: 2}\n", "given twice"),
        ("id: {b: {c: 1}}\n", "one text is expected"),
        ("a: &x 1\nselected_paths: [*x]\n", "an alias (*) is not allowed"),
        ("a: &x [1]\nb: *x\n", "an alias (*) is not allowed"),
        (HEAD + "- !!python/object/apply:os.system [ls]\n", "one text is expected"),
        (HEAD + "- !!python/name:os.system x\n", "a tag (!) is not allowed"),
        ("!!python/dict {a: b}\n", "no list of 'name: value'"),
        ("id: !!set {b: c}\n", "one text is expected"),
        ("a: " + "[" * 30 + "]" * 30, "nested too deeply"),
        ("a: 1\n---\nb: 2\n", "more than one document"),
        ("a: 'open\n", "it is not YAML"),
        ("\ta: b: c\n", "it is not YAML"),
        ("a: b\x00", "it is no text"),
    ],
)
def test_hostile_yaml_gives_a_clear_error(text: str, says: str) -> None:
    with pytest.raises(ProjectError) as caught:
        Selection.loads(text.encode())
    assert says in caught.value.message
    assert caught.value.advice


@PROPERTY
@given(st.binary(max_size=60))
def test_no_bytes_give_a_traceback(data: bytes) -> None:
    try:
        Selection.loads(data)
    except ProjectError as error:
        assert error.advice
