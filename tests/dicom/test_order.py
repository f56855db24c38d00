from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.dicom.order import natural_order


@pytest.mark.parametrize(
    "expected",
    [
        [],
        ["a"],
        ["a1", "a2", "a10"],
        ["1.2.9", "1.2.10", "1.3.1"],
        ["a2", "B10", "b11", "C1"],
        ["a1b10", "a10b1"],
        ["12a", "100a", "x1"],
        ["a/2/x", "a/10/x", "a b/1"],
        ["a", "a/b", "a0"],
        ["a01", "a1"],
        ["2.25." + "9" * 38, "2.25.1" + "0" * 38],
    ],
)
def test_the_order_is_a_persons(expected: list[str]) -> None:
    shuffled = random.Random(1).sample(expected, len(expected))
    assert [shuffled[index] for index in natural_order(shuffled)] == expected


@given(st.lists(st.text(st.characters(exclude_characters="\0"))), st.randoms())
def test_the_order_does_not_depend_on_the_one_before(names: list[str], rng: random.Random) -> None:
    shuffled = rng.sample(names, len(names))
    assert sorted(natural_order(names)) == list(range(len(names)))
    first, second = ([each[i] for i in natural_order(each)] for each in (names, shuffled))
    assert first == second
