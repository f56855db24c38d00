"""Tables that are pasted: what their cells are, and where they go."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.project.pasting import Paste, place, read_pasted
from tests.project.test_properties import PROPERTY

NAMES = ["pseudo_id", "pseudo_name", "description"]


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("one", [["one"]]),
        ("a\tb\r\nc\td\r\n", [["a", "b"], ["c", "d"]]),
        ("a;b\nc;d", [["a", "b"], ["c", "d"]]),
        ("a,b\nc,d\n", [["a", "b"], ["c", "d"]]),
        ("Smith, John", [["Smith, John"]]),  # a text, no table
        ("a, b\nc", [["a, b"], ["c"]]),
        ('"two\nlines"\tx', [["two lines", "x"]]),
        ("a\n\nb", [["a"], [""], ["b"]]),
        ("\tb", [["", "b"]]),
    ],
)
def test_what_a_text_holds(text: str, table: list[list[str]]) -> None:
    assert read_pasted(text) == table


@PROPERTY
@given(
    st.lists(
        st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=2, max_size=2),
        min_size=1,
    )
)
def test_what_a_sheet_copies_comes_in_whole(table: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter="\t", lineterminator="\n").writerows(table)
    assert read_pasted(out.getvalue()) == table


def test_cells_that_fit_are_no_overflow() -> None:
    found = place([["1", "2"], ["3", "4"]], [7, 5], NAMES)
    cells = [(7, "pseudo_id", "1"), (7, "pseudo_name", "2")]
    assert found.cells == [*cells, (5, "pseudo_id", "3"), (5, "pseudo_name", "4")]
    assert not found.overflows


def test_rows_below_the_last_are_new_and_cells_to_the_right_are_lost() -> None:
    found = place([["1", "2", "3", "4"], ["5", "", "", ""], ["", "", "", ""]], [0], NAMES)
    assert found.rows == [{"pseudo_id": "5", "pseudo_name": "", "description": ""}]
    assert found.lost == 1
    assert found.overflows


def test_a_line_of_column_names_says_where_cells_go() -> None:
    found = place([["description", "Patient_ID"], ["text", "1"]], [3], ["pseudo_id"])
    cells = [(3, "description", "text"), (3, "pseudo_id", "1")]
    assert found == Paste(cells=cells, by_name=True)


def test_sources_with_their_pseudonyms_never_take_the_place_of_others() -> None:
    """Else a pseudonym that is not pasted would stay behind, with another patient's data."""
    found = place([["Patient_ID", "source"], ["1", "folder:a"]], [0, 1], ["description"])
    assert found == Paste(rows=[{"pseudo_id": "1", "source": "folder:a"}], by_name=True)
