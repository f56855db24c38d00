"""How the app behaves in the terminal it is in: colours, mouse, clipboard, and what is told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.filter import Monochrome, NoColor

from anontui.atomic import write_bytes
from anontui.errors import SettingsError
from anontui.operations.terminal import clipboard, wants_mouse
from anontui.tui import session
from anontui.tui.theme import ABOUT, THEMES, Colourless, theme_for

if TYPE_CHECKING:
    from anontui.settings import Settings
    from anontui.tui.app import AnonTUI

# -- colours -----------------------------------------------------------------------------------


def dress(app: AnonTUI) -> None:
    """Give the app its themes before it draws; of the settings, what was remembered of them."""
    if app.no_color:
        kept = [one for one in app._filters if not isinstance(one, Monochrome | NoColor)]
        app._filters = [*kept, Colourless()]
    for theme in THEMES:
        app.register_theme(theme)
    wear(app, app.session.get("theme"))


def wear(app: AnonTUI, chosen: object) -> None:
    """Take the theme on that is wished for, or the one that this terminal can show."""
    wish = chosen if isinstance(chosen, str) else None
    app.chosen_theme = wish if wish in ABOUT else None
    app.theme = theme_for(wish, app.console.color_system, os.environ, no_color=app.no_color)


# -- mouse -------------------------------------------------------------------------------------


def set_mouse(app: AnonTUI, on: bool) -> None:
    """Listen to the mouse from now on, or leave it to the terminal."""
    driver: Any = app._driver
    if app.mouse == on or driver is None:
        return
    app.mouse = on
    if driver.is_web or driver.is_headless:
        return  # a browser has no other use for it
    if on:
        driver._mouse = True  # without it the next call does nothing
        driver._enable_mouse_support()
    else:
        driver._disable_mouse_support()
        driver._mouse = False
    driver.flush()


# -- settings ----------------------------------------------------------------------------------


def take_settings(app: AnonTUI, settings: Settings) -> None:
    """Behave as the settings say; tell once what is odd about them."""
    from anontui.settings import why_ignored

    if settings.theme != app.chosen_theme:
        wear(app, settings.theme)
    set_mouse(app, wants_mouse(settings.mouse, os.environ))
    odd = filter(None, (why_ignored(app.model.folder), *settings.warnings))
    for warning in odd:
        if warning not in app.warned:
            app.warned.add(warning)
            app.fail(SettingsError(warning.rstrip(".")), severity="warning")


def remember(app: AnonTUI, word: str, **changes: Any) -> None:
    """Keep a preference in the settings, unless the app may change nothing."""
    workspace = app.model.workspace
    if app.readonly or workspace is None:
        app.say(f"{word}, until you leave: the app was started read-only")
        return
    settings = workspace.settings.replace(**changes)

    def saved(_: None) -> None:
        if app.model.workspace is not None:
            app.model.workspace = app.model.workspace.with_settings(settings)
        app.say(word)

    app.start("files", settings.save, saved)


# -- clipboard ---------------------------------------------------------------------------------


def copy(app: AnonTUI, text: str, what: str, *, is_identity: bool = False) -> None:
    """Copy a text to where the user can paste it, and say where that is.

    Where the terminal has no clipboard that is a file; a patient's identity is written to none.
    """
    warning = ": it may show who a patient is" if is_identity else ""
    setting = app.model.workspace.settings.clipboard if app.model.workspace else None
    where = clipboard(setting, len(text.encode()), os.environ)
    if where == "tmux" and _to_tmux(text):
        app.say(f"Copied {what} to tmux and the clipboard{warning}", "$success")
        return
    if where == "terminal":
        app.copy_to_clipboard(text)
        app.say(f"Copied {what} to the clipboard{warning}", "$success")
        return
    if is_identity:
        app.say(
            "Not copied: this terminal has no clipboard, and identity is kept in no file",
            "$warning",
        )
        return
    path = session.state_folder() / "copied.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_bytes(path, text.encode(), mode=0o600)
    except OSError as error:
        app.fail(
            SettingsError(
                "It could not be copied: this terminal has no clipboard, and no file could be made",
                cause=error.strerror or "",
                advice=f"Make {path.parent} writable.",
            )
        )
        return
    app.say(f"Copied {what} into {_short(path)}", "$success")


def _to_tmux(text: str) -> bool:
    try:
        ran = subprocess.run(
            ["tmux", "load-buffer", "-w", "-"],
            input=text.encode(),
            timeout=2,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0


def _short(path: Path) -> str:
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
