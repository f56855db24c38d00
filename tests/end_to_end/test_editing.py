"""Editing a mapping in a real terminal while connections drop and others write the file."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from anontui.project.mapping import Mapping
from tests import needs
from tests.end_to_end.terminal import Terminal
from tests.end_to_end.test_story import ended
from tests.tui import fakes

pytestmark = needs.program("tmux")

ANONTUI = [sys.executable, "-m", "anontui"]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Settings and a state folder of the test's own."""
    return {
        "ANONTUI_SETTINGS": str(tmp_path / "settings.yml"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project without servers."""
    folder = tmp_path / "lung-ct"
    folder.mkdir()
    (tmp_path / "settings.yml").write_text("servers: {}\n")
    (folder / "anon_mapping.csv").write_text(fakes.MAPPING)
    return folder


@pytest.fixture
def terminal(folder: Path, env: dict[str, str]) -> Iterator[Terminal]:
    """The app on the project, in the mapping."""
    with Terminal(ANONTUI, cwd=folder, env=env) as terminal:
        terminal.wait_for(r"3 Mapping · 3 rows · saved", 60)
        terminal.press("3")
        yield terminal


def process(folder: Path) -> int:
    """Id of the app's process."""
    words = ["pgrep", "-f", "[-]m anontui"]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    for pid in found.stdout.split():
        with suppress(OSError):  # another test's, that ended just now
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            if os.readlink(f"/proc/{pid}/cwd") == str(folder) and words[1:2] == ["-m"]:
                return int(pid)
    raise AssertionError("the app does not run")


def cell(folder: Path, row: int, name: str) -> str:
    return Mapping.load(folder / "anon_mapping.csv").cell(row, name)


@pytest.mark.parametrize("how", ["killed", "hung up"])
def test_a_connection_drops_in_mid_edit(
    folder: Path, env: dict[str, str], terminal: Terminal, how: str
) -> None:
    """Also of a mapping that cannot be saved any more: the share went first."""
    pid = process(folder)
    lost = folder.with_name("lost")
    folder.rename(lost)
    terminal.press("e", "C-u")
    terminal.type("FIRST")
    terminal.press("Enter", "e", "C-u")
    terminal.type("half a wo")
    terminal.wait_for(r"half a wo")
    if how == "killed":
        os.kill(pid, signal.SIGKILL)
    else:
        terminal.hang_up()
    assert ended(pid, 5)
    lost.rename(folder)
    assert cell(folder, 0, "pseudo_id") == "LUNG-001"

    with Terminal(ANONTUI, cwd=folder, env=env) as again:
        again.wait_for(r"1 unsaved edit and the cell you were in are here again", 60)
        again.wait_for(r"2 .*half a wo")
        again.type("rd")
        again.press("Enter")
        again.wait_for(r"3 rows · saved")
        assert cell(folder, 0, "pseudo_id") == "FIRST"
        assert cell(folder, 1, "pseudo_id") == "half a word"
        again.press("u", "u")
        again.wait_for(r"3 rows · saved")
        again.press("q")
        again.wait_for(r"\[exit 0\]")
    assert (folder / "anon_mapping.csv").read_text() == fakes.MAPPING
    assert not list((folder.parent / "state").rglob("*.journal*"))


def as_excel_saves(path: Path, row: int, column: int, text: str) -> None:
    """Write all of the file anew: CR LF, its separators at the end of lines, in place."""
    rows = list(csv.reader(path.read_text().splitlines()))
    at = next(i for i, cells in enumerate(rows) if cells[:1] == ["source"]) + 1 + row
    rows[at][column] = text
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([[*cells, *[""] * (4 - len(cells))] for cells in rows])


def test_excel_changes_the_mapping_underneath(folder: Path, terminal: Terminal) -> None:
    path = folder / "anon_mapping.csv"
    terminal.press("e", "C-u")
    terminal.type("OURS")
    as_excel_saves(path, 1, 3, "from Excel")
    terminal.press("Enter")
    terminal.wait_for(r"from Excel")
    terminal.wait_for(r"3 rows · saved")
    assert cell(folder, 0, "pseudo_id") == "OURS"
    assert cell(folder, 1, "description") == "from Excel"
    assert b"## Options ##,,," in path.read_bytes()  # it stays as Excel wrote it

    as_excel_saves(path, 2, 1, "at once")  # without an edit of ours
    terminal.wait_for(r"at once", 5)

    terminal.press("e", "C-u")  # and now of one and the same cell
    terminal.type("HERE")
    as_excel_saves(path, 1, 1, "THERE")
    terminal.press("Enter")
    terminal.wait_for(r"1 clash:")
    terminal.press("M")
    screen = terminal.wait_for(r"● HERE")
    assert "THERE" in screen
    terminal.press("Right")
    terminal.wait_for(r"● THERE")
    terminal.press("Enter")
    terminal.wait_for(r"3 rows · saved")
    assert cell(folder, 1, "pseudo_id") == "THERE"


def test_a_table_is_pasted_from_the_terminal(folder: Path, terminal: Terminal) -> None:
    """What tmux sends as a bracketed paste: no letter of it is taken for a key."""
    terminal._tmux("set-buffer", "Q1\tq\nQ2\tu\nQ3\tx\nQ4\tD\n")
    terminal._tmux("paste-buffer", "-p", "-t", "0")
    terminal.wait_for(r"Paste into 6 cells of rows that are there and 1 new row at the end\?")
    terminal.press("Enter")
    terminal.wait_for(r"3 Mapping · 4 rows · saved")
    assert [cell(folder, row, "pseudo_id") for row in range(4)] == ["Q1", "Q2", "Q3", "Q4"]
    terminal.press("u")
    terminal.wait_for(r"3 Mapping · 3 rows · saved")
    assert (folder / "anon_mapping.csv").read_text() == fakes.MAPPING
