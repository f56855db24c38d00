"""Which part of a frame is on the screen, and the pixels that stand for it. No widgets."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from anontui.deid.rules.pixelrules import Box

if TYPE_CHECKING:
    from textual.geometry import Size

    from anontui.deid.pixels.view import Picture

_SAMPLED = 3
"""Pixels of the picture, each way, that a pixel on the screen is the mean of at most."""

Pixel = tuple[int, int, int]


class Lens(NamedTuple):
    """Which part of a frame is on the screen: from ``left``, ``top`` on, so many of the frame's
    pixels to one on the screen, so many of those.
    """

    left: float
    top: float
    scale: float
    width: int
    height: int

    def sees(self, box: Box) -> bool:
        """Whether all of a box is on the screen."""
        return (
            self.left <= box.left
            and box.right <= self.left + self.width * self.scale + 1
            and self.top <= box.top
            and box.bottom <= self.top + self.height * self.scale + 1
        )

    def across(self, box: Box) -> tuple[int, int, int, int]:
        """The screen's pixels that a box touches: left, top, right, bottom, the last outside."""
        left = int((box.left - self.left) // self.scale)
        top = int((box.top - self.top) // self.scale)
        right = -int(-(box.right - self.left) // self.scale)
        bottom = -int(-(box.bottom - self.top) // self.scale)
        return left, top, max(right, left + 1), max(bottom, top + 1)


def lens_for(picture: Picture, size: Size, zoom: float, center: tuple[float, float]) -> Lens:
    """The part of a picture that ``size`` cells show, as near to ``center`` as may be."""
    columns, rows = picture.columns, picture.rows
    width, height = max(size.width, 1), max(2 * size.height, 2)
    scale = max(columns / width, rows / height) / zoom
    width, height = min(width, int(columns / scale + 0.5)), min(height, int(rows / scale + 0.5))
    left = min(max(center[0] - width * scale / 2, 0.0), max(columns - width * scale, 0.0))
    top = min(max(center[1] - height * scale / 2, 0.0), max(rows - height * scale, 0.0))
    return Lens(left, top, scale, max(width, 1), max(height, 1))


def screen_pixels(picture: Picture, lens: Lens) -> list[list[Pixel]]:
    """The pixels on the screen, row by row: each the mean of what it stands for."""
    count = min(max(round(lens.scale / picture.step), 1), _SAMPLED)
    takers = [
        [_taker(picture, lens, n, count, sample) for n in range(count)]
        for sample in range(picture.samples)
    ]
    stride = picture.width * picture.samples
    rows: list[list[Pixel]] = []
    for y in range(lens.height):
        lines = []
        for n in range(count):
            at = int((lens.top + (y + (n + 0.5) / count) * lens.scale) / picture.step)
            at = min(at, picture.height - 1)
            lines.append(picture.pixels[at * stride : (at + 1) * stride])
        planes = []
        for taken in takers:
            values = [take(line) for line in lines for take in taken]
            means = values[0]
            if len(values) > 1:
                means = tuple(total // len(values) for total in map(sum, zip(*values, strict=True)))
            planes.append(means)
        rows.append(list(zip(*(planes * 3 if len(planes) == 1 else planes), strict=True)))
    return rows


def _taker(
    picture: Picture, lens: Lens, number: int, count: int, sample: int
) -> itemgetter[tuple[int, ...]]:
    places = []
    for x in range(lens.width):
        at = int((lens.left + (x + (number + 0.5) / count) * lens.scale) / picture.step)
        places.append(min(at, picture.width - 1) * picture.samples + sample)
    return itemgetter(*places, places[-1])  # always more than one, so that it gives a tuple
