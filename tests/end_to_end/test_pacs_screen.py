"""From an accession number to de-identified files, in a real terminal, by a real archive."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
import yaml

from anontui.settings import Server, Settings
from tests import needs
from tests.end_to_end.terminal import Terminal
from tests.pacs.peers import Peer, ct_study, peer

pytestmark = needs.program("tmux")

ANONTUI = [sys.executable, "-m", "anontui"]
SHARE = r"\\hospital\research"
PROJECT = "Lung"
OLD = (b"PID0", b"Invented", b"ACC4", b"1.2.826.0.1.3680043.10.999.")


@dataclass
class Place:
    """A project folder whose active server fetches from an archive with four studies."""

    folder: Path
    share: Path
    env: dict[str, str]
    archive: Peer

    def terminal(self, **size: int) -> Terminal:
        return Terminal(ANONTUI, cwd=self.folder, env=self.env, **size)


def run(*words: str | Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [*ANONTUI, *map(str, words)],
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A real server and a real archive, stopped at the end."""
    data, folder, share = tmp_path / "server", tmp_path / "study", tmp_path / "research"
    env = {
        "ANONTUI_SETTINGS": str(tmp_path / "settings.yml"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }
    for one in (folder, share):
        one.mkdir()
    with peer(tmp_path / "archive") as archive:
        for number in range(4001, 4005):
            archive.add(*ct_study(number, series=2, instances=3))
        node = ["--aet", archive.aet, "--host", "127.0.0.1", "--port", str(archive.port)]
        node += ["--web", archive.url] if archive.has_web else []
        run("pacs", "node", "add", "MAIN", *node, "--yes", "--data", data, env=env)
        project = data / "projects" / PROJECT
        project.mkdir(parents=True)
        (project / "project.yml").write_text(
            yaml.safe_dump({"users": ["z1"], "archives": ["MAIN"], "pseudonyms": "LC-{n:04d}"})
        )
        token = run("serve", "user", "add", "z1", "--data", data, env=env).split()[-1]
        run("serve", "--detach", "--data", data, "--share", f"{SHARE}={share}", env=env)
        url = json.loads(run("serve", "status", "--json", "--data", data, env=env))["url"]
        Settings(
            path=tmp_path / "settings.yml",
            servers=(Server("here", url),),
            active_server_name="here",
            user_name="z1",
            user_token=token,
            job_defaults={"project": PROJECT, "destination_path": rf"{SHARE}\out"},
        ).save()
        try:
            yield Place(folder, share, env, archive)
        finally:
            run("serve", "stop", "--data", data, env=env)


def search(terminal: Terminal, text: str, found: str) -> None:
    """Open the PACS screen and look for accession numbers."""
    terminal.wait_for(r"● here up", 60)
    terminal.press("P")
    terminal.wait_for(r"● +MAIN +\d+ ms +find fetch")
    terminal.type(text)
    terminal.press("Enter")
    terminal.wait_for(found)


def check_output(share: Path, names: set[str], instances: int) -> None:
    """All instances, under their new names, without anything of the old ones."""
    files = sorted((share / "out").rglob("*.dcm"))
    assert len(files) == instances
    assert {str(pydicom.dcmread(path).PatientID) for path in files} == names
    for path in files:
        content = path.read_bytes()
        assert not [old for old in OLD if old in content or old.decode() in str(path)]


def test_story(place: Place) -> None:
    """Search by accession number, mark, add to the mapping, give pseudonyms, create, done."""
    with place.terminal() as terminal:
        terminal.wait_for(r"● here up", 60)
        terminal.press("i")
        terminal.wait_for(r"3 Mapping · 0 rows")
        search(terminal, "ACC4001 ACC4003,ACC4999", r"● MAIN · 2 found · 1 number not found")
        terminal.press("n")
        terminal.wait_for(r"1 accession number brought no study[^$]*ACC4999")
        terminal.press("Escape")
        terminal.wait_for(r"▸ PID04003")
        terminal.press("Space", "Space")
        terminal.wait_for(r"2 marked")
        terminal.press("a")
        terminal.wait_for(r"Add 2 studies of 2 patients to the mapping\?")
        terminal.press("e")
        terminal.wait_for(r"2 rows added to the mapping")
        terminal.press("P")
        terminal.wait_for(r"3 Mapping · 2 rows · saved")
        terminal.press("3", "g", "Home", "Right", "Right", "e")
        terminal.type("LUNG-001")
        terminal.press("Enter", "e")
        terminal.type("LUNG-002")
        terminal.press("Enter")
        terminal.wait_for(r"2 +study_instance_uid:\S+ +LUNG-002")
        terminal.press("c")
        terminal.wait_for(r"2 to create on here")
        terminal.press("c")
        terminal.wait_for(r"2 jobs · █+ 100 %", 60)
        terminal.press("P")
        screen = terminal.wait_for(r"✔ 6\D[^$]*✔ 6\D")
        assert len([line for line in screen.splitlines() if "6/6" in line and "DONE" in line]) == 2
        terminal.press("q")
        terminal.wait_for(r"\[exit 0\]")
    check_output(place.share, {"LUNG-001", "LUNG-002"}, 12)


def test_import_at_once(place: Place) -> None:
    """At 80x24, without a mapping: the server gives the pseudonym."""
    with place.terminal(columns=80, rows=24) as terminal:
        terminal.wait_for(r"● here up", 60)
        terminal.press("P")
        terminal.wait_for(r"2 Studies · ● MAIN")
        terminal.type("ACC4002")
        terminal.press("Enter")
        terminal.wait_for(r"● MAIN · 1 found")
        terminal.press("Enter")
        terminal.wait_for(r"└ 1 .*AXIAL 1 +CT +3")
        terminal.press("i")
        terminal.wait_for(r"Import 1 study \(2 series, 6 instances\) from MAIN\s.*through")
        terminal.press("Enter")
        terminal.wait_for(r"✔ 6\D", 60)
        terminal.press("3")
        terminal.wait_for(r"✔ DONE")
        terminal.press("q")
        terminal.wait_for(r"\[exit 0\]")
    check_output(place.share, {"LC-0001"}, 6)


def test_a_silent_archive_is_left_at_once(place: Place) -> None:
    """Esc ends a search that is not answered; the next one finds, and quitting waits for none."""
    with place.terminal() as terminal:
        search(terminal, "ACC4001", r"● MAIN · 1 found")
        place.archive.freeze()
        terminal.press("r")
        terminal.wait_for(r"Asking MAIN…")
        terminal.press("Escape")
        terminal.wait_for(r"The search was cancelled")
        place.archive.thaw()
        terminal.press("r")
        terminal.wait_for(r"● MAIN · 1 found")
        place.archive.freeze()
        terminal.press("r")
        terminal.wait_for(r"Asking MAIN…")
        terminal.press("q")
        terminal.wait_for(r"\[exit 0\]", 5)
        place.archive.thaw()
