"""Whether what is on the screen can be read: contrast as in WCAG 2.2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme

LEAST = {"dark": 4.5, "light": 4.5, "high-contrast": 7.0, "ansi": 4.5}
"""The contrast that each theme promises."""

XTERM = (
    *((0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0)),
    *((0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229)),
    *((127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0)),
    *((92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255)),
)
VGA = (
    *((0, 0, 0), (170, 0, 0), (0, 170, 0), (170, 85, 0)),
    *((0, 0, 170), (170, 0, 170), (0, 170, 170), (170, 170, 170)),
    *((85, 85, 85), (255, 85, 85), (85, 255, 85), (255, 255, 85)),
    *((85, 85, 255), (255, 85, 255), (85, 255, 255), (255, 255, 255)),
)

Rgb = tuple[int, int, int]


def palette(colours: tuple[Rgb, ...]) -> TerminalTheme:
    """A terminal of these 16 colours, whose own ground nobody knows."""
    return TerminalTheme((1, 2, 3), (1, 2, 3), list(colours[:8]), list(colours[8:]))


PALETTES = {"xterm": palette(XTERM), "vga": palette(VGA)}


def luminance(rgb: Rgb) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [v / 255 for v in rgb]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Contrast ratio, WCAG 2.2."""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def is_text(text: str) -> bool:
    """True if there is something to read: not blanks, frames and bars alone."""
    return any(not c.isspace() and not "\u2500" <= c <= "\u259f" for c in text)


@lru_cache(4096)
def _pair(style: Style, system: ColorSystem, colours: str) -> tuple[Rgb, Rgb] | None:
    """Ink and paper of a style in a terminal; None where one of them is the terminal's own."""
    if style.color is None or style.bgcolor is None:
        return None
    ink, paper = style.color.downgrade(system), style.bgcolor.downgrade(system)
    if ink.is_default or paper.is_default:
        return None
    theme = PALETTES[colours]
    return ink.get_truecolor(theme), paper.get_truecolor(theme)


def unreadable(
    lines: Iterable[Iterable[Segment]], least: float, system: ColorSystem, colours: str
) -> Iterator[str]:
    """What has too little contrast, or lies on a ground that is not known."""
    for line in lines:
        for text, style, control in line:
            if control or not is_text(text):
                continue
            pair = _pair(style or Style(), system, colours)
            if pair is None:
                yield f"{text.strip()[:30]!r} on an unknown ground"
            elif (ratio := contrast(*pair)) < least:
                yield f"{text.strip()[:30]!r} {pair[0]} on {pair[1]}: {ratio:.2f}"


def unreadable_in(lines: Sequence[Iterable[Segment]], theme: str) -> set[str]:
    """What cannot be read in a theme, in the terminals that it is meant for."""
    found = set()
    for colours in PALETTES:
        found |= {*unreadable(lines, LEAST[theme], ColorSystem.TRUECOLOR, colours)}
    if theme != "ansi":
        found |= {*unreadable(lines, 4.5, ColorSystem.EIGHT_BIT, "xterm")}
    return found
