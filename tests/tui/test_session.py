"""What is remembered of a folder, and what start-up costs."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from anontui.tui import session
from tests.tui.fakes import Seat, opened


async def leave(seat: Seat) -> None:
    """Quit as a user does."""
    await seat.pilot.press("q")
    await seat.pilot.pause()


async def test_the_app_comes_back_as_it_was(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("2", "down", "right", "down")
        await seat.press("3", "down", "right", "slash")
        await seat.type("patient")
        await seat.press("enter", "down", "z")
        await seat.press("4", "down", "down")
        await leave(seat)
    async with opened(project) as seat:
        main = seat.main
        assert main.current is main.jobs
        assert main.zoomed
        assert main.jobs.key == 1043
        assert main.mapping.filter_text == "patient"
        assert main.mapping.grid.row_count == 2
        assert (main.mapping.grid.cursor_row, main.mapping.grid.cursor_column) == (1, 3)
        await seat.until(lambda: len(main.files.rows()) == 6)  # the open folder is open again
        assert main.files.rows().key(2) == project / "data" / "patient1"


async def test_folders_are_remembered_apart(project: Path, tmp_path: Path) -> None:
    async with opened(project) as seat:
        await seat.press("4", "z")
        await leave(seat)
    other = tmp_path / "other"
    other.mkdir()
    async with opened(other) as seat:
        assert not seat.main.zoomed
        assert seat.main.current is seat.main.mapping


async def test_it_is_for_the_user_s_eyes_alone(project: Path) -> None:
    async with opened(project) as seat:
        await leave(seat)
    path = session._path(project)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert session.read(project)["focus"] == "mapping"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'{"panes": 3, "focus": [], "zoomed": "yes"}',
        b'{"panes": {"files": {"open": [1], "row": "x", "filter": 2}, "mapping": {"row": -5}}}',
        b'{"panes": {"mapping": {"row": 99999, "column": 99, "filter": "/(/"}}}',
    ],
)
async def test_a_broken_memory_harms_nothing(project: Path, content: bytes) -> None:
    path = session._path(project)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    async with opened(project) as seat:
        assert seat.app.model.loaded
        assert seat.main.current is seat.main.mapping
        assert not seat.main.zoomed


async def test_a_crash_file_holds_no_values(project: Path) -> None:
    secret = "Invented^Name"
    try:
        raise ValueError(secret)
    except ValueError as error:
        path = session.write_crash(error)
    assert secret not in path.read_text()
    assert "ValueError" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# -- what is imported ----------------------------------------------------------------------

HEAVY = ("httpx", "pydicom", "openpyxl", "yaml", "watchfiles")


def imported(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has after running ``code``."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_only_the_app_needs_textual() -> None:
    code = """
import importlib, pkgutil, anontui
for module in pkgutil.walk_packages(anontui.__path__, "anontui."):
    if not module.name.startswith(("anontui.tui", "anontui.__main__")):
        importlib.import_module(module.name)
"""
    modules = imported(code)
    assert {"anontui", "pydicom", "click"} <= modules  # it did import them
    assert "textual" not in modules


def test_the_app_starts_with_what_it_draws_with() -> None:
    modules = imported("import anontui.tui.app")
    assert "textual" in modules
    assert modules.isdisjoint(HEAVY)


def test_the_screens_too() -> None:
    code = "import anontui.tui.screens.{}"
    names = ("confirm", "help", "job", "plan", "prompt", "server")
    assert imported("\n".join(map(code.format, names))).isdisjoint(HEAVY)
