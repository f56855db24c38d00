"""The app's colours: each theme's text is readable (4.5:1 at least) on all that it is drawn on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

ABOUT = {
    "dark": "calm, for dark rooms",
    "light": "for bright rooms and paper-white terminals",
    "high-contrast": "black and white, strong signals: 7:1 and more",
    "ansi": "the terminal's own 16 colours",
}
"""The themes, and what each is good for."""


def _theme(
    name: str,
    *,
    muted: str,
    disabled: str,
    border: str,
    blurred: str,
    cursor: str,
    edit: str,
    dark: bool = True,
    variables: Mapping[str, str] | None = None,
    **colours: str,
) -> Theme:
    """Make a theme in which what Textual would derive by blending is named instead."""
    texts = {f"text-{tone}": colours[tone] for tone in ("success", "warning", "error", "accent")}
    return Theme(
        name=name,
        dark=dark,
        variables={
            "border": border,
            "border-blurred": blurred,
            "cursor": cursor,
            "edit": edit,
            "text": colours["foreground"],
            "text-muted": muted,
            "text-disabled": disabled,
            "text-primary": colours["primary"],
            "text-secondary": colours["secondary"],
            **texts,
            "block-cursor-foreground": colours["background"],
            "block-cursor-background": colours["primary"],
            "block-cursor-text-style": "none",
            "input-selection-foreground": colours["background"],
            "input-selection-background": colours["secondary"],
            "scrollbar": border,
            "scrollbar-background": colours["background"],
            "scrollbar-corner-color": colours["background"],
            "footer-background": colours["background"],
            **(variables or {}),
        },
        **colours,  # type: ignore[arg-type]  # all of them are texts
    )


DARK = _theme(
    "dark",
    primary="#5fb3b3",
    secondary="#7fb0e6",
    accent="#fac863",
    foreground="#d8dee9",
    background="#14191f",
    surface="#1b222a",
    panel="#272d33",
    success="#99c794",
    warning="#f9ae58",
    error="#ff8087",
    muted="#9aa7b5",
    disabled="#8592a0",
    border="#3b4754",
    blurred="#2b3540",
    cursor="#2c3238",
    edit="#1d4f59",
)

LIGHT = _theme(
    "light",
    primary="#006064",
    secondary="#1d4f91",
    accent="#6b3900",
    foreground="#1b242d",
    background="#fafaf7",
    surface="#eff1f0",
    panel="#e2e6e6",
    success="#175c2b",
    warning="#6b3900",
    error="#a31621",
    muted="#495561",
    disabled="#56626e",
    border="#aab4bb",
    blurred="#c9d0d4",
    cursor="#dfe3e6",
    edit="#bfe3e3",
    dark=False,
)

HIGH_CONTRAST = _theme(
    "high-contrast",
    primary="#40e0ff",
    secondary="#9ecbff",
    accent="#ffd866",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    success="#7dff8a",
    warning="#ffc04d",
    error="#ff9c9c",
    muted="#d4d4d4",
    disabled="#bcbcbc",
    border="#9a9a9a",
    blurred="#7a7a7a",
    cursor="#282828",
    edit="#00405a",
)

_WHITE, _BLACK = "ansi_bright_white", "ansi_black"

ANSI = Theme(
    name="ansi",
    ansi=True,
    primary="ansi_bright_cyan",
    secondary="ansi_cyan",
    accent="ansi_bright_yellow",
    foreground=_WHITE,
    background=_BLACK,
    surface=_BLACK,
    panel=_BLACK,
    success="ansi_bright_green",
    warning="ansi_bright_yellow",
    error="ansi_bright_red",
    variables={
        "ansi-background": _BLACK,
        "ansi-foreground": _WHITE,
        "surface": _BLACK,
        "panel": _BLACK,
        "primary-background": _BLACK,
        "text": _WHITE,
        "text-muted": "ansi_white",
        "text-disabled": "ansi_white",
        "border": "ansi_bright_black",
        "border-blurred": "ansi_bright_black",
        "cursor": _BLACK,
        "edit": _BLACK,
        "block-cursor-foreground": _BLACK,
        "block-cursor-background": "ansi_bright_cyan",
        "block-cursor-text-style": "none",
        "input-cursor-foreground": _BLACK,
        "input-cursor-background": _WHITE,
        "input-cursor-text-style": "none",
        "input-selection-foreground": _BLACK,
        "input-selection-background": "ansi_bright_cyan",
        "scrollbar": "ansi_white",
        "scrollbar-background": _BLACK,
        "scrollbar-corner-color": _BLACK,
        "footer-background": _BLACK,
    },
)
"""Paints its own black: on a ground that it does not know, no colour is sure to be read."""

THEMES = (DARK, LIGHT, HIGH_CONTRAST, ANSI)
DEFAULT = DARK.name


def theme_for(
    chosen: str | None, colours: str | None, environ: Mapping[str, str], *, no_color: bool = False
) -> str:
    """Choose the theme that a terminal can show.

    Parameters
    ----------
    chosen
        The user's wish; None leaves it to the terminal.
    colours
        What the terminal has: ``standard`` (16), ``256``, ``truecolor``.
    environ
        ``COLORFGBG`` tells, in some terminals, that the ground is light.
    no_color
        True if there are to be none: signs, bold and reverse tell all then.
    """
    if no_color or colours not in ("256", "truecolor"):
        return ANSI.name
    if chosen in ABOUT:
        return chosen
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT.name if ground in ("7", "15") else DEFAULT


class Colourless(LineFilter):
    """Takes every colour out of a line; Textual's own filters leave greys or default colours."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the line with its signs, bold, underline and reverse alone."""
        return [
            Segment(text, style and _colourless(style), control)
            for text, style, control in segments
        ]


@lru_cache(1024)
def _colourless(style: Style) -> Style:
    return style.without_color
