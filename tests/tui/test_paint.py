"""Lines that say only what changes look like lines that say everything."""

from __future__ import annotations

import re
from io import StringIO
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import Monochrome
from textual.strip import Strip

from anontui.tui.widgets.paint import Line, middle, thumb

COLORS = st.sampled_from([None, "red", "default", "#102030", "#a0b0c0", "color(200)"])
STYLES = st.builds(
    Style,
    color=COLORS,
    bgcolor=COLORS,
    reverse=st.none() | st.booleans(),
    **dict.fromkeys(["bold", "dim", "italic", "underline", "strike"], st.booleans()),
)
ENDS = {"22": {"1", "2"}, "23": {"3"}, "24": {"4"}, "27": {"7"}, "29": {"9"}}
SEGMENTS = st.lists(st.tuples(st.sampled_from(["a", "bc ", "漢", ""]), STYLES), min_size=1)


def console(system: Literal["standard", "256", "truecolor"]) -> Console:
    return Console(file=StringIO(), color_system=system, force_terminal=True)


def as_seen(output: str) -> tuple[list[tuple[str, frozenset[str]]], frozenset[str]]:
    """Each character with the codes that hold for it, and those that hold at the end."""
    seen: list[tuple[str, frozenset[str]]] = []
    fore = back = ""
    flags: frozenset[str] = frozenset()
    for codes, text in re.findall(r"\x1b\[([\d;]*)m|([^\x1b])", output):
        if text:
            seen.append((text, flags | {"f" + fore, "b" + back}))
            continue
        for code in re.findall(r"[34]8;5;\d+|[34]8;2;\d+;\d+;\d+|\d+", codes):
            if code == "0":
                fore, back, flags = "", "", frozenset()
            elif code[0] in "39" and len(code) > 1:
                fore = "" if code == "39" else code
            elif (code[0] == "4" and len(code) > 1) or code[:2] == "10":
                back = "" if code == "49" else code
            else:
                flags = flags - ENDS[code] if code in ENDS else flags | {code}
    return seen, flags | {"f" + fore, "b" + back}


@pytest.mark.parametrize("system", ["standard", "256", "truecolor"])
@given(parts=SEGMENTS, cut=st.tuples(st.integers(0, 5), st.integers(0, 9)))
def test_looks_like_a_plain_strip(
    system: Literal["standard", "256", "truecolor"],
    parts: list[tuple[str, Style]],
    cut: tuple[int, int],
) -> None:
    segments = [Segment(*part) for part in parts]
    for line, strip in (
        (Line(segments), Strip(segments)),
        (Line(segments).crop(*cut), Strip(segments).crop(*cut)),
        (
            Line(segments).apply_filter(Monochrome(), Color(0, 0, 0)),
            Strip(segments).apply_filter(Monochrome(), Color(0, 0, 0)),
        ),
    ):
        for _, style, _ in strip:
            assert style is not None
            style._ansi = None  # a style keeps what it was in another colour system
        ours, theirs = line.render(console(system)), strip.render(console(system))
        assert as_seen(ours)[0] == as_seen(theirs)[0]
        assert as_seen(ours)[1] == {"f", "b"}


def test_says_less() -> None:
    base = Style(color="#d8dee9", bgcolor="#14191f")
    segments = [Segment("text ", base), Segment("tone ", base + Style(color="#99c794"))] * 4
    ours, theirs = (kind(segments).render(console("truecolor")) for kind in (Line, Strip))
    assert len(ours) < 0.7 * len(theirs)
    bold = [Segment("text ", base), Segment("new ", base + Style(bold=True))] * 4
    ours, theirs = (kind(bold).render(console("truecolor")) for kind in (Line, Strip))
    assert len(ours) < 0.4 * len(theirs)


@given(st.integers(0, 60), st.integers(0, 2_000_000), st.floats(0, 1))
def test_thumb_stays_in_the_window(height: int, count: int, where: float) -> None:
    hidden = max(count - height, 0)
    lines = thumb(round(where * hidden), height, count)
    assert bool(lines) == (bool(hidden) and height > 0) or not height
    if lines and height:
        assert lines.start >= 0
        assert lines.stop <= height
        assert (thumb(0, height, count).start, thumb(hidden, height, count).stop) == (0, height)


@given(st.text(alphabet="a\n"), st.integers(0, 20))
def test_middle_fills_the_height(text: str, height: int) -> None:
    assert len(middle(text, height)) == height
