"""Regular expressions of users: what passes is quick on any text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.deid.readers.patterns import checked_pattern, checked_replacement
from anontui.errors import DeidError


@pytest.mark.parametrize(
    "find",
    [
        "",
        "0701$",
        r"^(.{4}).*$",
        r"\d+[A-Z]*x?",
        "foo|bar|baz",
        r"(?:foo|bar)-\d+",
        r"(\d\d)*",
        "(a*){3}",
        r"(?i)dr\.? [a-z]+",
        r"[+*(]{3}\(+\)",
        "[]a]*b[^]]",
        "a{2,3}?b++",
        r"(?P<year>\d{4})(?P=year)",
        r"(?<=a)b(?!c)",
        "{}{x}",
    ],
)
def test_allowed(find: str) -> None:
    assert checked_pattern(find, "-t") == find


@pytest.mark.parametrize(
    ("find", "words"),
    [
        ("(a+)+", "it repeats what can match in several ways"),
        ("(a*)*$", "it repeats"),
        ("(a|a)*", "it repeats"),
        ("(?:a|b?)+", "it repeats"),
        ("((a?))+", "it repeats"),
        ("(a+){2,}", "it repeats"),
        (r"(a)\1*", "it repeats"),
        (r"(?P<n>a)(?P=n)*", "it repeats"),
        ("(?:(?=a+)b)*", "it repeats"),
        ("a?" * 20, "too many ways"),
        ("(a?){20}", "too many ways"),
        ("(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)", "too many ways"),
        (".*.*.*.*", "more than 3 repeats"),
        ("(a*){4}", "more than 3 repeats"),
        ("(?x) a # (", "cannot be judged"),
        ("(?s:a)(?ix)b", "not a regular expression"),  # flags stand in front
        ("(?#()a", "cannot be judged"),
        ("a" * 501, "longer than 500"),
        ("(", "not a regular expression"),
        ("a**", "not a regular expression"),
        (r"\p{Alpha}", "not a regular expression"),
        ("[a&&b]", "not a regular expression"),  # means something else in Java
        ("a{99999999999}", "not a regular expression"),
        ("(" * 400, "not a regular expression"),
    ],
)
def test_refused(find: str, words: str) -> None:
    with pytest.raises(DeidError, match=re.escape(words)):
        checked_pattern(find, "-t")


def repeated(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["", "*", "+", "?", "{2}", "{1,}", "+?", "{0,3}"])
    groups = st.builds("({}|{})".format, parts, parts) | st.builds("(?:{})".format, parts)
    return st.builds("".join, st.lists(st.builds("{}{}".format, groups, signs), max_size=4))


@given(st.recursive(st.sampled_from(["a", "a*", "a?", r"\w", ".", "ab", ""]), repeated))
def test_what_passes_does_not_explode(find: str) -> None:
    try:
        checked_pattern(find, "-t")
    except DeidError:
        return
    re.compile(f"(?:{find})!c").search("a" * 30 + "!")  # one that does never comes back


@pytest.mark.parametrize(
    ("find", "value"), [("a", r"\1"), ("(a)", r"\2"), ("a", "\\"), ("a", r"\g<x>")]
)
def test_replacements_name_groups_that_there_are(find: str, value: str) -> None:
    with pytest.raises(DeidError, match="the replacement does not go with"):
        checked_replacement(find, value, "-t")
