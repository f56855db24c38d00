"""Starting a server that outlives the terminal."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anontui.errors import CannotStart
from anontui.server.folder import DataFolder
from anontui.server.process import status

START_SECONDS = 60.0


def start(data: Path, options: Sequence[str]) -> str:
    """Run ``anontui serve`` with these options by itself; returns its url once it answers.

    Parameters
    ----------
    data
        Its data folder.
    options
        As the command line takes them, without ``--data``.

    Raises
    ------
    CannotStart
        If it does not come up, with what it said.
    """
    folder = DataFolder(data.absolute())
    folder.make()
    with (folder.path / "start.log").open("w+b") as told:
        try:
            child = subprocess.Popen(
                # -P: a module that lies in the current folder must not be run in place of ours
                [sys.executable, "-P", "-m", "anontui", "serve", "--data", folder.path, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=told,
                cwd=folder.path,
                **_detached(),
            )
        except OSError as error:
            raise CannotStart("The server did not start", cause=error.strerror or "") from error
        end = time.monotonic() + START_SECONDS
        while child.poll() is None and time.monotonic() < end:
            found = status(folder.path)
            if found.pid == child.pid:
                return found.url
            time.sleep(0.05)
        told.seek(0)
        lines = told.read().decode("utf-8", "replace").strip().splitlines()
    if child.poll() is None:
        raise CannotStart(
            f"The server does not answer within {START_SECONDS:.0f} s",
            advice=f"Its log is {folder.log}.",
        )
    raise CannotStart(
        "The server did not start",
        cause=lines[-1].removeprefix("Error: ") if lines else f"exit code {child.returncode}",
        advice=f"Its log is {folder.log}.",
    )


def _detached() -> dict[str, Any]:
    """A session of its own, so that the end of the terminal does not reach it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
