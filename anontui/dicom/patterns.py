"""Patterns that leave files out of a scan.

``*`` stands for any characters within one part of a path, ``?`` for one such character,
``**`` for any number of folders. A pattern without a slash is held against every name on
the way, of files and folders alike: ``*.raw``, ``backup``. One with a slash is held
against the path from the scanned folder: ``patient1/*.raw``, ``**/raw/*.dcm``, ``/notes``.
A folder that matches is left out with all that is in it. A backslash is a slash, and case
is ignored, as on the Windows shares that the paths end up on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_WILDCARDS = re.compile(r"(\*+|\?)")


def matcher(patterns: Iterable[str]) -> Callable[[str], bool] | None:
    """A test for a path, relative with ``/``, against all patterns; ``None`` if there are none."""
    expressions = [_expression(pattern) for pattern in patterns if pattern.strip("/\\ ")]
    if not expressions:
        return None
    match = re.compile("|".join(expressions), re.IGNORECASE | re.DOTALL).fullmatch
    return lambda path: match(path) is not None


def _expression(pattern: str) -> str:
    path = pattern.strip().replace("\\", "/").rstrip("/")
    parts = path.lstrip("/").split("/")
    if "/" not in path:
        parts = ["**", *parts]
    expression = ""
    for part in parts[:-1]:
        expression += "(?:[^/]+/)*" if part == "**" else _part(part) + "/"
    return expression + (".+" if parts[-1] == "**" else _part(parts[-1]))


def _part(part: str) -> str:
    pieces = _WILDCARDS.split(part)
    for index in range(1, len(pieces), 2):
        pieces[index] = "[^/]" if pieces[index] == "?" else "[^/]*"
    for index in range(0, len(pieces), 2):
        pieces[index] = re.escape(pieces[index])
    return "".join(pieces)
