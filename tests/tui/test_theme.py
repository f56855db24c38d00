"""Whatever the theme, what is written can be read; without colours none is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from rich.color import ColorSystem
from rich.style import Style
from rich.terminal_theme import TerminalTheme

from anontui.errors import SettingsError
from anontui.settings import FIELDS, load
from anontui.settings_fields import choices
from anontui.tui.screens.activity import ActivityScreen
from anontui.tui.theme import ABOUT, THEMES, theme_for
from tests.tui import fakes
from tests.tui.fakes import SMALL, WIDE, Seat, opened
from tests.tui.test_snapshots import SCENES, many_jobs

LEAST = {"dark": 4.5, "light": 4.5, "high-contrast": 7.0, "ansi": 4.5}

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


def palette(colours: tuple[tuple[int, int, int], ...]) -> TerminalTheme:
    return TerminalTheme((1, 2, 3), (1, 2, 3), list(colours[:8]), list(colours[8:]))


def luminance(rgb: tuple[int, int, int]) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [v / 255 for v in rgb]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """Contrast ratio, WCAG 2.2."""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def is_text(text: str) -> bool:
    """True if there is something to read: not blanks, frames and bars alone."""
    return any(not c.isspace() and not "\u2500" <= c <= "\u259f" for c in text)


def drawn(seat: Seat) -> Iterator[tuple[str, Style]]:
    """Every text on the screen with its style, as the terminal gets it."""
    for strip in seat.app.screen._compositor.render_strips():
        for text, style, _ in strip:
            if style is not None and is_text(text):
                yield text, style


def unreadable(seat: Seat, least: float, system: ColorSystem, colours: TerminalTheme) -> set[str]:
    """What has too little contrast."""
    found = set()
    for text, style in drawn(seat):
        assert style.color is not None and style.bgcolor is not None, text
        ink = style.color.downgrade(system)
        paper = style.bgcolor.downgrade(system)
        assert not ink.is_default and not paper.is_default, f"{text!r} on an unknown ground"
        pair = ink.get_truecolor(colours), paper.get_truecolor(colours)
        ratio = contrast(*pair)
        if ratio < least:
            found.add(f"{text.strip()[:30]!r} {pair[0]} on {pair[1]}: {ratio:.2f}")
    return found


async def palette_(seat: Seat) -> None:
    await seat.press("ctrl+p")
    await seat.type("zoom")
    await seat.until(lambda: "Zoom" in "".join(text for text, _ in drawn(seat)))


async def command_line(seat: Seat) -> None:
    await seat.press("colon")
    await seat.type("job")


async def wrong_command(seat: Seat) -> None:
    await seat.press("colon")
    await seat.type("nonsense")
    await seat.press("enter")


async def toasts(seat: Seat) -> None:
    for severity in ("error", "warning"):
        seat.app.fail(SettingsError("It did not work", cause="why", advice="Do this."), severity)
    seat.app.notify("Done")
    await seat.until(lambda: len(seat.app.screen.query("Toast")) == 3)


async def activity(seat: Seat) -> None:
    for tone in ("$error", "$warning", "$success", "$text-muted"):
        seat.app.activity.add(f"told {tone}", tone, "details")
    await seat.press("ctrl+l")
    assert isinstance(seat.app.screen, ActivityScreen)


async def choosing(seat: Seat) -> None:
    await seat.press("ctrl+t")


async def set_user(seat: Seat) -> None:
    seat.app.run_action_named(seat.app.registry.actions["settings.set-username"])
    await seat.settle()


async def doctor(seat: Seat) -> None:
    seat.app.run_action_named(seat.app.registry.actions["app.doctor"])
    await seat.until(lambda: seat.app.screen is not seat.main)


async def filtering(seat: Seat) -> None:
    await seat.press("slash")
    await seat.type("base")


MORE: dict[str, Callable[[Seat], Awaitable[None]]] = {
    "palette": palette_,
    "command-line": command_line,
    "wrong-command": wrong_command,
    "toasts": toasts,
    "activity": activity,
    "theme": choosing,
    "prompt": set_user,
    "doctor": doctor,
    "filtering": filtering,
}


@pytest.mark.parametrize("theme", list(LEAST))
@pytest.mark.parametrize("scene", [*SCENES, *MORE])
async def test_every_text_can_be_read(project: Path, theme: str, scene: str) -> None:
    load(project.parent / "settings.yml").replace(theme=theme).save()
    if scene == "confirm":
        fakes.write_batch(project, many_jobs())
    async with opened(project, SMALL if scene == "batch" else WIDE) as seat:
        assert seat.app.theme == theme
        await {**SCENES, **MORE}[scene](seat)
        await seat.pilot.pause()
        full, eight = ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT
        shown = seat.app.theme  # one scene tries another theme
        for colours in map(palette, (XTERM, VGA)):
            assert unreadable(seat, LEAST[shown], full, colours) == set()
        if shown != "ansi":
            assert unreadable(seat, 4.5, eight, palette(XTERM)) == set()


def test_the_measure_tells_what_is_unreadable() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)
    assert is_text("a") and is_text("✖") and not is_text("│ ▐ █")


# -- which theme -----------------------------------------------------------------------------


def test_settings_and_app_name_the_same_themes() -> None:
    field = next(field for field in FIELDS if field.name == "theme")
    assert choices(field) == [theme.name for theme in THEMES] == list(ABOUT)


@pytest.mark.parametrize(
    ("chosen", "colours", "ground", "no_color", "theme"),
    [
        (None, "truecolor", "", False, "dark"),
        (None, "256", "15;0", False, "dark"),
        (None, "256", "0;15", False, "light"),
        (None, "standard", "0;15", False, "ansi"),
        (None, None, "", False, "ansi"),
        ("light", "truecolor", "15;0", False, "light"),
        ("light", "standard", "", False, "ansi"),
        ("light", "truecolor", "", True, "ansi"),
        ("no such", "truecolor", "", False, "dark"),
    ],
)
def test_the_theme_is_one_that_the_terminal_can_show(
    chosen: str | None, colours: str | None, ground: str, no_color: bool, theme: str
) -> None:
    assert theme_for(chosen, colours, {"COLORFGBG": ground}, no_color=no_color) == theme
