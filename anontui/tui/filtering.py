"""The filter line's little language, and the order that a person expects of a column."""

from __future__ import annotations

import re
import sys
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence

from anontui.errors import UsageError
from anontui.events import Progress, Result

Test = Callable[[Sequence[str]], bool]

_TERM = re.compile(
    r"""(?P<no>!?)
        (?:(?P<field>[^\s"/:!~]+):)?
        (?P<fuzzy>~?)
        (?: "(?P<quoted>[^"]*)"?
          | /(?P<regex>(?:\\.|[^/\\])*)/(?=\s|$)
          | (?P<word>\S*) )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"\d+")
_CHUNK = 2000
"""Rows between two events."""
_PART = 10_000
"""Rows that are sorted in one go: sorting lets no other thread work."""


def compile_filter(text: str, columns: Sequence[str]) -> Test:
    """Return a test for rows, given as the texts of their cells.

    All terms must hold, in any order; case does not matter. A term is a ``word``, a
    ``"quoted phrase"``, ``~letters`` that occur in this order, or a ``/regular
    expression/``; ``!`` before it means that it must not hold, ``column:`` that it is about
    this column alone. What looks like a column but is none is taken as text.

    Parameters
    ----------
    text
        What the user typed.
    columns
        Names of the columns, in the order of the cells.

    Raises
    ------
    UsageError
        A regular expression cannot be understood.
    """
    places = {name.casefold(): at for at, name in enumerate(columns)}
    tests = [
        _term(match, places) for match in _TERM.finditer(text) if not _unfinished(match, places)
    ]
    return lambda cells: all(test(cells) for test in tests)


def sort_key(text: str) -> str:
    """Return what to sort by so that 9 comes before 10, case does not matter, empty is last.

    One string, since comparing those holds the interpreter least of all.
    """
    return _NUMBER.sub(_number, text.strip().casefold()) or chr(sys.maxunicode)


def _number(match: re.Match[str]) -> str:
    """Return a number so that it sorts by its length first, and before all letters."""
    digits = match[0].lstrip("0")
    return f"\1{chr(min(len(digits), sys.maxunicode))}{digits}"


def ordered(
    count: int,
    matches: Callable[[int], bool] | None,
    key: Callable[[int], str] | None,
    falling: bool = False,
) -> Iterator[Progress | Result[list[int]]]:
    """Find which rows show, in which order; any thread can do it, others can go on beside it.

    Parameters
    ----------
    count
        How many rows there are.
    matches
        Tells whether a row (from 0) shows; None: all do.
    key
        Gives what a row is sorted by; None: as they are.
    falling
        The greatest first; of equal rows the first is first either way.
    """
    order: list[int] = []
    keys: list[str] = []
    for at in range(count):
        if at % _CHUNK == 0:
            yield Progress(at, count, "rows")
        shows = matches is None or matches(at)
        if shows:
            order.append(at)
        if key is not None:
            keys.append(key(at) if shows else "")
    if key is not None:
        parts = _parts(order, keys)
        order = []
        for part in reversed(parts) if falling else parts:
            part.sort(key=keys.__getitem__, reverse=falling)
            order += part
            yield Progress(count, count, "rows")
    yield Result(order)


def _parts(order: list[int], keys: list[str]) -> list[list[int]]:
    """Part rows so that all of a part come before all of the next, equal ones in one part."""
    if len(order) <= _PART:
        return [order]
    step = len(order) // (8 * len(order) // _PART)
    sample = sorted(keys[at] for at in order[::step])[8::8]
    parts: list[list[int]] = [[] for _ in range(len(sample) + 1)]
    for at in order:
        parts[bisect(sample, keys[at])].append(at)
    return parts


def _unfinished(match: re.Match[str], places: dict[str, int]) -> bool:
    """Tell whether a term says nothing yet, as ``!`` or ``column:`` do while one types."""
    if match["word"] or match["quoted"] or match["regex"]:
        return False
    return not match["field"] or match["field"].casefold() in places


def _term(match: re.Match[str], places: dict[str, int]) -> Test:
    """Return the test for one term."""
    field = match["field"] or ""
    at = places.get(field.casefold())
    holds = _matcher(match, f"{field}:" if field and at is None else "")
    wanted = not match["no"]

    def test(cells: Sequence[str]) -> bool:
        return any(map(holds, cells if at is None else cells[at : at + 1])) == wanted

    return test


def _matcher(match: re.Match[str], prefix: str) -> Callable[[str], object]:
    """Return what tells whether a text holds what a term names, after a literal prefix."""
    regex = match["regex"]
    if regex and not prefix and not match["fuzzy"]:
        try:
            return re.compile(regex, re.IGNORECASE).search
        except re.error as error:
            raise UsageError(
                f"/{regex}/ is not a regular expression",
                advice='Correct it, or put the text in quotes: "…".',
                cause=str(error),
            ) from error
    literal = f"/{regex}/" if regex else match["quoted"] or match["word"] or ""
    needle = (prefix + literal).casefold()
    if not match["fuzzy"]:
        return lambda text: needle in text.casefold()

    def fuzzy(text: str) -> bool:
        letters = iter(text.casefold())
        return all(letter in letters for letter in needle)

    return fuzzy
