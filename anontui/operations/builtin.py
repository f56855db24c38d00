"""The built-in server: a process of its own, started and stopped by its command only.

It outlives the program that started it, so that jobs go on when the terminal closes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from anontui import atomic
from anontui.errors import CannotStart, SettingsError, UsageError
from anontui.unc import ShareMap

CONFIG_NAME = "server.yml"
STATE_NAME = "server.json"
LOG_NAME = "server.log"
START_SECONDS = 30.0

_children: list[subprocess.Popen[bytes]] = []  # asked after, so that none stays a zombie


@dataclass(frozen=True)
class BuiltinState:
    """Whether the built-in server runs; ``url`` is empty while it does not."""

    running: bool
    url: str = ""
    pid: int | None = None


def state(data: Path) -> BuiltinState:
    """Tell whether the server of this data folder runs and answers (waits 2 s at most)."""
    for child in _children:
        child.poll()
    try:
        content = json.loads((data / STATE_NAME).read_bytes())
        url, pid = str(content["url"]), int(content["pid"])
    except (OSError, ValueError, TypeError, KeyError):
        return BuiltinState(False)  # never started, or ended: it removes the file
    return BuiltinState(True, url, pid) if _answers(url) else BuiltinState(False)


def start(
    data: Path, shares: Mapping[str, Path] | None = None, projects: Sequence[str] | None = None
) -> BuiltinState:
    """Start the server of this data folder, unless it runs, and wait until it answers.

    Parameters
    ----------
    data
        Its data folder; made if absent, closed to other users.
    shares
        UNC path to local folder: what it may read and write. None keeps what is set.
    projects
        The projects that jobs may name. None keeps what is set.

    Raises
    ------
    CannotStart
        If it does not come up; the cause is the last line of its log.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        _configure(data, shares, projects)
        now = state(data)
        if now.running:
            return now
        with (data / LOG_NAME).open("ab") as log:
            child = subprocess.Popen(
                _command("--data", str(data)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=data,
                **_detached(),
            )
    except OSError as error:
        raise _cannot("start", data, error.strerror or type(error).__name__) from error
    _children.append(child)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        now = state(data)
        if now.running:
            return now
        if child.poll() is not None:
            raise _cannot("start", data, _last_line(data))
        time.sleep(0.05)
    raise _cannot("start", data, f"no answer within {START_SECONDS:.0f} s")


def stop(data: Path) -> None:
    """Stop the server of this data folder and wait for its end.

    Raises
    ------
    CannotStart
        If it does not stop.
    """
    _run(data, "stop", "stop")
    for child in _children:
        child.poll()


def new_token(data: Path, user: str) -> str:
    """Make ``user`` an admin of the server of this data folder and return a new token.

    Raises
    ------
    CannotStart
        If the server's command refuses.
    """
    return _run(data, "give a token", "user", "add", user, "--role", "admin").strip()


def accept_token(data: Path, user: str, token: str) -> None:
    """Make ``user`` an admin of the server of this data folder by a token that they have.

    Raises
    ------
    CannotStart
        If the server's command refuses.
    """
    _run(data, "take the token", "user", "add", user, "--role", "admin", "--own-token", typed=token)


def shares(data: Path) -> dict[str, Path]:
    """The shares that the server of this data folder was given: UNC path to local folder.

    Raises
    ------
    SettingsError
        If its configuration cannot be read.
    """
    try:
        found = _config(data).get("shares") or {}
        pairs = tuple((str(unc), Path(str(local))) for unc, local in found.items())
        return dict(ShareMap(pairs).pairs)
    except UsageError as error:
        raise _wrong(data, error.message) from error


def _config(data: Path) -> dict[str, Any]:
    import yaml

    path = data / CONFIG_NAME
    try:
        content = yaml.safe_load(path.read_bytes()) or {}
        if isinstance(content, dict) and isinstance(content.get("shares") or {}, dict):
            return content
        cause = "it is not a list of names with values"
    except FileNotFoundError:
        return {}
    except OSError as error:
        cause = error.strerror or type(error).__name__
    except (yaml.YAMLError, ValueError):
        cause = "it is not YAML"
    raise _wrong(data, cause)


def _wrong(data: Path, cause: str) -> SettingsError:
    return SettingsError(
        f"The built-in server's configuration {data / CONFIG_NAME} cannot be used",
        cause=cause,
        advice="Correct it in an editor.",
    )


def _configure(
    data: Path, shares: Mapping[str, Path] | None, projects: Sequence[str] | None
) -> None:
    import yaml

    old = _config(data)
    new = dict(old)
    if shares is not None:
        new["shares"] = {unc: str(local) for unc, local in shares.items()}
    if projects is not None:
        new["projects"] = list(projects)
    if new != old:
        text = yaml.safe_dump(new, sort_keys=False, allow_unicode=True)
        atomic.write_bytes(data / CONFIG_NAME, text.encode(), mode=0o600)


def _answers(url: str) -> bool:
    try:
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=2)
        try:
            connection.request("GET", parts.path or "/")
            return "documentation" in json.loads(connection.getresponse().read(1 << 20))
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError, TypeError):
        return False


def _command(*words: str) -> list[str]:
    # -P: a module that lies in the current folder must not be run in place of ours
    return [sys.executable, "-P", "-m", "anontui", "serve", *words]


def _detached() -> dict[str, Any]:
    """Own session, so that the end of the terminal does not reach it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _run(data: Path, what: str, *words: str, typed: str = "") -> str:
    """Run a command of the server to its end; returns what it printed."""
    try:
        done = subprocess.run(
            _command(*words, "--data", str(data)),
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=data if data.is_dir() else None,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _cannot(what, data, type(error).__name__) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise _cannot(what, data, lines[-1].removeprefix("Error: "))
    return done.stdout


def _last_line(data: Path) -> str:
    try:
        with (data / LOG_NAME).open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 4096))
            lines = log.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _cannot(what: str, data: Path, cause: str) -> CannotStart:
    return CannotStart(
        f"The built-in server did not {what}",
        cause=cause,
        advice=f"Its log is {data / LOG_NAME}.",
    )
