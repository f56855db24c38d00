"""Boxes that a person draws: never outside of the frame, never lost, each change taken back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anontui.deid.rules.pixelrules import Box
from anontui.tui.boxes import Boxes, moved, sized, told
from anontui.tui.widgets.columns import fit, shortened

ROWS, COLUMNS = 40, 60
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "drop", "move", "size", "next"]),
        st.integers(-80, 80),
        st.integers(-80, 80),
    )
)
FIRST = Box(2, 2, 12, 6)


def play(boxes: Boxes, step: tuple[str, int, int]) -> None:
    """Do what a person does with a key."""
    name, across, down = step
    box = boxes.box
    match name:
        case "add":
            boxes.add(FIRST)
        case "drop":
            boxes.drop()
        case "next":
            boxes.choose_next()
        case _ if box is not None:
            change = moved if name == "move" else sized
            boxes.put(change(box, across, down, ROWS, COLUMNS))


@given(STEPS)
def test_boxes_stay_inside_and_undo_leads_back_to_the_beginning(
    steps: list[tuple[str, int, int]],
) -> None:
    boxes = Boxes()
    for step in steps:
        play(boxes, step)
        for box in boxes.all:
            assert 0 <= box.left < box.right <= COLUMNS
            assert 0 <= box.top < box.bottom <= ROWS
        assert (boxes.current is None) == (not boxes.all)
    count = 0
    while boxes.undo():
        count += 1
    assert count <= len(steps)
    assert boxes.all == ()


def test_moves_in_a_row_are_taken_back_at_once() -> None:
    boxes = Boxes()
    boxes.add(FIRST)
    for _ in range(5):
        assert boxes.box is not None
        boxes.put(moved(boxes.box, 1, 1, ROWS, COLUMNS))
    assert told(boxes.all[0]) == "7,7,10,4"
    assert boxes.undo()
    assert boxes.all == (FIRST,)
    assert boxes.undo()
    assert not boxes.undo()


def test_boxes_of_the_file_before_are_taken_away_at_once() -> None:
    boxes = Boxes([FIRST, FIRST])
    assert boxes.current is None
    assert boxes.is_untouched
    assert boxes.undo()
    assert not boxes.all
    assert not boxes.is_untouched


def test_the_newest_box_at_a_point() -> None:
    boxes = Boxes([FIRST, Box(10, 4, 20, 10)])
    assert boxes.at(11, 5) == 1
    assert boxes.at(2, 2) == 0
    assert boxes.at(12, 2) is None


@given(st.text(alphabet="0123456789.", max_size=80), st.integers(3, 40))
def test_what_is_too_long_keeps_both_ends(text: str, most: int) -> None:
    short = shortened(text, most)
    assert len(short) == min(len(text), most)
    if len(text) > most:
        start, end = short.split("…")
        assert text.startswith(start)
        assert text.endswith(end)
        assert abs(len(start) - len(end)) <= 1
    assert len(fit(text, most, middle=True)) == most
