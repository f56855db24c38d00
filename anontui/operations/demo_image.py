"""Pictures for the demo: slices through a chest of ellipses, drawn without numpy."""

from __future__ import annotations

import math
import random
import sys
from array import array
from dataclasses import dataclass

GRAIN = 24  # the tissue's noise, either way


@dataclass(frozen=True)
class _Organ:
    """An ellipse: centre and half axes as parts of the image, value, and where along z."""

    x: float
    y: float
    width: float
    height: float
    value: int
    low: float = -1.0
    high: float = 2.0


_ORGANS = (
    _Organ(0.50, 0.50, 0.44, 0.31, 40),  # body
    _Organ(0.32, 0.46, 0.14, 0.20, -820, 0.15, 0.95),  # lungs
    _Organ(0.68, 0.46, 0.14, 0.20, -820, 0.15, 0.95),
    _Organ(0.54, 0.50, 0.10, 0.12, 60, 0.25, 0.65),  # heart
    _Organ(0.50, 0.72, 0.05, 0.05, 450),  # spine
    _Organ(0.64, 0.40, 0.03, 0.03, 30, 0.50, 0.62),  # nodule
)


class Phantom:
    """One body, in pictures of ``size`` rows and columns; ``seed`` decides its grain."""

    def __init__(self, seed: str, size: int) -> None:
        self._size = size
        self._random = random.Random(seed)  # noqa: S311 - a picture's grain, no secret
        self._grain = [self._random.randint(-GRAIN, GRAIN) for _ in range(4 * size)]

    def slice_at(self, height: float) -> bytes:
        """Return the slice at ``height`` (0 to 1): signed 16-bit values, little endian."""
        image = array("h", [-1000]) * self._size**2
        for organ in _ORGANS:
            if organ.low <= height <= organ.high:
                self._draw(organ, height, image)
        if sys.byteorder == "big":
            image.byteswap()
        return image.tobytes()

    def _draw(self, organ: _Organ, height: float, image: array[int]) -> None:
        size = self._size
        low, high = max(organ.low, 0), min(organ.high, 1)
        middle, reach = (low + high) / 2, (high - low) / 2
        swell = math.sqrt(max(0.2, 1 - 0.6 * ((height - middle) / reach) ** 2))
        tissue = array("h", [organ.value + value for value in self._grain])
        for row in range(size):
            across = ((row + 0.5) / size - organ.y) / (organ.height * swell)
            if abs(across) >= 1:
                continue
            half = organ.width * swell * math.sqrt(1 - across**2)
            left, right = (round((organ.x + side * half) * size) for side in (-1, 1))
            at = self._random.randrange(3 * size)
            start = row * size + left
            image[start : start + right - left] = tissue[at : at + right - left]
