"""A project folder, and servers that answer the same each time without a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from anontui.idis.model import Job
from anontui.operations.servers import ServerState
from anontui.operations.workspace import Workspace
from anontui.project.batch import Batch
from anontui.tui import app
from anontui.tui.polling import Look, Polling
from tests.tui import fakes


@dataclass
class Servers:
    """What the servers answer: a test may change it before it opens the app."""

    states: dict[str, ServerState] = field(
        default_factory=lambda: {"p01": fakes.UP, "sandbox": fakes.DOWN}
    )
    jobs: dict[int, Job] = field(default_factory=lambda: {job.job_id: job for job in fakes.JOBS})


@pytest.fixture(autouse=True)
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    """Answers in the place of the network, asked for once."""
    answers = Servers()

    def look(_: Polling, workspace: Workspace, batch: Batch | None, all_servers: bool) -> Look:
        known = {server.name for server in workspace.settings.servers}
        states = {name: state for name, state in answers.states.items() if name in known}
        ids = batch.job_ids if batch else ()
        return Look(states, {i: answers.jobs[i] for i in ids if i in answers.jobs})

    monkeypatch.setattr(Polling, "_look", look)
    monkeypatch.setattr(Polling, "_wait", lambda _: 3600.0)
    return answers


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same terminal in every run, with all colours: the app looks at what its own can do."""
    for name in ("TMUX", "SSH_CONNECTION", "SSH_TTY", "COLORFGBG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")


@pytest.fixture(autouse=True)
def no_hard_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quitting must not end the process of the tests, when its second is over."""
    monkeypatch.setattr(app, "CLOSE_SECONDS", 3600.0)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and no settings yet."""
    monkeypatch.setenv("ANONTUI_SETTINGS", str(tmp_path / "settings.yml"))
    folder = tmp_path / "lung-ct"
    folder.mkdir()
    return folder


@pytest.fixture
def project(bare: Path) -> Path:
    """A folder with data, a mapping and a batch; two servers in the settings."""
    fakes.write_settings(bare.parent / "settings.yml", bare)
    fakes.write_data(bare)
    (bare / "anon_mapping.csv").write_text(fakes.MAPPING)
    fakes.write_batch(bare)
    return bare
