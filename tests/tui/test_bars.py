"""The lines around the panes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from anontui.events import Progress
from anontui.idis.model import JobStatus
from anontui.tui.panes.batch import what
from anontui.tui.panes.files import human
from anontui.tui.panes.servers import latency
from anontui.tui.widgets.bars import bar, spread
from anontui.tui.worker import Task
from tests.tui import fakes
from tests.tui.conftest import Servers
from tests.tui.fakes import SMALL, WIDE, opened


@pytest.mark.parametrize(
    ("done", "total", "drawn"),
    [
        (0, 4, "░░░░"),
        (1, 4, "█░░░"),
        (1, 8, "▌░░░"),
        (4, 4, "████"),
        (9, 4, "████"),
        (0, 0, "░░░░"),
        (31, 32, "███▉"),
    ],
)
def test_bar(done: int, total: int, drawn: str) -> None:
    assert bar(done, total, 4) == drawn


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 60))
def test_bar_has_its_width(done: int, total: int, width: int) -> None:
    assert len(bar(done, total, width)) == width


@given(st.text("ab漢é"), st.text("xy"), st.integers(0, 60))
def test_spread_fills_the_line_and_keeps_the_right(left: str, right: str, width: int) -> None:
    line = spread(Content(left), Content(right), width)
    assert line.plain.endswith(right)
    if len(right) < width:
        assert line.cell_length == width


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12 MB"), (5e15, "5000 TB")],
)
def test_human(size: int, text: str) -> None:
    assert human(size) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(None, ""), (3.0, "< 10 ms"), (42.0, "< 50 ms"), (5000.0, "slow")]
)
def test_latency(milliseconds: float | None, text: str) -> None:
    assert latency(milliseconds) == text


@pytest.mark.parametrize(
    ("status", "changes", "text"),
    [
        (JobStatus.ERROR, {"error": "full"}, "full"),
        (JobStatus.INACTIVE, {}, "cancelled"),
        (JobStatus.ACTIVE, {"files_downloaded": None}, "waiting"),
        (JobStatus.ACTIVE, {"files_downloaded": 3}, "collecting"),
        (JobStatus.UPLOADED, {"files_processed": 156}, "█████░░░░░  50 %"),
        (JobStatus.UPLOADED, {"files_downloaded": 0, "files_processed": 0}, "░░░░░░░░░░   0 %"),
        (JobStatus.DONE, {"description": "baseline"}, "baseline"),
        (JobStatus.DONE, {"error": "2 left out"}, "2 left out"),
    ],
)
def test_what_of_a_job(status: JobStatus, changes: dict[str, object], text: str) -> None:
    assert what(fakes.job(1, status, **changes)).text == text


async def test_header(project: Path) -> None:
    async with opened(project, WIDE) as seat:
        line = seat.main.header.render().plain
        assert line.startswith(" anontui   ~/studies/lung-ct")
        assert line.rstrip().endswith("2/6 done  ✖ 1 error  ● p01 up")
        assert len(line) == 120


async def test_header_of_a_server_that_is_down(project: Path, servers: Servers) -> None:
    servers.states["p01"] = replace(fakes.DOWN, name="p01")
    async with opened(project, SMALL, readonly=True) as seat:
        line = seat.main.header.render().plain
        assert "✖ p01 down" in line
        assert "read-only" in line
        assert len(line) == 80


async def test_strip_tells_of_the_oldest_task_and_counts_the_others(project: Path) -> None:
    async with opened(project) as seat:
        tasks = [Task("a", int, lambda _: None, label=label) for label in ("First", "Second")]
        tasks[0].progress = Progress(5, None, "files")
        seat.app.tasks = {task.number: task for task in tasks}
        line = seat.main.strip.render().plain
        assert line.startswith(" ▸ First")
        assert "5 files" in line
        assert line.rstrip().endswith("+1 more  x cancel")


@pytest.mark.parametrize("width", [44, 80, 200])
async def test_key_bar_always_shows_palette_and_help(project: Path, width: int) -> None:
    async with opened(project, (width, 30)) as seat:
        line = seat.main.keybar.render()
        assert line.plain.endswith(" ^p all  ? help ")
        assert line.cell_length == width
