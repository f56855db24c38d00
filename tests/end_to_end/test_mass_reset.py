"""Many jobs reset at once, in a real terminal: a typed word, and what the server's audit says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needs
from tests.end_to_end.lung import LONG, Lung, back_out, leave, lung
from tests.end_to_end.terminal import Terminal
from tests.server.support import SHARE, write_dicom

pytestmark = needs.program("tmux")

GOOD, FAILED = range(1, 9), range(9, 21)
ANOTHER = 21  # a failed job that is on the same server, and not of this folder


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Lung]:
    """A batch of 8 jobs that are done and 12 that failed: their data came later."""
    with lung(tmp_path) as place:
        write_dicom(place.share / "first", 1)
        (place.share / "later").mkdir()
        for number in (*GOOD, *FAILED, ANOTHER):
            source = "first" if number in GOOD else "later"
            place.call.create(
                source_path=rf"folder:{SHARE}\{source}", anonymizedpatientid=f"LUNG-{number:03}"
            )
        assert place.wait(GOOD) == ["DONE"] * len(GOOD)
        assert place.wait([*FAILED, ANOTHER]) == ["ERROR"] * (len(FAILED) + 1)
        place.batch([*GOOD, *FAILED])
        write_dicom(place.share / "later", 1)
        yield place


def ask(terminal: Terminal, count: int) -> None:
    """What is asked before many jobs are reset."""
    screen = terminal.wait_for(rf"Reset {count} jobs on p01\?")
    assert "Type  reset  to go on" in screen
    assert "Their output is made again" in screen


def refuse(terminal: Terminal, count: int) -> None:
    """Neither Enter alone nor another word does anything; Esc backs out."""
    terminal.press("Enter")
    for word in ("rest", "y", "reset all"):
        terminal.type(word)
        terminal.wait_for(rf"│ +{word} +│")
        terminal.press("Enter")
        terminal.wait_for(rf"(?s)\A(?!.*│ +{word} +│)")  # the field is empty again
        ask(terminal, count)
    back_out(terminal, r"Reset \d+ jobs on")


def test_all_that_failed_then_all(place: Lung) -> None:
    with place.app() as terminal:
        terminal.wait_for(r"20 jobs · \S+ 40 % · ✖ 12 errors")
        terminal.press("4", "/")
        terminal.type("status:error")
        terminal.press("Enter")
        terminal.wait_for(r"20 jobs · /status:error · 12 shown")
        terminal.press("*")
        terminal.wait_for(r"20 jobs · 12 marked · /status:error · 12 shown")
        terminal.press("r")
        ask(terminal, len(FAILED))
        refuse(terminal, len(FAILED))
        assert place.audit("reset") == []

        terminal.wait_for(r"12 marked")
        terminal.press("r")
        ask(terminal, len(FAILED))
        terminal.type("reset")
        terminal.press("Enter")
        terminal.wait_for(r"Reset: 12 done, 0 failed", LONG)
        terminal.wait_for(r"20/20 done[^$]*20 jobs · /status:error · 0 shown", LONG)
        assert sorted(place.audit("reset")) == list(FAILED)

        back_out(terminal, "status:error")
        terminal.press(":")
        terminal.type("batch.reset")
        terminal.wait_for(r"batch\.reset +Reset all jobs of the batch")
        terminal.press("Enter")
        ask(terminal, 20)
        refuse(terminal, 20)
        assert len(place.audit("reset")) == len(FAILED)
        terminal.press(":")
        terminal.type("batch.reset")
        terminal.press("Enter")
        ask(terminal, 20)
        terminal.type("RESET")
        terminal.press("Enter")
        terminal.wait_for(r"Reset: 20 done, 0 failed", LONG)
        assert place.wait([*GOOD, *FAILED]) == ["DONE"] * 20
        terminal.wait_for(r"20 jobs · █+ 100 %", LONG)
        leave(terminal)
    assert sorted(place.audit("reset")[len(FAILED) :]) == [*GOOD, *FAILED]
    assert place.call.job(ANOTHER)["status"] == "ERROR"
    assert len(list((place.share / "out").rglob("*.dcm"))) == 20


def test_read_only(place: Lung) -> None:
    """Every way to reset says why it does not."""
    with place.app("--readonly", columns=80, rows=24) as terminal:
        terminal.wait_for(r"read-only")
        terminal.press("4", "*")
        terminal.wait_for(r"20 marked")
        for key, name in (
            ("r", "Reset the marked jobs, or this one"),
            ("E", "Reset all jobs with an error"),
            ("A", "Cancel all jobs that are not finished"),
        ):
            terminal.press(key)
            terminal.wait_for(rf"{name}: not now, the app was started\s+read-only")
        terminal.press(":")
        terminal.type("batch.reset")
        terminal.wait_for(r"batch\.reset +Reset all jobs[^$]*not now: the app")
        terminal.press("Enter")
        terminal.wait_for(r"Reset all jobs of the batch: not now, the app was started read-only")
        leave(terminal)
    assert place.audit("reset") == place.audit("cancelled") == []
