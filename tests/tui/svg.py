"""What a terminal shows, as an SVG that is small, loads nothing, and tells in a diff what changed.

One element stands on each line, row by row from the top: grounds first, then letters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme

from tests.tui.contrast import XTERM

ACROSS, DOWN, BASE, LETTERS = 9, 18, 14, 15
"""Width and height of a cell, its base line, and the size of letters."""
FONTS = "Menlo,Consolas,'DejaVu Sans Mono',monospace"
_FILLED = {
    "▀": (0, 0, 1, 1 / 2),
    "▄": (0, 1 / 2, 1, 1),
    "▐": (1 / 2, 0, 1, 1),
    **{char: (0, 0, n / 8, 1) for n, char in enumerate("▏▎▍▌▋▊▉█", 1)},
    **{char: (0, 1 - n / 8, 1, 1) for n, char in enumerate("▁▂▃▄▅▆▇█", 1)},
}
"""Which part of its cell a block fills; drawn as such, as fonts leave gaps between them."""


class Pen(NamedTuple):
    """How letters are drawn."""

    ink: str
    paper: str
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False


class Run(NamedTuple):
    """Letters of one pen, from a column of a row on."""

    column: int
    text: str
    pen: Pen

    @property
    def end(self) -> int:
        """The column after the last one."""
        return self.column + cell_len(self.text)


TERMINAL = TerminalTheme(XTERM[0], XTERM[7], list(XTERM[:8]), list(XTERM[8:]))
"""Colours that are the terminal's own."""


@lru_cache(8192)
def pen_of(style: Style | None) -> Pen:
    """How a style is drawn in a terminal."""
    theme = TERMINAL
    style = style or Style()
    ink = style.color.get_truecolor(theme) if style.color else theme.foreground_color
    paper = (
        style.bgcolor.get_truecolor(theme, foreground=False)
        if style.bgcolor
        else theme.background_color
    )
    if style.reverse:
        ink, paper = paper, ink
    if style.dim:
        ink = type(ink)(*((6 * i + 4 * p) // 10 for i, p in zip(ink, paper, strict=True)))
    flags = (style.bold, style.italic, style.underline, style.strike)
    return Pen(ink.hex, paper.hex, *map(bool, flags))


def _runs(line: Iterable[Segment]) -> list[Run]:
    found: list[Run] = []
    column = 0
    for text, style, control in line:
        if not control and text:
            found.append(Run(column, text, pen_of(style)))
            column = found[-1].end
    return found


def _grounds(runs: Sequence[Run]) -> Iterator[tuple[int, int, str]]:
    """Columns from and to, and their colour."""
    for colour, same in groupby(runs, key=lambda run: run.pen.paper):
        group = list(same)
        yield group[0].column, group[-1].end, colour


def _is_blank(run: Run) -> bool:
    return run.text.isspace() and not (run.pen.underline or run.pen.strike)


def _letters(runs: Sequence[Run]) -> Iterator[Run]:
    """Runs of the same ink as one, with the blanks between them but none around them."""
    parts: list[str] = []
    start, pen = 0, Pen("", "")
    for run in [*(run for run in runs if not _is_blank(run)), Run(0, "", Pen("", ""))]:
        joins = pen[:1] + pen[2:] == run.pen[:1] + run.pen[2:] and parts
        gap = run.column - start - cell_len("".join(parts))
        if joins and 0 <= gap <= 8:
            parts += [" " * gap, run.text]
            continue
        if parts:
            yield Run(start, "".join(parts), pen)
        parts, start, pen = [run.text] if run.text else [], run.column, run.pen


def svg(lines: Sequence[Iterable[Segment]], size: tuple[int, int]) -> str:
    """Draw a screen.

    Parameters
    ----------
    lines
        The rows of the screen.
    size
        Its columns and rows.
    """
    rows = [_runs(line) for line in lines]
    width, height = size[0] * ACROSS, size[1] * DOWN
    papers: Counter[str] = Counter()
    inks: Counter[str] = Counter()
    for run in (run for row in rows for run in row):
        papers[run.pen.paper] += run.end - run.column
        inks[run.pen.ink] += not _is_blank(run)
    paper, ink = papers.most_common(1)[0][0], inks.most_common(1)[0][0]
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
        f'<rect width="{width}" height="{height}" fill="{paper}"/>',
        f'<g transform="scale({ACROSS} {DOWN})" shape-rendering="crispEdges">',
    ]
    for y, row in enumerate(rows):
        for left, right, colour in _grounds(row):
            if colour != paper:
                out.append(_path(left, y, right - left, 1, colour))
        for run in row:
            out += _blocks(run, y)
    out.append("</g>")
    out.append(f'<g fill="{ink}" font-family="{FONTS}" font-size="{LETTERS}">')
    for y, row in enumerate(rows):
        letters = [part for run in row for part in _without_blocks(run)]
        out += [_text(run, y, ink) for run in _letters(letters)]
    return "\n".join([*out, "</g>", "</svg>", ""])


def _without_blocks(run: Run) -> Iterator[Run]:
    column = run.column
    for is_block, chars in groupby(run.text, key=lambda char: char in _FILLED):
        part = Run(column, "".join(chars), run.pen)
        column = part.end
        if not is_block:
            yield part


def _blocks(run: Run, y: int) -> Iterator[str]:
    column = run.column
    for char, same in groupby(run.text):
        text = "".join(same)
        count = cell_len(text)
        if char in _FILLED:
            left, top, right, bottom = _FILLED[char]
            if right - left == 1:
                yield _path(column, y + top, count, bottom - top, run.pen.ink)
            else:
                for n in range(count):
                    yield _path(column + n + left, y + top, right - left, bottom - top, run.pen.ink)
        column += count


def _path(left: float, top: float, width: float, height: float, colour: str) -> str:
    return f'<path fill="{colour}" d="M{left:g} {top:g}h{width:g}v{height:g}h-{width:g}"/>'


def _text(run: Run, y: int, ink: str) -> str:
    text, pen = run.text, run.pen
    column = run.column + cell_len(text) - cell_len(text.lstrip())
    text = text.strip()
    styles = {
        "fill": pen.ink if pen.ink != ink else "",
        "font-weight": "bold" if pen.bold else "",
        "font-style": "italic" if pen.italic else "",
        "text-decoration": " ".join(
            filter(None, ("underline" * pen.underline, "line-through" * pen.strike))
        ),
    }
    said = "".join(f' {name}="{value}"' for name, value in styles.items() if value)
    place = f'x="{column * ACROSS}" y="{y * DOWN + BASE}" textLength="{cell_len(text) * ACROSS}"'
    kept = escape(text, quote=False).replace(" ", "\N{NO-BREAK SPACE}")  # else two become one
    return f"<text {place}{said}>{kept}</text>"
