"""What a terminal can do, as far as its environment tells."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

OSC52_BYTES = 74_994
"""More than this is cut off by common terminals."""


def colours(environ: Mapping[str, str]) -> int:
    """How many colours a terminal has: 0, 16, 256 or 16,777,216."""
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return 1 << 24
    term = environ.get("TERM", "").strip().lower()
    if term in ("", "dumb", "unknown"):
        return 0
    return 256 if term == "xterm-kitty" or term.endswith("-256color") else 16


def wants_mouse(setting: object, environ: Mapping[str, str]) -> bool:
    """Whether to listen to the mouse: as the setting says, else not over SSH."""
    if setting in ("always", "never"):
        return setting == "always"
    return not is_ssh(environ)


def is_ssh(environ: Mapping[str, str]) -> bool:
    """True if somebody sits at another machine."""
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))


def clipboard(setting: object, size: int, environ: Mapping[str, str]) -> str:
    """Where copied text of ``size`` bytes goes: ``tmux``, ``terminal`` (OSC 52) or ``file``."""
    if setting == "file":
        return "file"
    if environ.get("TMUX") and shutil.which("tmux"):
        return "tmux"  # it ignores what programs send by OSC 52, unless it is told to let it pass
    if setting == "terminal":
        return "terminal"
    term = environ.get("TERM", "")
    plain = term in ("", "linux", "dumb", "unknown") or term.startswith("vt")
    return "file" if plain or size > OSC52_BYTES else "terminal"
