"""What the app remembers of a project folder between two starts.

Kept in the user's state folder, readable by the user alone; losing it harms nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anontui.atomic import write_bytes

if TYPE_CHECKING:
    from anontui.tui.app import AnonTUI


def state_folder() -> Path:
    """The user's folder for what may be lost."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "anontui"


def _path(folder: Path) -> Path:
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return state_folder() / f"{name}.json"


def journal_path(folder: Path) -> Path:
    """Where edits of a folder's mapping are noted until they are saved."""
    return _path(folder).with_suffix(".journal")


def read(folder: Path) -> dict[str, Any]:
    """What was remembered of ``folder``; empty if nothing was, or it cannot be read."""
    try:
        state = json.loads(_path(folder).read_bytes())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def lines(value: object) -> list[str]:
    """Return the texts of a list that was remembered; none where it is no such list."""
    return [line for line in value if isinstance(line, str)] if isinstance(value, list) else []


def write(app: AnonTUI) -> None:
    """Remember how the app looks now."""
    if not app.model.loaded:
        return
    state = {
        "focus": app.main.current.id,
        "zoomed": app.main.zoomed,
        "theme": app.chosen_theme,
        "mouse": app.model.workspace.settings.mouse if app.model.workspace else None,
        "commands": app.commands.lines,
        "panes": {pane.id: pane.remember() for pane in app.main.panes},
    }
    path = _path(app.model.folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_bytes(path, json.dumps(state).encode(), mode=0o600)
    except OSError:
        return  # a full disk must not keep the app from closing


def restore(app: AnonTUI) -> None:
    """Bring the panes back to how they were."""
    state = app.session
    panes = state.get("panes")
    for pane in app.main.panes:
        own = panes.get(pane.id) if isinstance(panes, dict) else None
        if isinstance(own, dict):
            pane.recall(own)
    app.main.zoomed = state.get("zoomed") is True
    app.main.show_pane(next((p for p in app.main.panes if p.id == state.get("focus")), None))


def write_crash(error: BaseException | None) -> Path:
    """Keep where in the program a mistake happened, without any values; return the file."""
    import traceback

    path = _path(Path()).with_name("crash.txt")
    lines = traceback.format_tb(error.__traceback__) if error is not None else []
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_bytes(path, "".join([*lines, type(error).__name__, "\n"]).encode(), mode=0o600)
    return path
