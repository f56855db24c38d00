"""Scripts of CTP's DicomPixelAnonymizer.

A script has signatures, each with the regions of the images that it is true for::

    Any text is a comment
    { Modality.equals("US") * Manufacturer.containsIgnoreCase("ACME") * !Rows.equals("480") }
    (0,0,640,40) (600,40,40,20)

``*`` is and, ``+`` is or (``&`` and ``|`` too), ``!`` is not; a region is left, top, width and
height. The first signature that is true decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from anontui.deid.readers.patterns import checked_pattern
from anontui.deid.readers.pixelrules import checked_boxes, matchable
from anontui.deid.readers.texts import read_text, refused, shown
from anontui.deid.rules.pixelrules import Box, PixelRule
from anontui.errors import DeidError

_ROWS, _COLUMNS = 0x00280010, 0x00280011
_MOST_WAYS = 64  # of "or" within one signature
_DEEPEST = 20  # parentheses inside each other
_SIGNATURE = re.compile(r"\{([^}]*)\}")
_REGION = re.compile(r"\(([-0-9,\s]*)\)")
_TOKEN = re.compile(
    r"\s*(?:(?P<call>(?:\[(?P<group>[0-9a-fA-F]{4}),?(?P<element>[0-9a-fA-F]{4})\]"
    r"|(?P<keyword>\w+))\.(?P<method>\w+)\s*\(\s*\"(?P<argument>[^\"]*)\"\s*\))"
    r"|(?P<sign>[()*+&|!])|(?P<other>\S))"
)
_METHODS = {
    "equals": "{}",
    "contains": ".*{}.*",
    "startsWith": "{}.*",
    "endsWith": ".*{}",
    "matches": "{}",
}


@dataclass(frozen=True)
class _Condition:
    """What must be so of one attribute: a pattern for its text, or a number it equals."""

    tag: int
    pattern: str = ""
    number: int = 0


_Ways = list[tuple[_Condition, ...]]  # any of these, and of each all


def script_rules(path: Path) -> list[PixelRule]:
    """The rules of a script; one for each way in which a signature can be true.

    Raises
    ------
    DeidError
        If it cannot be read; with the line, for what cannot be expressed as rules, and for a
        signature without regions.
    """
    text, name = read_text(path), path.name
    rules: list[PixelRule | None] = []
    found = list(_SIGNATURE.finditer(text))
    if not found or "{" in _SIGNATURE.sub("", text):
        raise refused(name, "this is not a script of signatures, { … } (x,y,w,h)", "Correct it.")
    ends = [match.start() for match in found[1:]] + [len(text)]
    for number, (match, end) in enumerate(zip(found, ends, strict=True), 1):
        where = _where(name, text, match.start())
        boxes = list(_regions(text, match.end(), end, name))
        if not boxes:
            raise refused(where, "the signature has no region", "Write regions as (x,y,w,h).")
        ways = _Expression(text, match.start(1), match.end(1), name).ways()
        rules += [_rule(f"signature {number}", way, boxes, where) for way in ways]
    return [rule for rule in rules if rule is not None]


def _where(name: str, text: str, at: int) -> str:
    return f"{name} line {text.count(chr(10), 0, at) + 1}"


def _regions(text: str, start: int, end: int, name: str) -> Iterator[Box]:
    for match in _REGION.finditer(text, start, end):
        numbers = [part.strip() for part in match[1].split(",")]
        if len(numbers) != 4 or not all(re.fullmatch(r"[0-9]{1,5}", part) for part in numbers):
            where = _where(name, text, match.start())
            raise refused(where, "this is not a region", "Write regions as (x,y,w,h).")
        left, top, width, height = map(int, numbers)
        yield Box(left, top, left + width, top + height)


def _rule(
    name: str, way: tuple[_Condition, ...], boxes: Iterable[Box], where: str
) -> PixelRule | None:
    sizes: dict[int, int] = {}
    patterns: dict[int, list[str]] = {}
    for condition in way:
        if condition.tag not in (_ROWS, _COLUMNS):
            patterns.setdefault(condition.tag, []).append(condition.pattern)
        elif sizes.setdefault(condition.tag, condition.number) != condition.number:
            return None  # of two sizes at once is no image
    match = {
        tag: found[0] if len(found) == 1 else "".join(f"(?={one}\\Z)" for one in found) + ".*"
        for tag, found in patterns.items()
    }
    if not match:
        raise refused(where, "the signature would fit any device", "Name an attribute besides.")
    rows, columns = sizes.get(_ROWS), sizes.get(_COLUMNS)
    return PixelRule(name, match, rows, columns, checked_boxes(boxes, rows, columns, where))


class _Expression:
    """A signature's expression, ``start`` to ``end`` in a script."""

    def __init__(self, text: str, start: int, end: int, name: str) -> None:
        self._text, self._name = text, name
        self._tokens = list(_TOKEN.finditer(text[:end].rstrip(), start))
        self._at = 0
        self._where = _where(name, text, start)

    def ways(self) -> _Ways:
        ways = self._or(negated=False, depth=0)
        if self._at < len(self._tokens):
            raise self._wrong()
        return ways

    def _or(self, *, negated: bool, depth: int) -> _Ways:
        parts = [self._and(negated=negated, depth=depth)]
        while self._takes("+|"):
            parts.append(self._and(negated=negated, depth=depth))
        return self._joined(parts, all_of=negated)

    def _and(self, *, negated: bool, depth: int) -> _Ways:
        parts = [self._one(negated=negated, depth=depth)]
        while self._takes("*&"):
            parts.append(self._one(negated=negated, depth=depth))
        return self._joined(parts, all_of=not negated)

    def _joined(self, parts: list[_Ways], *, all_of: bool) -> _Ways:
        ways = parts[0]
        for part in parts[1:]:
            ways = [one + other for one in ways for other in part] if all_of else ways + part
            if len(ways) > _MOST_WAYS:
                raise refused(self._where, "the signature has too many cases", "Split it.")
        return ways

    def _one(self, *, negated: bool, depth: int) -> _Ways:
        while self._takes("!"):
            negated = not negated
        if self._takes("("):
            if depth >= _DEEPEST:
                raise self._wrong()
            ways = self._or(negated=negated, depth=depth + 1)
            if not self._takes(")"):
                raise self._wrong()
            return ways
        if self._at >= len(self._tokens) or self._tokens[self._at]["call"] is None:
            raise self._wrong()
        self._at += 1
        return [(self._condition(self._tokens[self._at - 1], negated=negated),)]

    def _condition(self, token: re.Match[str], *, negated: bool) -> _Condition:
        where = _where(self._name, self._text, token.start("call"))
        named = token["keyword"] or token["group"] + token["element"]
        method, argument = token["method"], token["argument"]
        size = {"Rows": _ROWS, "00280010": _ROWS, "Columns": _COLUMNS, "00280011": _COLUMNS}
        if named in size:
            if method != "equals" or negated or not re.fullmatch(r"[0-9]{1,5}", argument):
                raise refused(where, f"{named} can only equal a number", "Write equals without !.")
            return _Condition(size[named], number=int(argument))
        tag = matchable(named, where)
        plain = method.removesuffix("IgnoreCase") if method != "matchesIgnoreCase" else method
        if plain not in _METHODS:
            raise refused(
                where,
                f"{shown(method)} is not known",
                f"These are: {', '.join(_METHODS)}; with IgnoreCase all but the last.",
            )
        words = checked_pattern(argument, where) if plain == "matches" else re.escape(argument)
        pattern = _METHODS[plain].format(f"(?:{words})")
        if plain == method:
            pattern = f"(?-i:{pattern})"
        return _Condition(tag, f"(?!{pattern}\\Z).*" if negated else pattern)

    def _takes(self, signs: str) -> bool:
        if self._at < len(self._tokens) and (self._tokens[self._at]["sign"] or " ") in signs:
            self._at += 1
            return True
        return False

    def _wrong(self) -> DeidError:
        where = self._where
        if self._at < len(self._tokens):
            token = self._tokens[self._at]
            where = _where(self._name, self._text, token.end() - len(token[0].lstrip()))
        return refused(
            where,
            "this expression is not understood",
            'Write conditions such as Modality.equals("US"), joined by *, + and !.',
        )
