"""The app's colours."""

from __future__ import annotations

from textual.theme import Theme

THEMES = (
    Theme(
        name="anontui",
        primary="#5fb3b3",
        secondary="#6699cc",
        accent="#fac863",
        foreground="#d8dee9",
        background="#14191f",
        surface="#1b222a",
        panel="#242d37",
        success="#99c794",
        warning="#f9ae58",
        error="#ec5f66",
        dark=True,
        variables={
            "border": "#3b4754",
            "border-blurred": "#2b3540",
            "text-muted": "#8a97a6",
            "text-disabled": "#55616e",
            "footer-background": "#14191f",
        },
    ),
)
