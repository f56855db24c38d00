"""The filter's language and the natural order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.errors import UsageError
from anontui.tui.filtering import compile_filter, sort_key

COLUMNS = ("id", "status", "what")
ROW = ("1043", "✖ ERROR", "Archive gave 404: see \\\\srv\\share\\p1")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("   ", True),
        ("error", True),
        ("ERR 10", True),
        ("10 err archive", True),
        ("error done", False),
        ("!done", True),
        ("!error", False),
        ("!done error", True),
        ("!", True),
        ("!id: ~", True),
        ("status:error", True),
        ("STATUS:err", True),
        ("what:error", False),
        ("!what:error", True),
        ("id:1043", True),
        ("id:", True),
        ("~rchv", True),
        ("~vhcr", False),
        ("!~vhcr", True),
        ("status:~eor", True),
        ("id:~eor", False),
        ('"gave 404"', True),
        ('"404 gave"', False),
        ('what:"gave 404"', True),
        ('"gave 404', True),
        ('!"gave 404"', False),
        (r"/40\d/", True),
        (r"/^arch/", True),
        (r"/^gave/", False),
        (r"id:/^1\d+$/", True),
        (r"!id:/^2/", True),
        (r"/a b/ x", False),
        (r"/see \\/", True),
        ("404:", True),
        ("see:", False),
        (r"\\srv\share", True),
        ("p1/study", False),
        ("[", False),
    ],
)
def test_terms(text: str, holds: bool) -> None:
    assert compile_filter(text, COLUMNS)(ROW) is holds


def test_unknown_column_is_text() -> None:
    assert compile_filter("fileselection:p1", COLUMNS)(("", "", "fileselection:p1/x"))
    assert compile_filter("c:/data", COLUMNS)(("", "", "C:/data/x"))
    assert compile_filter("c:/data/", COLUMNS)(("", "", "C:/data/x"))
    assert not compile_filter("c:/data/", COLUMNS)(("", "", "c:data"))


def test_short_rows_do_not_match_by_their_missing_cells() -> None:
    assert not compile_filter("what:x", COLUMNS)(("1",))
    assert compile_filter("!what:x", COLUMNS)(("1",))


@pytest.mark.parametrize("text", ["/(/", "id:/[/", "!/*/"])
def test_bad_regular_expression_says_so(text: str) -> None:
    with pytest.raises(UsageError, match="not a regular expression") as error:
        compile_filter(text, COLUMNS)
    assert error.value.advice


@given(st.text(), st.lists(st.text(), max_size=4))
def test_any_text_is_a_filter_or_a_clear_error(text: str, cells: list[str]) -> None:
    try:
        matches = compile_filter(text, COLUMNS)
    except UsageError:
        return
    assert matches(cells) in (True, False)


@given(st.text(alphabet="abcäß 1", min_size=1), st.lists(st.text(), max_size=3))
def test_a_quoted_phrase_finds_its_row(phrase: str, others: list[str]) -> None:
    assert compile_filter(f'"{phrase}"', COLUMNS)([*others, f"x{phrase.upper()}y"])
    assert not compile_filter(f'!"{phrase}"', COLUMNS)([*others, f"x{phrase}y"])


def test_natural_order() -> None:
    texts = ["p10", "p9", "", "P1", "10", "9", "p9b", "a", " ", "9.5"]
    assert sorted(texts, key=sort_key) == [
        "9",
        "9.5",
        "10",
        "a",
        "P1",
        "p9",
        "p9b",
        "p10",
        "",
        " ",
    ]


def test_long_numbers_are_numbers_too() -> None:
    assert sort_key("9" * 6000) < sort_key("1" + "0" * 6000)
    assert sort_key("007") == sort_key("7")


@given(st.lists(st.text(alphabet=st.characters() | st.sampled_from("0123456789 "))))
def test_every_text_has_a_place(texts: list[str]) -> None:
    ordered = sorted(texts, key=sort_key)
    assert sorted(ordered, key=sort_key) == ordered
    blank = [not text.strip() for text in ordered]
    assert blank == sorted(blank)
