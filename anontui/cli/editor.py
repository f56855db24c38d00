"""Opening a file in the user's editor."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

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
    has_choice = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    has_desktop = sys.platform in ("win32", "darwin") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if has_desktop and not has_choice:
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
