from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.dicom.patterns import matcher


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*.raw", ["a.raw", "p/s/a.raw", ".raw", "A.RAW"], ["a.raw2", "araw", "a.raw/b"]),
        ("backup", ["backup", "p/Backup"], ["backup2", "backup/a"]),
        ("p1/*.raw", ["p1/a.raw"], ["p1/s/a.raw", "x/p1/a.raw", "a.raw"]),
        (r"p1\*.raw", ["p1/a.raw"], ["p1/s/a.raw"]),
        ("**/raw/*", ["raw/a", "p/raw/a", "p/s/raw/a"], ["raw", "p/raw", "xraw/a"]),
        ("p1/**/a", ["p1/a", "p1/s/a", "p1/s/t/a"], ["a", "p2/a", "p1/ba"]),
        ("p1/**", ["p1/a", "p1/s/a"], ["p1", "p2/a"]),
        ("/notes", ["notes"], ["p/notes"]),
        ("notes/", ["notes", "p/notes"], ["notesx"]),
        ("im?.dcm", ["im1.dcm"], ["im.dcm", "im12.dcm", "im/.dcm"]),
        ("[1].dcm", ["[1].dcm"], ["1.dcm"]),
        ("a+b(c)$", ["a+b(c)$"], ["aab(c)"]),
        ("**", ["a", "p/a"], []),
    ],
)
def test_a_pattern_matches(pattern: str, matching: list[str], others: list[str]) -> None:
    matches = matcher([pattern])
    assert matches
    assert [path for path in matching + others if matches(path)] == matching


def test_patterns_add_up() -> None:
    matches = matcher(["*.raw", "p1/*"])
    assert matches
    assert matches("x/a.raw")
    assert matches("p1/a")
    assert not matches("x/a")


@pytest.mark.parametrize("patterns", [[], [""], ["  ", "/"]])
def test_no_pattern_leaves_nothing_out(patterns: list[str]) -> None:
    assert matcher(patterns) is None


@given(st.lists(st.text()), st.text())
def test_any_text_is_a_pattern(patterns: list[str], path: str) -> None:
    matches = matcher(patterns)
    assert matches is None or matches(path) in (True, False)
