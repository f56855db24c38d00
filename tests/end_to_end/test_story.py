"""The story of the demo, played key by key in a real terminal, read from screen and disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest

from tests import needs
from tests.end_to_end.terminal import Terminal

pytestmark = needs.program("tmux")

ANONTUI = [sys.executable, "-m", "anontui"]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Path]:
    """Where the demo is made; its server is stopped at the end."""
    folder = tmp_path / "demo"
    yield folder
    data = folder / ".anontui" / "server"
    if data.exists():
        subprocess.run([*ANONTUI, "serve", "stop", "--data", data], check=False)


def mark_two_patients(terminal: Terminal) -> None:
    """Open data in the files pane, mark patient5 and patient6."""
    terminal.press("2")
    terminal.wait_for(r"▸ data")
    terminal.press("Down", "Down", "Right")
    terminal.wait_for(r"▸ patient6")
    terminal.press("Down", "Down", "Down", "Down", "Down", "Space", "Space")
    terminal.wait_for(r"patient5 +\d+ of \d+")
    terminal.wait_for(r"patient6 +\d+ of \d+")
    terminal.wait_for(r"2 Files · 2 marked")


def test_story(demo: Path) -> None:
    """From two marked folders to finished jobs, and everything there again after a restart."""
    with Terminal([*ANONTUI, "demo", str(demo)], cwd=demo.parent) as terminal:
        terminal.wait_for(r"● +demo .*active", 60)
        terminal.wait_for(r"3 Mapping · 4 rows · saved")
        mark_two_patients(terminal)
        terminal.press("a")
        terminal.wait_for(r"3 Mapping · 6 rows · saved")
        assert (demo / "data" / "patient5" / "fileselection.txt").exists()

        terminal.press("e")
        terminal.type("LUNG-005")
        terminal.press("Enter", "e")
        terminal.type("LUNG-006")
        terminal.press("Enter")
        terminal.wait_for(r"5 +fileselection:patient5\S* +LUNG-005")
        terminal.wait_for(r"saved")

        terminal.press("c")
        screen = terminal.wait_for(r"6 to create on demo")
        assert "nothing has been sent" in screen
        assert not (demo / ".anonbatch").exists()
        terminal.press("c")
        terminal.wait_for(r"4 Batch · 6 jobs")
        terminal.wait_for(r"UPLOADED +\d+ +\d+ +LUNG-\d+")

        # cancel the last job while it waits
        terminal.press("G", "c")
        terminal.wait_for(r"Cancel job 6 on demo\?")
        terminal.press("Enter")
        terminal.wait_for(r"6 +⊘ INACTIVE")
        terminal.wait_for(r"5 +✔ DONE +\d+ +\d+ +LUNG-005", 60)

        # reset it, and it is done too
        terminal.press("r")
        terminal.wait_for(r"Reset job 6 on demo\?")
        terminal.press("Enter")
        terminal.wait_for(r"6 +✔ DONE", 60)
        terminal.wait_for(r"6 jobs · █+ 100 %")
        terminal.press("q")
        terminal.wait_for(r"\[exit 0\]")

    with Terminal([*ANONTUI, "demo", str(demo)], cwd=demo.parent) as terminal:
        terminal.wait_for(r"6 jobs · █+ 100 %", 30)
        screen = terminal.wait_for(r"3 Mapping · 6 rows · saved")
        assert "▸ patient6" in screen  # the tree is open where it was
        terminal.press("q")
        terminal.wait_for(r"\[exit 0\]")

    check_output(demo)


def check_output(demo: Path) -> None:
    """New names, no old ones, in paths and bytes."""
    output = demo / "anonymized"
    assert {path.name for path in output.iterdir()} == {f"LUNG-{n:03}" for n in range(1, 7)}
    old: set[str] = set()
    for path in (demo / "data").rglob("*"):
        if path.is_file() and path.read_bytes()[128:132] == b"DICM":
            header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            if "PatientName" in header:
                old.update(part for part in str(header.PatientName).split("^") if len(part) > 3)
                old.add(str(header.PatientID))
    assert len(old) > 6
    for path in output.rglob("*.dcm"):
        name = path.relative_to(output).parts[0]
        content = path.read_bytes()
        header = pydicom.dcmread(path)
        assert str(header.PatientName) == header.PatientID == name
        assert not [word for word in old if word and word.encode() in content]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, "closed"])
def test_clean_end(demo: Path, how: signal.Signals | str) -> None:
    """A signal or a closed terminal loses no edit and leaves the server running."""
    with Terminal([*ANONTUI, "demo", str(demo)], cwd=demo.parent) as terminal:
        terminal.wait_for(r"3 Mapping · 4 rows · saved", 60)
        terminal.wait_for(r"● demo up")
        terminal.press("3", "e")
        terminal.type("KEPT-001")
        terminal.press("Enter")
        pid = app_process(demo)
        if isinstance(how, signal.Signals):
            os.kill(pid, how)
            terminal.wait_for(r"\[exit")
        else:
            terminal.hang_up()
        assert ended(pid, 5)
    assert "KEPT-001" in (demo / "anon_mapping.csv").read_text()
    status = subprocess.run(
        [*ANONTUI, "serve", "status", "--data", demo / ".anontui" / "server"],
        capture_output=True,
        check=False,
    )
    assert status.returncode == 0


def app_process(demo: Path) -> int:
    """Id of the process that runs the app on this demo."""
    words = f"anontui demo {demo}"
    found = subprocess.run(["pgrep", "-f", words], capture_output=True, text=True, check=True)
    return next(
        pid
        for pid in map(int, found.stdout.split())
        if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:3] == [b"-m", b"anontui"]
    )


def ended(pid: int, seconds: float) -> bool:
    """True if the process ends within ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.05)
    return False


def test_small_terminal(demo: Path) -> None:
    """At 80x24 one pane at a time, by the same keys."""
    with Terminal([*ANONTUI, "demo", str(demo)], cwd=demo.parent, columns=80, rows=24) as terminal:
        terminal.wait_for(r"3 Mapping · 4 rows", 60)
        mark_two_patients(terminal)
        terminal.press("1")
        terminal.wait_for(r"demo .*active")
        terminal.press("q")
        terminal.wait_for(r"\[exit 0\]")


def test_keys_typed_at_once(demo: Path) -> None:
    """Keys that arrive in one piece mean what they mean one by one: no text becomes a command."""
    with Terminal([*ANONTUI, "demo", str(demo)], cwd=demo.parent) as terminal:
        terminal.wait_for(r"3 Mapping · 4 rows · saved", 60)
        terminal.wait_for(r"● demo up")
        terminal.type("3gje-q2c\rkkeD4x\r+")
        terminal.wait_for(r"3 Mapping · 5 rows · saved")
        screen = terminal.screen()
        assert "LUNG-001D4x" in screen
        assert "LUNG-002-q2c" in screen
        assert "exit" not in screen
