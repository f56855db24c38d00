"""``-t TAG ACTION [ARGS …]``: an option with as many words as its action takes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import takewhile

_OPTION = re.compile(r"--[a-z]|-t$", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9]+")


def joined(words: Sequence[str]) -> list[str]:
    """A command line whose ``-t`` have one word each, which :func:`words_of` takes apart.

    What an action must have is taken even if it begins with a dash, what it may have only if it
    is a number; so ``-t TAG shift_date -5`` works, and ``-t TAG keep IN OUT``.
    """
    found: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        found.append(word)
        if word == "--":
            return [*found, *words[at:]]
        if word == "-t" and at < len(words):
            end = at + 2 + _count(words[at + 1 :])  # the tag, the action, its arguments
            found.append(json.dumps(words[at:end]))
            at = end
    return found


def words_of(word: str) -> list[str]:
    """The words that :func:`joined` made one."""
    words = json.loads(word)
    return [str(part) for part in words]


def _count(words: Sequence[str]) -> int:
    """How many words after the action, which is the first of these, belong to it."""
    from anontui.deid.readers.told import argument_names

    if not words:
        return 0
    least, names = argument_names(words[0])
    if len(words) > 1 and not least and names and _NUMBER.fullmatch(words[1]):
        return 1
    given = takewhile(lambda word: not _OPTION.match(word), words[1 : 1 + least])
    return sum(1 for _ in given)
