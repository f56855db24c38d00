"""Jobs that fail for reasons of all kinds: told why, put right and reset, in a real terminal."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests import needs
from tests.end_to_end.lung import ANONTUI, LONG, Lung, back_out, leave, lung
from tests.pacs.peers import Peer, ct_study, peer
from tests.server.support import PROJECT, SHARE, write_dicom

pytestmark = needs.program("tmux")

ABSENT, EMPTY, OUTSIDE, UNKNOWN, BLOCKED = range(1, 6)
JOBS = (ABSENT, EMPTY, OUTSIDE, UNKNOWN, BLOCKED)
TOLD = {
    ABSENT: (
        "The source cannot be read: No such file or directory",
        "Check the source's path and the rights to it, then reset the job.",
    ),
    EMPTY: (
        "The source holds no files",
        "Check the source's path and the rights to it, then reset the job.",
    ),
    OUTSIDE: (
        rf"{SHARE}\linked leads to a place that this server does not open",
        f"Give the job id {OUTSIDE} to the server's admin.",
    ),
    UNKNOWN: (
        "HTTP Error 404: Not Found",
        "The archive did not give the data. After 30 minutes or more, reset the job.",
    ),
    BLOCKED: (
        "Could not move file to the destination: Not a directory",
        "Check the destination's path and the rights to it, then reset the job.",
    ),
}
"""What is told of each job, and what is advised."""

MAPPING = rf"""## Description ##
Places

## Options ##
root_source_path,{SHARE}
project,{PROJECT}
destination_path,{SHARE}\out

## Mapping ##
source,pseudo_id,pseudo_name,description
folder:good,LUNG-001,LUNG-001,
folder:\\other\share\study,LUNG-002,LUNG-002,
folder:good2,LUNG-003,LUNG-003,
"""


@dataclass
class Failed:
    """A batch of failed jobs, and what could put them right."""

    lung: Lung
    archive: Peer

    def put_right(self) -> None:
        """Do what is advised for each job."""
        share = self.lung.share
        write_dicom(share / "absent", 1)
        write_dicom(share / "empty", 1)
        (share / "linked").unlink()
        write_dicom(share / "linked", 1)
        self.archive.add(*ct_study(4999, instances=2))
        (share / "blocked").unlink()


@pytest.fixture
def failed(tmp_path: Path) -> Iterator[Failed]:
    """Five jobs, each failed in its own way, on a real server with a real archive."""
    data = tmp_path / "server"
    project = data / "projects" / PROJECT / "project.yml"
    project.parent.mkdir(parents=True)
    project.write_text(yaml.safe_dump({"users": ["alice"], "archives": ["MAIN"]}))
    with peer(tmp_path / "archive") as archive:
        reached = ["--aet", archive.aet, "--host", "127.0.0.1", "--port", str(archive.port)]
        known = [*ANONTUI, "pacs", "node", "add", "MAIN", *reached, "--yes", "--data", str(data)]
        subprocess.run(known, check=True, capture_output=True)
        with lung(tmp_path) as place:
            create(place)
            yield Failed(place, archive)


def create(place: Lung) -> None:
    """Create the jobs in the order of their numbers, and wait until each has failed."""
    share = place.share
    write_dicom(share / "good", 1)
    write_dicom(share.parent / "elsewhere", 1)
    (share / "empty").mkdir()
    (share / "linked").mkdir()
    (share / "blocked").write_text("a file, where a folder should be")
    archived = {"source_type": "WADO", "source_path": "", "source_name": "MAIN"}
    for fields in (
        {"source_path": rf"folder:{SHARE}\absent"},
        {"source_path": rf"folder:{SHARE}\empty"},
        {"source_path": rf"folder:{SHARE}\linked"},
        archived | {"source_instance_id": "accession_number:ACC4999"},
        {"source_path": rf"folder:{SHARE}\good", "destination_path": rf"{SHARE}\blocked"},
    ):
        place.call.create(**fields)
    assert place.wait(JOBS) == ["ERROR"] * len(JOBS)
    (share / "linked").rmdir()  # somebody makes a link of it that leads out of the share
    (share / "linked").symlink_to(share.parent / "elsewhere")
    place.call("POST", "modify_job", job_id=OUTSIDE, status="ACTIVE")
    assert place.wait([OUTSIDE]) == ["ERROR"]
    place.batch(JOBS)


def files_of(place: Lung) -> list[Path]:
    """What was delivered."""
    return list((place.share / "out").rglob("*.dcm"))


def plain(screen: str) -> str:
    """The words of a screen, however they are broken into lines."""
    return " ".join(re.sub(r"[│╭╮╰╯─▐▌]", " ", screen).split())


def test_each_is_explained_put_right_and_reset(failed: Failed) -> None:
    place = failed.lung
    with place.app() as terminal:
        terminal.wait_for(r"✖ 5 errors[^$]*5 jobs · ░+ 0 % · ✖ 5 errors")
        terminal.press("4")
        for number in JOBS:
            terminal.wait_for(rf"▌ +{number}  ✖ ERROR")
            terminal.press("Enter")
            screen = plain(terminal.wait_for(rf"╭─ Job {number} ─"))
            error, advice = TOLD[number]
            assert error in screen
            assert f"→ {advice}" in screen
            assert ("r reset it" in screen) is ("reset the job" in advice)
            back_out(terminal, "╭─ Job")
            terminal.press("Down")
        terminal.press("e")
        screen = plain(terminal.wait_for(r"╭─ Errors ─"))
        for error, advice in TOLD.values():
            assert error in screen
            assert f"→ {advice}" in screen
        back_out(terminal, "╭─ Errors")
        assert not (place.share / "out").exists()

        failed.put_right()
        terminal.press("g", "Down", "Enter")  # one by the key that its advice names
        terminal.wait_for(rf"╭─ Job {EMPTY} ─[^$]*r reset it")
        terminal.press("r")
        terminal.wait_for(rf"Reset job {EMPTY} on p01\?")
        terminal.press("Enter")
        terminal.wait_for(rf"▌[ •]+{EMPTY}  ✔ DONE", LONG)
        assert place.audit("reset") == [OUTSIDE, EMPTY]  # the first by the fixture
        terminal.press("E")  # and all others at once
        terminal.wait_for(r"Reset \d jobs on p01\?")
        terminal.press("Enter")
        terminal.wait_for(r"5 jobs · █+ 100 %", LONG)
        terminal.wait_for(r"✔ DONE[^$]*" * len(JOBS))
        assert "ERROR" not in terminal.screen()
        leave(terminal)
    assert len(files_of(place)) == 5
    assert len(list((place.share / "blocked").rglob("*.dcm"))) == 1


def test_a_place_that_the_server_does_not_open(tmp_path: Path) -> None:
    """Told when jobs are created; corrected, the rest is created, and nothing twice."""
    with lung(tmp_path) as place:
        write_dicom(place.share / "good", 1)
        write_dicom(place.share / "good2", 1)
        (place.folder / "anon_mapping.csv").write_text(MAPPING)
        with place.app() as terminal:
            terminal.wait_for(r"3 Mapping · 3 rows · saved")
            terminal.press("3", "c")
            terminal.wait_for(r"3 to create on p01 · 0 already created")
            terminal.press("c")
            terminal.wait_for(r"1 of 3 jobs were created, then it stopped: The server refuses")
            terminal.wait_for(r"\\\\other\\share\\study is not on a share")
            terminal.wait_for(r"1 job · █+ 100 %", LONG)

            terminal.press("Down", "Left", "e", "C-u")
            terminal.type("folder:good2")
            terminal.press("Enter")
            terminal.wait_for(r"2 +folder:good2 +LUNG-002[^$]*3 +folder:good2 +LUNG-003")
            terminal.wait_for(r"3 Mapping · 3 rows · saved")
            terminal.press("c")
            terminal.wait_for(r"2 to create on p01 · 1 already created")
            terminal.press("c")
            terminal.wait_for(r"3 jobs · █+ 100 %", LONG)
            leave(terminal)
        assert place.audit("created") == [1, 2, 3]
    names = {path.relative_to(place.share / "out").parts[0] for path in files_of(place)}
    assert names == {"LUNG-001", "LUNG-002", "LUNG-003"}
