"""A real terminal (tmux) that a test types into and reads from, as a person would."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path


class Terminal:
    """A program in a terminal of its own.

    Parameters
    ----------
    command
        The program and its arguments.
    cwd
        Where it starts.
    columns, rows
        The terminal's size.
    env
        Variables added to the environment.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._socket = f"anontui-test-{uuid.uuid4().hex[:8]}"
        self._env = {**os.environ, **(env or {}), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        shell = f'{shlex.join(command)}; echo "[exit $?]"; sleep 600'
        self._tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(cwd), shell)

    def _tmux(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-L", self._socket, "-f", "/dev/null", *words],
            env=self._env,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: ``Enter``, ``Escape``, ``Down``, ``C-p``, ``a``."""
        for key in keys:
            self._tmux("send-keys", "-t", "0", key)
            time.sleep(0.05)

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self._tmux("send-keys", "-t", "0", "-l", text)

    def screen(self) -> str:
        """What the terminal shows now."""
        return self._tmux("capture-pane", "-p", "-t", "0")

    def wait_for(self, pattern: str, seconds: float = 20.0) -> str:
        """Wait until the screen matches a regular expression; return the screen.

        Raises
        ------
        AssertionError
            If it does not within ``seconds``, with the screen as it was last.
        """
        end = time.monotonic() + seconds
        while True:
            screen = self.screen()
            if re.search(pattern, screen):
                return screen
            if time.monotonic() > end:
                raise AssertionError(f"{pattern!r} did not appear:\n{screen}")
            time.sleep(0.1)

    def hang_up(self) -> None:
        """Close the terminal as a dropped connection does."""
        self._tmux("kill-session", "-t", "0")

    def close(self) -> None:
        """End the program and its terminal, if they still run."""
        subprocess.run(
            ["tmux", "-L", self._socket, "kill-server"], capture_output=True, check=False
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
