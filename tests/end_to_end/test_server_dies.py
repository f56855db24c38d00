"""A server that is killed under its jobs and comes back, as the app shows it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import UID

from anontui.project.mapping import Mapping
from tests import needs
from tests.end_to_end.lung import LONG, Lung, back_out, leave, lung
from tests.end_to_end.terminal import Terminal
from tests.server.support import PROJECT, SHARE, write_dicom

pytestmark = needs.program("tmux")

JOBS = range(1, 7)
FILES = 300
ROOT = "1.2.3.4."
OPTIONS = rf"""## Description ##
Six patients

## Options ##
root_source_path,{SHARE}
project,{PROJECT}
destination_path,{SHARE}\out

## Mapping ##
source,pseudo_id,pseudo_name,description
"""


def write_many(folder: Path) -> None:
    """Write small CT instances of one patient, alike but for their UIDs."""
    [path] = write_dicom(folder, 1)
    dataset = pydicom.dcmread(path)
    dataset.Rows = dataset.Columns = 16
    dataset.PixelData = dataset.PixelData[: 2 * 16 * 16]
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"{ROOT}10000")
    dataset.save_as(path)
    content = path.read_bytes()
    path.unlink()
    for number in range(10_000, 10_000 + FILES):
        new = content.replace(f"{ROOT}10000".encode(), f"{ROOT}{number}".encode())
        (folder / f"{number}.dcm").write_bytes(new)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Lung]:
    """A mapping of six patients, none sent yet, and a server with one process for the work."""
    with lung(tmp_path, "--workers", "1") as place:
        for number in JOBS:
            write_many(place.share / f"patient{number}")
        rows = (f"folder:patient{n},LUNG-00{n},LUNG-00{n},\n" for n in JOBS)
        (place.folder / "anon_mapping.csv").write_text(OPTIONS + "".join(rows))
        yield place


def create(terminal: Terminal) -> None:
    """Send all rows."""
    terminal.wait_for(r"3 Mapping · 6 rows · saved")
    terminal.press("3", "c")
    terminal.wait_for(r"6 to create on p01")
    terminal.press("c")
    terminal.wait_for(r"4 Batch · 6 jobs")


def use_while_down(terminal: Terminal, place: Lung) -> None:
    """Look at a job, be told why it cannot be reset, and go on with the mapping."""
    terminal.press("4", "g", "Enter")
    terminal.wait_for(r"╭─ Job 1 ─[^$]*status +[A-Z]+")
    back_out(terminal, "╭─ Job 1 ─")
    terminal.press("r")
    terminal.wait_for(r"Reset the marked jobs, or this one: not now, p01 does not answer")
    terminal.press("3", "g", "End", "e")
    terminal.type("seen while it was away")
    terminal.press("Enter")
    terminal.wait_for(r"1 +folder:patient1 [^$]*seen while it[^$]*2 +folder:patient2")
    terminal.wait_for(r"3 Mapping · 6 rows · saved")
    terminal.press("c")
    terminal.wait_for(r"Create jobs from the mapping[^$]*not now, p01 does not answer")
    assert description(place) == "seen while it was away"


def description(place: Lung) -> str:
    return Mapping.load(place.folder / "anon_mapping.csv").cell(0, "description")


def delivered(place: Lung) -> dict[str, int]:
    """How many files were delivered, by pseudonym."""
    found = (path.relative_to(place.share / "out") for path in (place.share / "out").rglob("*.dcm"))
    return dict(Counter(path.parts[0] for path in found))


def test_killed_while_jobs_run(place: Lung) -> None:
    """Everything stays and can be used; when it is back, each job is done, and done once."""
    with place.app() as terminal:
        create(terminal)
        terminal.wait_for(r"◐ UPLOADED")
        place.server.kill()
        terminal.wait_for(r"✖ p01 down \d+ s", LONG)
        screen = terminal.wait_for(r"✖ +p01 +down \d+ s +active")
        assert len(re.findall(r"(?:UPLOADED|ACTIVE|DONE) .* LUNG-00\d", screen)) == len(JOBS)
        use_while_down(terminal, place)
        terminal.wait_for(r"✖ p01 down (?:[2-9]|\d\d) s", LONG)  # it ages

        place.start()
        terminal.wait_for(r"● p01 up", LONG)
        terminal.wait_for(r"6 jobs · █+ 100 %", LONG)
        screen = terminal.wait_for(r"seen while it")
        assert len(re.findall(r"✔ DONE +300 +300 +LUNG-00\d", screen)) == len(JOBS)
        leave(terminal)
    assert place.audit("interrupted")  # it was killed in the middle indeed
    assert place.audit("created") == sorted(place.audit("done")) == list(JOBS)
    assert delivered(place) == {f"LUNG-00{number}": FILES for number in JOBS}
    assert description(place) == "seen while it was away"
