"""Colours, mouse, clipboard, and what is wrong here."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING

from anontui.errors import UsageError
from anontui.tui import manners
from anontui.tui.acts import common
from anontui.tui.theme import ABOUT, theme_for

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI

AUTO = "auto"


def choose_theme(app: AnonTUI) -> None:
    """Ask for a theme, showing each."""
    from anontui.tui.screens.choose import ChooseScreen

    here = theme_for(None, app.console.color_system, os.environ, no_color=app.no_color)
    options = [(AUTO, f"what fits this terminal: {here}"), *ABOUT.items()]
    now = app.chosen_theme or AUTO

    def chosen(name: str | None) -> None:
        if name is not None:
            set_theme(app, name)

    app.push_screen(
        ChooseScreen("Theme", options, now, lambda name: manners.wear(app, name)), chosen
    )


def set_theme(app: AnonTUI, name: str) -> None:
    """Take a theme on and keep it in the settings."""
    if name not in (AUTO, *ABOUT):
        error = UsageError(f"There is no theme {name!r}", advice=f"Take one of {', '.join(ABOUT)}.")
        app.fail(error)
        return
    manners.wear(app, name)
    word = f"The theme is {name} now"
    if name not in (AUTO, app.theme):
        why = "colours are off (NO_COLOR)" if app.no_color else "this terminal has 16 colours"
        word += f", but {why}: {app.theme} is shown"
    manners.remember(app, word, theme=app.chosen_theme)


def theme_names(_: AnonTUI) -> list[str]:
    """What :func:`set_theme` takes."""
    return [AUTO, *ABOUT]


def switch_mouse(app: AnonTUI) -> None:
    """Listen to the mouse, or leave it to the terminal."""
    on = not app.mouse
    manners.set_mouse(app, on)
    word = "The mouse works in the app now" if on else "The mouse is the terminal's own now"
    manners.remember(app, word, mouse="always" if on else "never")


def leave(app: AnonTUI) -> None:
    """Quit; ask first if an edit that is still worked out would be lost."""
    from anontui.tui.acts import common
    from anontui.tui.panes.mappingedits import LANE
    from anontui.tui.screens.confirm import ConfirmScreen

    edits = [task.label for task in app.tasks.values() if task.lane == LANE]
    if edits:
        why = f"Not done yet, and lost then: {edits[0]}."
        common.confirm(app, ConfirmScreen("Quit all the same?", why, "Quit"), app.close)
    else:
        app.close()


def activity(app: AnonTUI) -> None:
    """Show everything that was told."""
    from anontui.tui.screens.activity import ActivityScreen

    app.push_screen(ActivityScreen(app))


def doctor(app: AnonTUI) -> None:
    """Look for what does not work here, and show it."""
    from anontui.operations.doctor import Check, examine

    folder = app.model.folder

    def done(found: list[Check]) -> None:
        from textual.content import Content

        tones = {"ok": ("✔", "$success"), "note": ("!", "$warning"), "problem": ("✖", "$error")}
        room = max(len(check.name) for check in found)
        width = max(int(app.size.width * 0.92) - room - 12, 20)
        lines = []
        for check in found:
            sign, tone = tones[check.state]
            first, *more = textwrap.wrap(check.what, width) or [""]
            lines.append(
                Content.assemble((f"{sign} ", tone), (f"{check.name:<{room}}  ", "bold"), first)
            )
            advice = textwrap.wrap(f"→ {check.advice}", width) if check.advice else []
            indent = " " * (room + 4)
            lines += [Content(f"{indent}{text}") for text in more]
            lines += [Content.assemble((f"{indent}{text}", "$text-muted")) for text in advice]
        common.show_text(app, "What works here", Content("\n").join(lines))

    app.start("poll", lambda: examine(folder), done, label="Looking what works here")
