"""A picture in a terminal: two pixels a cell in colour, shades where there are no colours.

Boxes can be drawn over it, in the picture's own pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from anontui.deid.rules.pixelrules import Box
from anontui.tui.widgets.lens import Lens, Pixel, lens_for, screen_pixels

if TYPE_CHECKING:
    from anontui.deid.pixels.view import Picture

HALF = "▀"
SHADES = " ·░▒▓█"
_STEPS = (18, 60, 110, 165, 215, 256)
ZOOM = 1.5
_QUANT = 0xFC
"""Colours that differ by less are drawn alike: fewer bytes over a slow line."""

BLACK: Pixel = (0, 0, 0)


@lru_cache(maxsize=4096)
def _style(top: Pixel, bottom: Pixel) -> Style:
    return Style(color=Color(*top).rich_color, bgcolor=Color(*bottom).rich_color)


class PictureView(Widget, can_focus=True):
    """A picture with boxes over it; all but the current one are black already.

    ``message`` shows in its place while there is none.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"picture--box", "picture--other", "picture--message"}
    DEFAULT_CSS = """
    PictureView {
        width: 1fr;
        height: 1fr;
        & > .picture--box { color: $accent; }
        & > .picture--other { color: $secondary; }
        & > .picture--message { color: $text-muted; }
    }
    """

    def __init__(self, message: str = "", *, id: str | None = None) -> None:  # noqa: A002 - theirs
        super().__init__(id=id)
        self.message = message
        self.picture: Picture | None = None
        self.zoom = 1.0
        self.center = (0.0, 0.0)
        self._boxes: tuple[Box, ...] = ()
        self._current: int | None = None
        self._drawn: tuple[object, list[list[Pixel]]] = (None, [])

    # -- what it shows -------------------------------------------------------------------

    def show(self, picture: Picture | None, message: str = "") -> None:
        """Show a picture, or a message; zoom and place stay where the size stays."""
        old, self.picture, self.message = self.picture, picture, message
        if picture is not None and (
            old is None or (old.rows, old.columns) != (picture.rows, picture.columns)
        ):
            self.zoom, self.center = 1.0, (picture.columns / 2, picture.rows / 2)
        self.refresh()

    def draw(self, boxes: Sequence[Box], current: int | None) -> None:
        """Draw boxes over it."""
        old = (self._boxes, self._current)
        self._boxes, self._current = tuple(boxes), current
        if old == (self._boxes, self._current) or self.picture is None:
            return
        if old[1] == current and len(old[0]) == len(boxes) and current is not None:
            lens = self.lens
            places = [lens.across(one[current]) for one in (old[0], self._boxes)]
            top = min(place[1] for place in places) // 2 - 1
            bottom = max(place[3] for place in places) // 2 + 2
            self.refresh(Region(0, max(self._above + top, 0), self.size.width, bottom - top))
        else:
            self.refresh()

    @property
    def lens(self) -> Lens:
        """Which part is on the screen."""
        assert self.picture is not None  # noqa: S101 - asked for only while there is one
        return lens_for(self.picture, self.size, self.zoom, self.center)

    def zoom_by(self, steps: int) -> None:
        """Come nearer to the middle, or go back."""
        self.zoom = min(max(self.zoom * ZOOM**steps, 1.0), 64.0)
        self.refresh()

    def look_at(self, x: float, y: float) -> None:
        """Have a point of the frame in the middle, as far as it goes."""
        self.center = (x, y)
        self.refresh()

    def point_at(self, x: int, y: int) -> tuple[int, int]:
        """The frame's pixel under a cell; a cell outside counts as the nearest inside."""
        lens = self.lens
        across = min(max(x - self._before, 0), lens.width)
        down = min(max(2 * (y - self._above), 0), lens.height)
        return round(lens.left + across * lens.scale), round(lens.top + down * lens.scale)

    @property
    def is_plain(self) -> bool:
        """True where there are no colours for a picture, so that it is drawn in shades."""
        return self.app.no_color or self.app.native_ansi_color

    @property
    def _before(self) -> int:
        return (self.size.width - self.lens.width) // 2

    @property
    def _above(self) -> int:
        return (self.size.height - (self.lens.height + 1) // 2) // 2

    # -- drawing -------------------------------------------------------------------------

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Take all there is."""
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Take all there is."""
        return container.height

    def render_line(self, y: int) -> Strip:
        """Draw one line of cells."""
        width = self.size.width
        if self.picture is None:
            return self._message_line(y)
        lens, above, before = self.lens, self._above, self._before
        row = 2 * (y - above)
        back = self.rich_style
        if not 0 <= row < lens.height:
            return Strip([Segment(" " * width, back)], width)
        pixels = self._pixels(lens)
        top = pixels[row]
        bottom = pixels[row + 1] if row + 1 < len(pixels) else None
        cells = (
            self._shaded(top, bottom, row, lens)
            if self.is_plain
            else self._coloured(top, bottom, row, lens, back)
        )
        segments = [Segment(" " * before, back)]
        segments += [
            Segment("".join(char for char, _ in run), style)
            for style, run in groupby(cells, itemgetter(1))
        ]
        segments.append(Segment(" " * (width - before - lens.width), back))
        return Strip(segments, width)

    def _pixels(self, lens: Lens) -> list[list[Pixel]]:
        assert self.picture is not None  # noqa: S101 - lens has asked already
        key = (self.picture, lens)
        if self._drawn[0] is None or self._drawn[0] != key:
            self._drawn = (key, screen_pixels(self.picture, lens))
        return self._drawn[1]

    def _message_line(self, y: int) -> Strip:
        lines = self.message.splitlines()
        at = y - (self.size.height - len(lines)) // 2
        text = lines[at] if 0 <= at < len(lines) else ""
        style = self.get_visual_style("picture--message").rich_style
        text = f"{text[: self.size.width]:^{self.size.width}}"
        return Strip([Segment(text, style)], self.size.width)

    def _coloured(
        self, top: list[Pixel], bottom: list[Pixel] | None, row: int, lens: Lens, back: Style
    ) -> Iterator[tuple[str, Style]]:
        lines = [self._boxed(line, row + n, lens) for n, line in enumerate((top, bottom)) if line]
        if len(lines) == 1:
            for pixel in lines[0]:
                yield HALF, back + Style(color=Color(*pixel).rich_color)
            return
        for upper, lower in zip(*lines, strict=True):
            yield HALF, _style(upper, lower)

    def _boxed(self, line: list[Pixel], row: int, lens: Lens) -> list[Pixel]:
        """A line of pixels with the boxes over it."""
        found = [(r & _QUANT, g & _QUANT, b & _QUANT) for r, g, b in line[: lens.width]]
        for number, box in enumerate(self._boxes):
            is_current = number == self._current
            left, top, right, bottom = lens.across(box)
            if not top <= row < bottom:
                continue
            name = "picture--box" if is_current else "picture--other"
            color = self.get_visual_style(name).foreground or Color(255, 255, 255)
            edge = (color.r, color.g, color.b)
            for x in range(max(left, 0), min(right, lens.width)):
                if x in (left, right - 1) or row in (top, bottom - 1):
                    found[x] = edge
                elif is_current:
                    r, g, b = found[x]
                    found[x] = (r * 2 // 5 & _QUANT, g * 2 // 5 & _QUANT, b * 2 // 5 & _QUANT)
                else:
                    found[x] = BLACK
        return found

    def _shaded(
        self, top: list[Pixel], bottom: list[Pixel] | None, row: int, lens: Lens
    ) -> Iterator[tuple[str, Style]]:
        plain = self.rich_style
        cells = [_shade(a, b) for a, b in zip(top, bottom or top, strict=True)][: lens.width]
        styles = [plain] * len(cells)
        for number, box in enumerate(self._boxes):
            is_current = number == self._current
            left, upper, right, lower = lens.across(box)
            upper, lower = upper // 2, (lower - 1) // 2
            if not upper <= row // 2 <= lower:
                continue
            signs = "┏━┓┃┗┛" if is_current else "┌─┐│└┘"
            style = self.get_visual_style(
                "picture--box" if is_current else "picture--other"
            ).rich_style
            for x in range(max(left, 0), min(right, lens.width)):
                sign = _edge(signs, x, row // 2, (left, upper, right - 1, lower))
                if sign or not is_current:
                    cells[x], styles[x] = sign or " ", style if sign else plain
        yield from zip(cells, styles, strict=True)


def _shade(upper: Pixel, lower: Pixel) -> str:
    light = sum(
        (299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2]) // 2000 for pixel in (upper, lower)
    )
    return SHADES[next(n for n, most in enumerate(_STEPS) if light < most)]


def _edge(signs: str, x: int, y: int, place: tuple[int, int, int, int]) -> str:
    """The piece of a box's frame at a cell; empty inside of it."""
    left, top, right, bottom = place
    if y == top:
        return signs[0] if x == left else signs[2] if x == right else signs[1]
    if y == bottom:
        return signs[4] if x == left else signs[5] if x == right else signs[1]
    return signs[3] if x in (left, right) else ""
