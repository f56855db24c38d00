"""How a row of a grid looks: from what it holds and where the cursor is, to a strip."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.color import Color
from textual.filter import LineFilter
from textual.strip import Strip

from anontui.tui.widgets.columns import Cell, Column, Place, fit

GUTTER = 2
"""Cells to the left of the table: the cursor's bar and the mark."""
MARGIN = 1
"""Cells to the right of the table: the scroll thumb."""


CLASSES = {
    f"grid--{name}"
    for name in (
        *("header", "row", "cursor", "bar", "cell", "mark", "flash"),
        *("range", "edit", "edit-bad", "edit-cursor", "thumb", "empty"),
        *("good", "busy", "bad", "warn", "dim", "accent"),
    )
}
"""Component classes. Where several meet, a later one overrules: row, tone, flash, cursor, cell."""

CSS = """
Surface {
    height: 1fr;
    width: 1fr;
    & > .grid--header { color: $text-muted; text-style: bold; }
    & > .grid--empty { color: $text-muted; }
    & > .grid--cursor { background: $foreground 5%; }
    & > .grid--bar { color: $text-muted; }
    & > .grid--cell { text-style: underline; }
    & > .grid--mark { color: $accent; text-style: bold; }
    & > .grid--flash { color: $foreground; text-style: bold; }
    & > .grid--edit { color: $foreground; background: $primary 35%; text-style: none; }
    & > .grid--range { color: $background; background: $primary; }
    & > .grid--edit-bad { background: $error 22%; text-style: none; }
    & > .grid--edit-cursor { text-style: reverse; }
    & > .grid--thumb { color: $foreground 30%; }
    & > .grid--good { color: $success; }
    & > .grid--busy { color: $primary; }
    & > .grid--bad { color: $error; }
    & > .grid--warn { color: $warning; }
    & > .grid--dim { color: $text-muted; }
    & > .grid--accent { color: $accent; }
    &:focus {
        & > .grid--header { color: $foreground; }
        & > .grid--cursor { background: $primary 20%; }
        & > .grid--bar { color: $accent; }
        & > .grid--cell { text-style: reverse; }
    }
    &:ansi {
        & > .grid--cursor { background: transparent; }
        & > .grid--edit { background: transparent; text-style: underline; }
        & > .grid--edit-bad { background: transparent; color: $error; text-style: underline; }
        & > .grid--range { color: $foreground; background: transparent; text-style: reverse; }
        &:focus > .grid--cursor { text-style: reverse; }
        &.-cells:focus > .grid--cursor { text-style: bold; }
    }
}
"""

Part: TypeAlias = tuple[str, Style]


class Look(NamedTuple):
    """All that decides how a row is drawn, so that equal looks share one strip.

    ``bar`` is 0 away from the cursor, 1 at it, 2 at it with focus; ``at`` the column of
    the cell cursor or the edit, -1 for none; ``flash`` the columns that changed just now;
    ``edit`` what shows of the text that is edited, before, under and after its cursor, and
    ``wrong`` that it cannot stay so; ``chosen`` the columns that are in the chosen range.
    """

    cells: tuple[str | Cell, ...]
    bar: int
    at: int
    flash: frozenset[int] | None
    thumb: bool
    marked: bool = False
    edit: tuple[str, str, str] | None = None
    wrong: bool = False
    chosen: range = range(0)


class Frame(NamedTuple):
    """What all lines of a grid have in common."""

    columns: tuple[Column, ...]
    places: tuple[Place, ...]
    left: int
    width: int
    height: int

    @property
    def room(self) -> int:
        """Cells that the table itself can take."""
        return max(self.width - GUTTER - MARGIN, 0)

    def extent(self, old: Look | str, new: Look | str) -> int:
        """Return how many cells from the left must be painted to turn one line into another."""
        if old == new:
            return 0
        if isinstance(old, str) or isinstance(new, str):
            return self.width
        if self.left or (old.bar, old.thumb) != (new.bar, new.thumb):
            return self.width
        columns = (old.flash or frozenset()) ^ (new.flash or frozenset())
        columns |= changes(old.cells, new.cells)
        if (old.at, old.edit, old.wrong) != (new.at, new.edit, new.wrong):
            columns |= {old.at, new.at} - {-1}
        if old.chosen != new.chosen:
            columns |= {*old.chosen, *new.chosen}
        end = max((self.places[i].end for i in columns if i < len(self.places)), default=0)
        whole = GUTTER + end >= self.width - MARGIN  # a whole line is at hand, a part must be cut
        return self.width if whole else GUTTER + end


def thumb(top: int, height: int, count: int) -> range:
    """Return the lines that show, at the right edge, which part of the rows is in view."""
    if count <= height:
        return range(0)
    size = max(height * height // count, 1)
    start = round(top * (height - size) / (count - height))
    return range(start, start + size)


def broken(text: str, width: int) -> str:
    """Break those lines of a text that are too long, between words."""
    room = max(width - 2 * MARGIN, 12)
    return "\n".join(textwrap.fill(line, room) for line in text.splitlines())


def middle(text: str, height: int) -> list[str]:
    """Return ``height`` lines with the text in the middle."""
    lines = text.splitlines()[:height]
    above = (height - len(lines)) // 2
    return [""] * above + lines + [""] * (height - above - len(lines))


def changes(old: tuple[str | Cell, ...], new: tuple[str | Cell, ...]) -> frozenset[int]:
    """Return the columns in which two rows differ."""
    return frozenset(i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)


class Line(Strip):
    """A strip that says of a style only what differs from the one before it.

    Textual spells out and resets every style, which is a third of the bytes of a table; over
    a slow line that shows.
    """

    def render(self, console: Console) -> str:
        """Return texts and escape sequences."""
        if self._render_cache is None:
            system = _SYSTEMS[console.color_system or "truecolor"]
            parts: list[str] = []
            before = None
            for text, style, _ in self:
                now = style or Style()
                parts += (change(before, now, system), text)
                before = now
            self._render_cache = "".join(parts) + "\x1b[0m"
        return self._render_cache

    def apply_filter(self, filter: LineFilter, background: Color) -> Line:  # noqa: A002 - theirs
        """Return the line as a filter changes it, the same one for the same filter."""
        line = self._filter_cache.get((filter, background))
        if not isinstance(line, Line):
            line = Line(filter.apply(list(self), background), self.cell_length)
            self._filter_cache[filter, background] = line
        return line

    def crop(self, start: int, end: int | None = None) -> Strip:
        """Return a part of the line."""
        part = super().crop(start, end)
        return part if part is self else Line(part, part.cell_length)


@lru_cache(maxsize=4096)
def change(before: Style | None, style: Style, system: ColorSystem) -> str:
    """Return the escape sequence that turns one style, or any, into another."""
    if before is None:
        return f"\x1b[{';'.join(filter(None, ('0', Strip.render_ansi(style, system))))}m"
    codes: list[str] = []
    for names, off in _FLAGS:
        had = {name for name in names if getattr(before, name)}
        has = {name for name in names if getattr(style, name)}
        if had - has:
            codes.append(off)
            had = set()  # one code ends all of them
        codes += (names[name] for name in names if name in has - had)
    for old, new, foreground in (
        (before.color, style.color, True),
        (before.bgcolor, style.bgcolor, False),
    ):
        if new != old:
            color = new or RichColor.default()
            codes += color.downgrade(system).get_ansi_codes(foreground=foreground)
    return f"\x1b[{';'.join(codes)}m" if codes else ""


_FLAGS: tuple[tuple[dict[str, str], str], ...] = (
    ({"bold": "1", "dim": "2"}, "22"),
    ({"italic": "3"}, "23"),
    ({"underline": "4"}, "24"),
    ({"reverse": "7"}, "27"),
    ({"strike": "9"}, "29"),
)
"""The flags that styles of a table have, with the codes that begin and end them (ECMA-48)."""

_SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
    "windows": ColorSystem.WINDOWS,
}


class Painter:
    """Draws the lines of a grid, each different one once.

    Parameters
    ----------
    style
        Gives the style of some component classes, the later ones overruling the earlier.
    """

    def __init__(self, style: Callable[..., Style]) -> None:
        self._component_style = style
        self._styles: dict[tuple[str, ...], Style] = {}
        self._strips: LRUCache[Look | str | None, Strip] = LRUCache(256)
        self.frame = Frame((), (), 0, 0, 0)

    def forget(self) -> None:
        """Draw anew what was drawn before: the styles changed."""
        self._styles.clear()
        self._strips.clear()

    def reframe(self, frame: Frame) -> bool:
        """Draw in this frame from now on; return whether it is another than before."""
        if frame == self.frame:
            return False
        self.frame = frame
        self._strips.clear()
        return True

    def header(self) -> Strip:
        """Draw the labels."""
        return self._drawn(None)

    def line(self, look: Look | str) -> Strip:
        """Draw a row, or a line of the text that stands where there are no rows."""
        return self._drawn(look)

    def _drawn(self, look: Look | str | None) -> Strip:
        strip = self._strips.get(look)
        if strip is None:
            if look is None:
                strip = self._header()
            elif isinstance(look, str):
                text = fit(look.center(self.frame.width), self.frame.width)
                strip = Line([Segment(text, self._style("empty"))], self.frame.width)
            else:
                strip = self._row(look)
            self._strips[look] = strip
        return strip

    def _header(self) -> Strip:
        style = self._style("header")
        labels = (
            [(fit(column.label, place.width, column.right), style)]
            for column, place in zip(self.frame.columns, self.frame.places, strict=True)
        )
        return self._line([(" " * GUTTER, style)], labels, (" ", style), style)

    def _row(self, look: Look) -> Strip:
        cursor = ("cursor",) if look.bar else ()
        fill = self._style("row", *cursor)
        bar = (" ▏▌"[look.bar], self._style("row", *cursor, "bar") if look.bar else fill)
        sign, tone = (" ", "row") if look.flash is None else ("•", "flash")
        if look.marked:
            sign, tone = "●", "mark"
        thumb = ("▐", self._style("row", "thumb", *cursor)) if look.thumb else (" ", fill)
        mark = (sign, self._style("row", tone, *cursor))
        return self._line([bar, mark], self._cells(look, cursor), thumb, fill)

    def _cells(self, look: Look, cursor: tuple[str, ...]) -> Iterator[list[Part]]:
        for i, (column, place) in enumerate(
            zip(self.frame.columns, self.frame.places, strict=True)
        ):
            if look.edit and i == look.at:
                names = ["row", "edit", *(("edit-bad",) if look.wrong else ())]
                edit, under = self._style(*names), self._style(*names, "edit-cursor")
                yield list(zip(look.edit, (edit, under, edit), strict=True))
                continue
            cell = look.cells[i] if i < len(look.cells) else ""
            text, tone = (cell, "") if isinstance(cell, str) else cell
            names = ["row", *([tone] if tone else ())]
            if look.flash and i in look.flash:
                names.append("flash")
            names += cursor
            if i in look.chosen:
                names.append("range")
            if i == look.at:
                names.append("cell")
            shown = fit(text, place.width, column.right, column.middle)
            yield [(shown, self._style(*names))]

    def _line(
        self, gutter: list[Part], cells: Iterable[list[Part]], thumb: Part, fill: Style
    ) -> Strip:
        """Put a line together, with the part of the table that is scrolled into view."""
        left, width, room = self.frame.left, self.frame.width, self.frame.room
        table: list[Part] = []
        end = 0
        for place, parts in zip(self.frame.places, cells, strict=True):
            table.append((" " * (place.start - end), fill))
            table += parts
            end = place.end
        if end > room:
            window = Strip([Segment(*part) for part in table], end).crop(left, left + room)
            table = [(segment.text, segment.style or fill) for segment in window]
        table.append((" " * (room - end + left), fill))
        segments = [
            Segment("".join(text for text, _ in group), style)
            for style, group in groupby([*gutter, *table, thumb], itemgetter(1))
        ]
        return Line(segments, max(width, GUTTER + MARGIN)).crop(0, width)

    def _style(self, *names: str) -> Style:
        style = self._styles.get(names)
        if style is None:
            style = self._component_style(*(f"grid--{name}" for name in names))
            self._styles[names] = style
        return style
