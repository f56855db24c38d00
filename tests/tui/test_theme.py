"""Which theme is taken, and how contrast is measured; that each text on each screen has enough of
it is held in ``test_snapshots.py``, scene by scene."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from rich.style import Style

from anontui.settings import FIELDS
from anontui.settings_fields import choices
from anontui.tui.theme import ABOUT, THEMES, theme_for
from tests.tui.contrast import LEAST, contrast, is_text, unreadable_in


def test_the_measure_tells_what_is_unreadable() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)
    assert is_text("a") and is_text("✖") and not is_text("│ ▐ █")


@pytest.mark.parametrize(
    ("ink", "paper", "poor"),
    [
        ("#9aa7b5", "#14191f", False),
        ("#56626e", "#14191f", True),
        ("#9aa7b5", "#1d4f59", True),  # in 256 colours alone
        ("bright_white", "black", False),
        ("blue", "black", True),
        ("#9aa7b5", "default", True),
    ],
)
def test_what_is_hard_to_read_is_found(ink: str, paper: str, poor: bool) -> None:
    line = [Segment("some words", Style(color=ink, bgcolor=paper))]
    assert bool(unreadable_in([line], "dark")) == poor
    assert not unreadable_in([[Segment("│ ▐ █", line[0].style)]], "dark")


# -- which theme -----------------------------------------------------------------------------


def test_settings_and_app_name_the_same_themes() -> None:
    field = next(field for field in FIELDS if field.name == "theme")
    assert choices(field) == [theme.name for theme in THEMES] == list(ABOUT)
    assert LEAST.keys() == ABOUT.keys()


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
