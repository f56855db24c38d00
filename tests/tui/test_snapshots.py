"""How the app looks, as pictures in ``snapshots/``.

``pytest tests/tui/test_snapshots.py --snapshot-update`` takes them anew: look at them before
you keep them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from anontui.idis.model import Job, JobStatus
from anontui.project import created
from anontui.project.editor import MappingEditor
from anontui.settings import load
from tests.tui import fakes, stages
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


async def range_(seat: Seat) -> None:
    await seat.press("3", "shift+right", "shift+down", "shift+down")


async def bad_cell(seat: Seat) -> None:
    await seat.press("3", "left", "e", "end")
    await seat.type("/..")
    await seat.pilot.pause()


async def pseudonyms(seat: Seat) -> None:
    await seat.press("3", "a", "ctrl+r")


async def columns(seat: Seat) -> None:
    await seat.press("3", "vertical_line", "down", "down", "down", "space", "up", "s", "right")


async def paste(seat: Seat) -> None:
    await seat.press("3", "down")
    text = "source\tpseudo_id\nfolder:data/patient7\tLUNG-007\nfolder:data/patient8\tLUNG-008\n"
    seat.main.mapping.pasted(text + "folder:data/patient9\tLUNG-009\n")
    await seat.settle()


async def importing(seat: Seat) -> None:
    lines = ["Lung study;;;", "Folder;Name;Age;Code", "data/p1;OAK;54;7", "data/p2;;61;8"]
    (seat.app.model.folder / "list.csv").write_text("\n".join([*lines, "data/p3;ELM;33;9"]))
    await seat.press("3", "n")
    await seat.type("list.csv")
    await seat.press("enter")


async def clashes(seat: Seat) -> None:
    theirs = fakes.MAPPING.replace("baseline", "first visit").replace("LUNG-002,f", "LUNG-222,f")
    seat.app.model.editor.set_cells([(0, "description", "at baseline"), (2, "pseudo_id", "X")])  # type: ignore[union-attr]
    seat.app.model.editor.set_cell(1, "pseudo_name", "LUNG-020")  # type: ignore[union-attr]
    (seat.app.model.folder / "anon_mapping.csv").write_text(theirs)
    seat.main.mapping.file.look()
    await seat.press("3", "M", "right")


async def command_line(seat: Seat) -> None:
    await seat.press("4", "colon")
    await seat.type("job")


async def themes(seat: Seat) -> None:
    await seat.press("ctrl+t", "down")


async def activity(seat: Seat) -> None:
    for tone in ("$success", "$warning", "$error"):
        seat.app.activity.add(f"Told in {tone[1:]}", tone, "And what to do about it.")
    for entry in seat.app.activity.entries:
        entry.at = time.mktime((2026, 2, 12, 10, 3, 0, 0, 0, -1))
    await seat.press("ctrl+l")


SCENES: dict[str, Scene] = {
    "command": command_line,
    "themes": themes,
    "activity": activity,
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
    "range": range_,
    "bad-cell": bad_cell,
    "pseudonyms": pseudonyms,
    "columns": columns,
    "paste": paste,
    "import": importing,
    "clashes": clashes,
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


THEMES = ("light", "high-contrast", "ansi")


@pytest.mark.parametrize("theme", THEMES)
async def test_theme(project: Path, check: Check, theme: str) -> None:
    load(project.parent / "settings.yml").replace(theme=theme).save()
    async with opened(project, WIDE) as seat:
        await seat.press("4", "down")
        check(seat, f"theme-{theme}")


async def test_too_small(project: Path, check: Check) -> None:
    async with opened(project, (40, 10)) as seat:
        check(seat, "too-small")


def test_no_picture_without_a_test() -> None:
    scenes = {*SCENES, "empty", "mapping-error"}
    tested = {f"{name}-{param.id}.svg" for name in scenes for param in SIZES}
    tested |= {"readonly-120x40.svg", "no-color-120x40.svg", "pacs-readonly-120x40.svg"}
    tested |= {"too-small-40x10.svg"}
    tested |= {f"{name}-{param.id}.svg" for name in pacs.SCENES for param in pacs.SIZES}
    tested |= {f"theme-{theme}-120x40.svg" for theme in THEMES}
    for name in stages.SCENES:
        tested |= {f"{name}-80x24.svg", f"{name}-120x40.svg"}
    for name in stages.PLAIN:
        tested |= {f"{name}-no-color-120x40.svg", f"{name}-ansi-120x40.svg"}
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
