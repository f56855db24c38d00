"""What works here and what does not, each with what to do about it; nothing secret is told."""

from __future__ import annotations

import importlib.util
import locale
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from anontui import __version__
from anontui.errors import AnonTUIError
from anontui.operations import servers, terminal
from anontui.operations.workspace import Workspace, open_workspace
from anontui.settings import FIELDS, Settings, why_ignored

OK, NOTE, PROBLEM = "ok", "note", "problem"
SMALLEST = (80, 24)
LITTLE, VERY_LITTLE = 5 << 30, 1 << 30
"""Bytes of free space that are noted, and that are a problem."""

EXTRAS = {
    "pixels": ("numpy", "imagecodecs", "jpeg_ls"),
    "cluster": ("distributed", "dask_jobqueue"),
    "web": ("textual_serve",),
}
WITHOUT = {
    "pixels": "pixels cannot be cleaned or previewed",
    "cluster": "work cannot be spread over several machines",
    "web": "the app cannot be opened in a browser",
}


@dataclass(frozen=True)
class Check:
    """One thing looked at: its name, ``ok``, ``note`` or ``problem``, what was found, advice."""

    name: str
    state: str
    what: str
    advice: str = ""


def examine(folder: Path) -> list[Check]:
    """Look at everything that the app and the commands need in ``folder``; raises nothing."""
    found = [_python(), *_terminal(), _letters()]
    try:
        workspace = open_workspace(folder)
    except AnonTUIError as error:
        what = f"{error.message} ({error.cause})" if error.cause else error.message
        found.append(Check("settings", PROBLEM, what, error.advice))
    else:
        found += [
            *_settings(workspace),
            _clipboard(workspace.settings),
            *_token(workspace.settings),
            *_servers(workspace.settings),
            *_shares(workspace.settings),
        ]
    return [*found, *_folders(folder), *_extras()]


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", OK, f"anontui {__version__} on Python {version}, {sys.platform}")


def _terminal() -> Iterator[Check]:
    if not (sys.stdin.isatty() and sys.__stdout__ is not None and sys.__stdout__.isatty()):
        advice = "The app needs one; commands do not. Over SSH: ssh -t."
        yield Check("terminal", NOTE, "there is none here", advice)
    else:
        columns, lines = shutil.get_terminal_size()
        term = os.environ.get("TERM", "")
        if columns < SMALLEST[0] or lines < SMALLEST[1]:
            advice = f"Make the window larger: {SMALLEST[0]} x {SMALLEST[1]} shows everything."
            yield Check("terminal", NOTE, f"{term}, {columns} x {lines}", advice)
        else:
            yield Check("terminal", OK, f"{term}, {columns} x {lines}")
    if "NO_COLOR" in os.environ:
        yield Check("colours", OK, "off (NO_COLOR)")
        return
    count = terminal.colours(os.environ)
    if count == 0:
        advice = "Set TERM to what your terminal is, such as xterm-256color."
        yield Check("colours", NOTE, "TERM does not tell", advice)
    elif count == 16:
        advice = "If your terminal has more, set TERM=xterm-256color or COLORTERM=truecolor."
        yield Check("colours", NOTE, "16", advice)
    else:
        yield Check("colours", OK, f"{count:,}")


def _letters() -> Check:
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") == "utf8":
        return Check("letters", OK, encoding)
    advice = "Set LC_ALL=C.UTF-8, or signs and lines are not drawn."
    return Check("letters", NOTE, f"{encoding}, not UTF-8", advice)


def _settings(workspace: Workspace) -> Iterator[Check]:
    settings = workspace.settings
    odd = [*filter(None, [why_ignored(workspace.folder)]), *settings.warnings]
    for warning in odd:
        yield Check("settings", PROBLEM, warning, "See: anontui config validate")
    if not odd:
        where = str(settings.path) if settings.path.exists() else "none yet, the defaults hold"
        known = {field.name for field in FIELDS}
        unknown = sorted(settings.extra.keys() - known)
        more = f"; not ours: {len(unknown)}" if unknown else ""
        yield Check("settings", OK, f"{where}{more}")


def _clipboard(settings: Settings) -> Check:
    where = terminal.clipboard(settings.clipboard, 0, os.environ)
    if where == "tmux":
        return Check("clipboard", OK, "through tmux")
    if where == "terminal":
        return Check("clipboard", OK, "the terminal's (OSC 52), if it lets programs write to it")
    return Check("clipboard", OK, "this terminal has none; what is copied goes into a file")


def _token(settings: Settings) -> Iterator[Check]:
    if not settings.user_name or not settings.user_token:
        missing = " and ".join(
            word
            for word, value in (("user name", settings.user_name), ("token", settings.user_token))
            if not value
        )
        advice = "anontui settings set-username NAME; anontui settings get-token"
        yield Check("user", NOTE, f"no {missing} is set", advice)
    else:
        yield Check("user", OK, "user name and token are set")
    if not settings.validate_ssl:
        advice = "anontui settings set-validate-ssl true"
        yield Check("certificates", PROBLEM, "are NOT checked: the token can be read", advice)
    if sys.platform == "win32":
        return
    for path in [settings.path, *_built_in_files(settings)]:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if mode & 0o077:
            advice = f"chmod 600 {path}"
            yield Check("secrets", PROBLEM, f"others can read or write {path}", advice)


def _built_in_files(settings: Settings) -> Iterator[Path]:
    """Files of the built-in server that hold secrets."""
    if settings.built_in is not None:
        yield settings.built_in / "server.yml"
        yield settings.built_in / "jobs.sqlite"


def _servers(settings: Settings) -> Iterator[Check]:
    if not settings.servers:
        advice = (
            "Add one: anontui server add NAME URL; or start the built-in one in the app (1, b)."
        )
        yield Check("server", NOTE, "none is set", advice)
    for server in settings.servers:
        state = servers.probe(settings, server)
        active = " (active)" if server.name == settings.active_server_name else ""
        name = f"{server.name}{active} at {urlsplit(server.url).hostname}"
        if state.up:
            yield Check("server", OK, f"{name} answers in {state.latency_ms:.0f} ms")
        else:
            bad = PROBLEM if active else NOTE
            yield Check("server", bad, f"{name}: {state.problem}", state.advice)


def _shares(settings: Settings) -> Iterator[Check]:
    for share, local in settings.shares.pairs:
        if os.path.isdir(local) and os.access(local, os.R_OK | os.X_OK):
            yield Check("share", OK, f"{share} is {local}")
        else:
            advice = f"Mount it, or: anontui paths remove '{share}'"
            yield Check(
                "share", PROBLEM, f"{share} should be {local}, which cannot be read", advice
            )


def _folders(folder: Path) -> Iterator[Check]:
    if not os.access(folder, os.W_OK | os.X_OK):
        advice = "Take a folder that you can write to, or open the app with --readonly."
        yield Check("folder", NOTE, f"{folder} cannot be written to", advice)
    else:
        yield Check("folder", OK, str(folder))
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return
    state = PROBLEM if free < VERY_LITTLE else NOTE if free < LITTLE else OK
    advice = "" if state == OK else "Make room: files are written whole or not at all."
    yield Check("disk", state, f"{free / 1e9:,.1f} GB free", advice)


def _extras() -> Iterator[Check]:
    for extra, modules in EXTRAS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        if missing:
            advice = f"If you need it: pip install 'anontui[{extra}]'"
            yield Check(f"extra {extra}", NOTE, f"not installed: {WITHOUT[extra]}", advice)
        else:
            yield Check(f"extra {extra}", OK, "installed")
    if importlib.util.find_spec("pynetdicom") is None:
        what = "not installed: archives cannot be asked over DICOM"
        yield Check("pynetdicom", NOTE, what, "If you need it: pip install pynetdicom")
    else:
        yield Check("pynetdicom", OK, "installed")
