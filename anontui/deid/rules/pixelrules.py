"""Pixel rules: which rectangles are blacked out in the images of which device.

They are written as YAML, a list of rules of which the first that fits decides::

    - name: GE LOGIQ, 800 x 600
      match:                          # tags or keywords to regular expressions,
        Manufacturer: GE.*            # each for the whole value, case ignored
        ManufacturerModelName: LOGIQ.*
      rows: 600                       # size of the image in pixels, any if left out
      columns: 800
      top: 40                         # the topmost 40 rows, where most devices write the patient
      boxes:                          # left, top, right, bottom; the last two are outside
        - [700, 40, 800, 60]
    - name: A device that burns nothing in
      match: {StationName: 'CT-[0-9]+'}
      boxes: []

or as a script of CTP's DicomPixelAnonymizer (see :mod:`anontui.deid.readers.pixelscript`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from anontui.errors import UsageError

_LONGEST_TEXT = 256  # characters of a value; one that is longer fits no rule


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels: columns ``left`` to ``right - 1``, rows ``top`` to ``bottom - 1``."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def told(cls, text: str) -> Box:
        """Read ``left,top,width,height`` in pixels.

        Raises
        ------
        UsageError
            If it is anything else.
        """
        numbers = [int(part) for part in text.split(",") if re.fullmatch(r" *[0-9]{1,5} *", part)]
        if len(numbers) != 4 or text.count(",") != 3 or not (numbers[2] and numbers[3]):
            raise UsageError(
                f"{text[:40]!r} is no box",
                advice="Write left,top,width,height in whole pixels, such as 0,0,640,40.",
            )
        left, top, width, height = numbers
        return cls(left, top, left + width, top + height)


@dataclass(frozen=True, slots=True)
class PixelRule:
    """What is blacked out in images whose attributes match.

    Parameters
    ----------
    name
        For people.
    match
        Tag to a regular expression that the whole value matches, case ignored.
    rows, columns
        Size of the image in pixels; ``None`` for any.
    boxes
        What is blacked out, in every frame; none if the device burns nothing in. What
        reaches over the image's edge is cut off.
    """

    name: str
    match: Mapping[int, str]
    rows: int | None
    columns: int | None
    boxes: tuple[Box, ...]

    def fits(self, text_of: Callable[[int], str], rows: int, columns: int) -> bool:
        """Whether an image is meant."""
        if self.rows not in (None, rows) or self.columns not in (None, columns):
            return False
        for tag, pattern in self.match.items():
            text = text_of(tag)
            if len(text) > _LONGEST_TEXT:
                return False
            if re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL) is None:
                return False
        return True


@dataclass(frozen=True)
class PixelRules:
    """Rules in order; the first that fits an image decides."""

    rules: tuple[PixelRule, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.rules)

    def fitting(self, text_of: Callable[[int], str], rows: int, columns: int) -> PixelRule | None:
        """The rule for an image, by the texts of its attributes and its size in pixels."""
        return next((rule for rule in self.rules if rule.fits(text_of, rows, columns)), None)

    @classmethod
    def read(cls, paths: Iterable[Path]) -> PixelRules:
        """Read rule files: YAML (``.yaml``, ``.yml``), or scripts of CTP (any other name).

        Raises
        ------
        DeidError
            If one cannot be read, or holds anything that is not understood; names the line.
        """
        from anontui.deid.readers.pixelrules import yaml_rules
        from anontui.deid.readers.pixelscript import script_rules

        rules: list[PixelRule] = []
        for path in paths:
            is_yaml = path.suffix.lower() in (".yaml", ".yml")
            rules += yaml_rules(path) if is_yaml else script_rules(path)
        return cls(tuple(rules))
