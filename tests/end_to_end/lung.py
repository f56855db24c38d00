"""A project folder, the server that its jobs are on, and the app on it, for stories to play."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anontui.project.batch import Batch
from anontui.settings import Server, Settings, settings_path
from tests.end_to_end.terminal import Terminal
from tests.server.support import ALICE_TOKEN, PROJECT, SHARE, Caller, ServeProcess, serve

ANONTUI = [sys.executable, "-m", "anontui"]
LONG = 60.0
"""Seconds that a busy machine may take for what takes a moment."""


@dataclass
class Lung:
    """The folder of a study, whose active server p01 reads and writes the share."""

    folder: Path
    share: Path
    server: ServeProcess
    call: Caller = field(init=False)

    def start(self) -> None:
        """Start the server, or start it again after its end."""
        self.call = self.server.start()

    def settings(self) -> None:
        """Write what alice's app needs to know of it."""
        Settings(
            path=settings_path(self.folder),
            servers=(Server("p01", self.call.url),),
            active_server_name="p01",
            user_name=self.call.user,
            user_token=ALICE_TOKEN,
            job_defaults={"project": PROJECT, "destination_path": rf"{SHARE}\out"},
        ).save()

    def batch(self, ids: Iterable[int]) -> None:
        """Make these jobs the folder's batch."""
        Batch(tuple(ids), "p01", self.call.url).save(self.folder)

    def wait(self, ids: Iterable[int]) -> list[str]:
        """The states in which jobs end."""
        return [self.call.wait(job_id)["status"] for job_id in ids]

    @contextmanager
    def app(self, *words: str, columns: int = 120, rows: int = 40) -> Iterator[Terminal]:
        """The app, when its server has answered."""
        command = [*ANONTUI, *words]
        with Terminal(command, cwd=self.folder, columns=columns, rows=rows) as terminal:
            terminal.wait_for(r"● p01 up", LONG)
            yield terminal

    def audit(self, what: str) -> list[int]:
        """The jobs of which the server's audit tells this, in its order."""
        told = serve(self.server.data, "audit", "--json")
        assert told.returncode == 0, told.stderr
        rows = map(json.loads, told.stdout.splitlines())
        return [row["job_id"] for row in rows if row["what"] == what]


@contextmanager
def lung(folder: Path, *words: str) -> Iterator[Lung]:
    """A place below ``folder``, without jobs; its server, with these options, ends with it."""
    share, study = folder / "share", folder / "lung"
    share.mkdir()
    study.mkdir()
    place = Lung(study, share, ServeProcess(folder / "server", share, "--project", PROJECT, *words))
    try:
        place.start()
        place.settings()
        yield place
    finally:
        place.server.kill()


def back_out(terminal: Terminal, of: str) -> str:
    """Press Esc and wait until this is gone; return the screen.

    A key that follows Esc at once would be taken for one that is pressed with Alt.
    """
    terminal.press("Escape")
    return terminal.wait_for(rf"(?s)\A(?!.*{of})")


def leave(terminal: Terminal) -> None:
    """Quit the app."""
    terminal.press("q")
    terminal.wait_for(r"\[exit 0\]", LONG)
