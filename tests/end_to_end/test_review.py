"""A held image with a name burned in: a box drawn in a real terminal, and what is delivered."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from anontui.operations import own_server
from anontui.operations.servers import connect
from anontui.operations.workspace import Workspace, open_workspace
from anontui.settings import Settings
from tests import needs, ultrasound
from tests.end_to_end.terminal import Terminal

pytestmark = needs.program("tmux")

ANONTUI = [sys.executable, "-m", "anontui"]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A project with two ultrasound images, on a built-in server that holds them."""
    monkeypatch.setenv("ANONTUI_SETTINGS", str(tmp_path / "settings.yml"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "echo"
    ultrasound.write(folder / "in" / "one.dcm", frames=2, number=1)
    ultrasound.write(folder / "in" / "two.dcm", number=2)
    Settings(path=tmp_path / "settings.yml").save()
    workspace = own_server.switch_on(open_workspace(folder))
    try:
        yield workspace
    finally:
        own_server.switch_off(workspace)


def _held_job(workspace: Workspace) -> int:
    share = r"\\anontui\echo"
    with closing(connect(workspace.settings)) as client:
        job = client.post(
            "create_job",
            source_type="PATH",
            source_path=rf"folder:{share}\in",
            destination_type="PATH",
            destination_path=rf"{share}\out",
            project_name="Wetenschap-Algemeen",
            anonymizedpatientid="ECHO-1",
            anonymizedpatientname="ECHO-1",
        )
        assert isinstance(job, dict)
        _wait(workspace, job["job_id"])
        return int(job["job_id"])


def _wait(workspace: Workspace, job_id: int) -> str:
    end = time.monotonic() + 60
    with closing(connect(workspace.settings)) as client:
        while not client.job(job_id).status.is_final:
            assert time.monotonic() < end
            time.sleep(0.05)
        return str(client.job(job_id).status)


def _box_at_rest(terminal: Terminal) -> list[int]:
    """What the screen says of the box once the keys that were pressed have all been done."""
    found: list[str] = []
    while True:
        before, text = found, terminal.wait_for(r"(?:▌|box) *\d+,\d+,\d+,\d+")
        found = re.findall(r"(?:▌|box) *(\d+),(\d+),(\d+),(\d+)", text)[0]
        if found == before:
            return list(map(int, found))
        time.sleep(0.5)


def test_a_box_drawn_by_keys_is_black_and_nothing_else_is(workspace: Workspace) -> None:
    job_id = _held_job(workspace)
    folder = workspace.folder
    assert not list((folder / "out").rglob("*.dcm"))
    with Terminal([*ANONTUI], cwd=folder) as terminal:
        terminal.wait_for(r"● +built-in .*active", 30)
        terminal.press("1", "h")
        terminal.wait_for(r"Held files · +2 waiting|Held files +· +2 waiting")
        terminal.press("Enter")
        terminal.wait_for(r"320 x 240")
        terminal.wait_for(r"may show identity")
        terminal.press("n")
        terminal.press(*["S-Right"] * 30, *["S-Up"] * 2)
        terminal.press("Left", "Up")
        left, top, width, height = _box_at_rest(terminal)
        assert left <= 8
        assert top <= 6
        assert width >= 190
        terminal.press("b")
        terminal.wait_for(r"Release this file on built-in, blacked out\?")
        terminal.press("Enter")
        terminal.wait_for(rf"Released; job {job_id} goes on")
        terminal.press("Escape")
        terminal.wait_for(r"1 waiting for a decision")
        terminal.press("Escape")
        terminal.press("q")
    _wait(workspace, job_id)
    [result] = (folder / "out").rglob("*.dcm")
    new = dcmread(result)
    before = {path: dcmread(path).pixel_array for path in (folder / "in").glob("*.dcm")}
    [old] = [pixels for pixels in before.values() if pixels.shape == new.pixel_array.shape]
    expected = old.copy()
    expected[..., top : top + height, left : left + width, :] = 0
    assert (expected != old).any()
    assert (new.pixel_array == expected).all()
    assert np.count_nonzero(new.pixel_array) > 1000
    kept = "".join(p.read_text() for p in (folder.parent / "state").rglob("*") if p.is_file())
    assert "ansen" not in kept
    audit = subprocess.run(
        [*ANONTUI, "serve", "audit", "--json", "--data", own_server.data_folder(workspace)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    ).stdout
    whats = (
        [row["what"] for row in map(json.loads, audit.splitlines())]
        if audit[:1] == "{"
        else [row["what"] for row in json.loads(audit)]
    )
    assert whats.count("looked at held file") >= 2
    assert "ansen" not in audit
