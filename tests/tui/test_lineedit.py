"""The line of text under the grid's edits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from anontui.tui.widgets.lineedit import LineEdit, printable

KEYS = st.lists(st.sampled_from([*LineEdit.KEYS, "x", "space"]), max_size=30)


@pytest.mark.parametrize(
    ("text", "keys", "expected", "cursor"),
    [
        ("abc", "left left", "abc", 1),
        ("abc", "left left left left right", "abc", 1),
        ("abc", "home delete", "bc", 0),
        ("abc", "backspace backspace backspace backspace", "", 0),
        ("abc", "end delete", "abc", 3),
        ("one two-three", "ctrl+left", "one two-three", 8),
        ("one two-three", "ctrl+left ctrl+left ctrl+left ctrl+left", "one two-three", 0),
        ("one two-three", "home ctrl+right ctrl+right", "one two-three", 7),
        ("one two", "ctrl+w", "one ", 4),
        ("one two", "home ctrl+delete", " two", 0),
        ("one two", "ctrl+left ctrl+u", "two", 0),
        ("one two", "ctrl+left ctrl+k", "one ", 4),
        ("e\u0301x", "left left", "e\u0301x", 0),  # an accent goes with its letter
        ("xe\u0301", "backspace", "x", 1),
        ("e\u0301x", "home delete", "x", 0),
    ],
)
def test_keys(text: str, keys: str, expected: str, cursor: int) -> None:
    line = LineEdit(text)
    for key in keys.split():
        assert line.press(key)
    assert (line.text, line.cursor) == (expected, cursor)


def test_only_keys_that_mean_something_are_taken() -> None:
    line = LineEdit("a")
    assert line.press("x", "é")
    assert not line.press("f5")
    assert not line.press("ctrl+x", "\x18")
    assert line.text == "aé"


def test_a_paste_stays_one_line() -> None:
    line = LineEdit("<>")
    line.left()
    line.insert("a\r\nb\tc\n")
    assert line.text == "<a b c>"


@given(st.text(), KEYS, st.integers(1, 30))
def test_view_fills_its_width_and_shows_the_cursor(text: str, keys: list[str], width: int) -> None:
    line = LineEdit(text)
    for key in keys:
        line.press(key, {"x": "x", "space": "字"}.get(key))
        assert 0 <= line.cursor <= len(line.text)
        before, under, after = line.view(width)
        whole = before + under + after
        assert cell_len(before) + cell_len(under) + cell_len(after) == width
        assert whole.isprintable()
        if width > 1:
            shown = printable(line.text)
            assert before == shown[line.cursor - len(before) : line.cursor]
            assert shown[line.cursor :].startswith(under.rstrip())


@given(st.text(), st.text(max_size=5))
def test_insert_then_delete_is_nothing(text: str, typed: str) -> None:
    line = LineEdit(text)
    before = line.text
    line.home()
    line.insert(typed)
    line.delete_to_start()
    assert line.text == before


@given(st.text())
def test_printable_keeps_the_length(text: str) -> None:
    assert len(printable(text)) == len(text)
    assert printable(text).isprintable()
