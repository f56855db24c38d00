"""Opening a file in the user's editor."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from anontui.errors import UsageError


def edit_file(path: Path) -> bool:
    """Open a file in the editor that ``$VISUAL`` or ``$EDITOR`` names, else in its usual program.

    Returns
    -------
    bool
        True if the user has closed the editor; False if it runs on by itself.

    Raises
    ------
    UsageError
        If no editor could be started.
    """
    import click

    if opens_outside():
        try:
            failed = click.launch(str(path))
        except OSError:
            failed = 1
        if not failed:
            return False
    try:
        click.edit(filename=str(path))
    except click.ClickException as error:
        raise UsageError(
            f"No editor could be started for {path}",
            cause=error.message,
            advice="Set EDITOR to the editor of your choice, or open the file yourself.",
        ) from error
    return True


def opens_outside() -> bool:
    """True if a file opens in a window of its own, and not in this terminal."""
    if os.environ.get("VISUAL") or os.environ.get("EDITOR"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
