"""How the user wants the columns, and that nothing remembered can take them away."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from anontui.tui.widgets.columns import MIN_WIDTH, Column, Layout

COLUMNS = (Column("a", "A", 4), Column("b", "B"), Column("c", "C", 9, right=True))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 99) | st.sampled_from(["a", "b", "c", "x", ""]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b", "z"]), inner),
    max_leaves=6,
)
REMEMBERED = st.dictionaries(st.sampled_from(["hidden", "widths", "sort", "falling"]), JSON) | JSON


def test_as_it_is_where_nothing_is_wished() -> None:
    assert Layout(COLUMNS).shown() == (COLUMNS, None)


def test_hidden_widened_and_sorted() -> None:
    layout = Layout(COLUMNS).toggled("b").resized(COLUMNS[2], 1).sorted_by("c").sorted_by("c")
    columns, places = layout.shown()
    assert places == (0, 2)
    assert (columns[1].label, columns[1].width, columns[1].right) == ("C ▼", MIN_WIDTH, True)
    assert layout.sorted_by("c").sort == ""


def test_the_last_column_stays() -> None:
    layout = Layout(COLUMNS).toggled("a").toggled("b").toggled("c")
    assert [column.id for column in layout.shown()[0]] == ["c"]


@settings(max_examples=300, deadline=None, database=None)
@given(REMEMBERED)
def test_whatever_was_remembered_some_column_shows(plain: object) -> None:
    layout = Layout(COLUMNS).recalled(plain)
    columns, _ = layout.shown()
    assert columns
    assert Layout(COLUMNS).recalled(layout.plain()) == layout
