"""Regular expressions that users write: valid, and of bounded work on any text.

A repeat of something that can itself match in several ways takes exponential time on texts
made for it. None such passes, and few parts may vary at all, so that what is left is a
polynomial of low degree.
"""

from __future__ import annotations

import re
import warnings
from typing import NoReturn

from anontui.deid.readers.texts import refused

_LONGEST = 500
_MOST_LOOPS = 3
_MOST_WAYS = 500
_TOO_MANY = 1 << 20
_REFERENCE = (2, 0)  # a back reference may be of any length, so it is not to be repeated
_TOKEN = re.compile(
    r"(?P<atom>\\(?:[1-9]\d?|.)|\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<open>\((?:\?(?:P<\w+>|P=|#|<?[=!]|[:>]|\(\w+\)|[aiLmsux]*(?:-[imsx]+)?:?))?)"
    r"|(?P<close>\))|(?P<fork>\|)|(?P<repeat>[*+?]|\{\d*,?\d*\})|.",
    re.DOTALL,
)


def checked_pattern(find: str, where: str) -> str:
    """A regular expression, if it may be used.

    Raises
    ------
    DeidError
        If it is none (Python's syntax), is long, or could take very long.
    """
    if len(find) > _LONGEST:
        _refuse(where, f"the regular expression is longer than {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # [a&&b] means something else in other languages
            re.compile(find)
    except (re.error, ValueError, OverflowError, RecursionError, Warning):
        _refuse(where, f"{shown_pattern(find)} is not a regular expression")
    if problem := _explosive(find):
        _refuse(where, f"the regular expression could take very long: {problem}")
    return find


def checked_replacement(find: str, replacement: str, where: str) -> str:
    r"""What replaces the matches of a checked expression (``\1`` for its first group).

    Raises
    ------
    DeidError
        If it names a group that the expression does not have.
    """
    try:
        re.compile(find).sub(replacement, "")
    except (re.error, IndexError, ValueError, Warning):
        raise refused(
            where,
            "the replacement does not go with the regular expression",
            r"Write \1 for its first group, and \\ for a backslash.",
        ) from None
    return replacement


def shown_pattern(find: str) -> str:
    """An expression for a message."""
    return find if find.isprintable() and 0 < len(find) <= 60 else "this"


def _refuse(where: str, problem: str) -> NoReturn:
    raise refused(
        where,
        problem,
        "Write a simple regular expression of Python, without a repeat inside a repeat.",
    ) from None


class _Group:
    """A group that is still open: how many ways it can match, and how many loops it has.

    The ways count what ``|`` and ``?`` allow. A loop (``*``, ``+``, ``{2,}``) counts apart, for
    each can stop anywhere: as many as are passed one after the other, to that power of the
    text's length grows the work.
    """

    def __init__(self, last: tuple[int, int] = (1, 0)) -> None:
        self.last = last  # what a repeat would repeat
        self._here = (1, 0)  # before it, of this alternative
        self._done = (0, 0)  # earlier alternatives

    def add(self, item: tuple[int, int]) -> None:
        ways, loops = self._here
        self._here = (min(ways * self.last[0], _TOO_MANY), loops + self.last[1])
        self.last = item

    def fork(self) -> None:
        self._done = self.closed()
        self._here, self.last = (1, 0), (1, 0)

    def closed(self) -> tuple[int, int]:
        self.add((1, 0))
        ways, loops = self._here
        return self._done[0] + ways, max(self._done[1], loops)


def _explosive(find: str) -> str:
    """What could make a valid expression take very long; empty if nothing could."""
    if re.search(r"\(\?[a-zA-Z]*x|\(\?#", find):
        return "with (?x) or a comment it cannot be judged"
    groups = [_Group()]
    after_repeat = False
    for token in _TOKEN.finditer(find):
        kind, text = token.lastgroup, token[0]
        is_repeat = kind == "repeat" and not (after_repeat and text in "+?")  # lazy, possessive
        if kind == "open":
            groups.append(_Group(_REFERENCE if text == "(?P=" else (1, 0)))
        elif kind == "close":
            item = groups.pop().closed()
            groups[-1].add(item)
        elif kind == "fork":
            groups[-1].fork()
        elif is_repeat:
            ways, loops = groups[-1].last
            least, most = _times(text)
            if least == most:
                groups[-1].last = (min(ways ** min(most, 20), _TOO_MANY), loops * most)
            elif most == 1:
                groups[-1].last = (ways + 1, loops)
            elif ways > 1 or loops:
                return "it repeats what can match in several ways"
            else:
                groups[-1].last = (1, 1)
        elif kind != "repeat":
            groups[-1].add(_REFERENCE if text[0] == "\\" and text[1:].isdigit() else (1, 0))
        after_repeat = is_repeat
    ways, loops = groups[-1].closed()
    if loops > _MOST_LOOPS:
        return f"it has more than {_MOST_LOOPS} repeats of open length"
    return "it can match in too many ways" if ways > _MOST_WAYS else ""


def _times(repeat: str) -> tuple[int, int]:
    if repeat in "*+?":
        return int(repeat == "+"), 1 if repeat == "?" else _TOO_MANY
    least, comma, most = repeat[1:-1].partition(",")
    if not comma:
        return int(least or 0), int(least or 0)
    return int(least or 0), int(most) if most else _TOO_MANY
