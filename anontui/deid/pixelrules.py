"""Pixel rules: which rectangles are blacked out in the images of which device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels: columns ``left`` to ``right - 1``, rows ``top`` to ``bottom - 1``."""

    left: int
    top: int
    right: int
    bottom: int


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
        What is blacked out, in every frame; none if the device burns nothing in.
    """

    name: str
    match: Mapping[int, str]
    rows: int | None
    columns: int | None
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class PixelRules:
    """Rules in order; the first that fits an image decides."""

    rules: tuple[PixelRule, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.rules)

    def fitting(self, text_of: Callable[[int], str], rows: int, columns: int) -> PixelRule | None:
        """The rule for an image, by the texts of its attributes and its size in pixels."""
        raise NotImplementedError

    @classmethod
    def read(cls, paths: Iterable[Path]) -> PixelRules:
        """Read rule files."""
        raise NotImplementedError
