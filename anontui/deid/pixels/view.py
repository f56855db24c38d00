"""What is seen of a file's pixels: plain data, made by those who decode."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """A frame to look at.

    Parameters
    ----------
    rows, columns
        Of the frame itself, in pixels.
    frames, frame
        How many frames there are, and which one this is, from 0.
    step
        Every so many-th pixel of every so many-th row is in the picture.
    samples
        1 for grey, 3 for red, green, blue.
    pixels
        Row by row, a byte a sample.
    """

    rows: int
    columns: int
    frames: int
    frame: int
    step: int
    samples: int
    pixels: bytes

    @property
    def width(self) -> int:
        """Pixels of a row of the picture."""
        return -(-self.columns // self.step)

    @property
    def height(self) -> int:
        """Rows of the picture."""
        return -(-self.rows // self.step)


@dataclass(frozen=True)
class View:
    """A picture, and what the header says of it: name and text. Both may show identity."""

    picture: Picture
    facts: tuple[tuple[str, str], ...]
