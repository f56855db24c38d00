"""How the app looks, as pictures in ``snapshots/``.

``pytest tests/tui/test_snapshots.py --snapshot-update`` takes them anew: look at them before
you keep them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from anontui.idis.model import Job, JobStatus
from anontui.project import created
from anontui.project.editor import MappingEditor
from tests.tui import fakes
from tests.tui import test_pacs_snapshots as pacs
from tests.tui.fakes import LARGE, SMALL, WIDE, Seat, opened
from tests.tui.snapshots import FOLDER, Check

Scene = Callable[[Seat], Awaitable[None]]


async def loaded(seat: Seat) -> None:
    """Nothing is pressed."""


async def batch(seat: Seat) -> None:
    await seat.press("4", "down")


async def marked(seat: Seat) -> None:
    await seat.press("2", "down", "enter", "down", "space", "space")
    await seat.press("up", "enter")


async def dry_run(seat: Seat) -> None:
    await seat.press("3", "c")
    await seat.press("down")


async def confirm(seat: Seat) -> None:
    await seat.press("4", "A")


async def job(seat: Seat) -> None:
    await seat.press("4", "down", "down", "i")


async def help_(seat: Seat) -> None:
    await seat.press("question_mark")


async def server_form(seat: Seat) -> None:
    await seat.press("1", "e")


async def filtered(seat: Seat) -> None:
    await seat.press("slash")
    await seat.type("!baseline")
    await seat.press("enter")


async def editing(seat: Seat) -> None:
    await seat.press("down", "down", "e")
    await seat.type("LUNG-003")
    await seat.pilot.pause()


SCENES: dict[str, Scene] = {
    "main": loaded,
    "batch": batch,
    "files": marked,
    "dry-run": dry_run,
    "confirm": confirm,
    "job": job,
    "help": help_,
    "server": server_form,
    "filter": filtered,
    "editing": editing,
}
SIZES = [
    pytest.param(size, id=f"{width}x{height}")
    for size in (SMALL, WIDE, LARGE)
    for width, height in [size]
]
sizes = pytest.mark.parametrize("size", SIZES)


@sizes
@pytest.mark.parametrize("name", SCENES)
async def test_scene(project: Path, check: Check, name: str, size: tuple[int, int]) -> None:
    if name == "dry-run":
        one_created(project)
    if name == "confirm":
        fakes.write_batch(project, many_jobs())
    async with opened(project, size) as seat:
        if name == "confirm":
            seat.app.model.jobs.update({job.job_id: job for job in many_jobs()})
        await SCENES[name](seat)
        check(seat, name)


@sizes
async def test_empty_project(bare: Path, check: Check, size: tuple[int, int]) -> None:
    async with opened(bare, size) as seat:
        check(seat, "empty")


@sizes
async def test_mapping_error(project: Path, check: Check, size: tuple[int, int]) -> None:
    (project / "anon_mapping.csv").write_text("## Description ##\nno more than that\n")
    async with opened(project, size) as seat:
        check(seat, "mapping-error")


async def test_readonly(project: Path, check: Check) -> None:
    async with opened(project, WIDE, readonly=True) as seat:
        check(seat, "readonly")


async def test_no_color(project: Path, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """States are told by signs, so that the picture is read without colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(project, WIDE) as seat:
        check(seat, "no-color")


def test_no_picture_without_a_test() -> None:
    scenes = {*SCENES, "empty", "mapping-error"}
    tested = {f"{name}-{param.id}.svg" for name in scenes for param in SIZES}
    tested |= {"readonly-120x40.svg", "no-color-120x40.svg", "pacs-readonly-120x40.svg"}
    tested |= {f"{name}-{param.id}.svg" for name in pacs.SCENES for param in pacs.SIZES}
    assert {path.name for path in FOLDER.iterdir()} <= tested


def one_created(project: Path) -> None:
    """Record that the mapping's first row became a job before."""
    from anontui.operations.creating import plan
    from anontui.operations.workspace import open_workspace

    workspace = open_workspace(project)
    mapping = MappingEditor.load(workspace.mapping_path).mapping
    first = plan(workspace, mapping).jobs[0]
    created.record(project, first.fingerprint, 1041, fakes.SERVERS[0].url)


def many_jobs() -> list[Job]:
    """As many running jobs as ask for a typed word."""
    return [fakes.job(i, JobStatus.ACTIVE) for i in range(1001, 1013)]
