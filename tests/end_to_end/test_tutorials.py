"""What ``docs/tutorial-share.md`` and other pages show, done as they say on a server of ours."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
import pytest

from tests import needs
from tests.end_to_end.terminal import Terminal
from tests.server.support import ServeProcess, serve, write_dicom

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial-share.md").read_text("utf-8")
ANONTUI = [sys.executable, "-m", "anontui"]
STUDIES = ("study1", "study1", "study1_fixed")
FOLDERS = ["patient1/raw", "patient2/raw", "patient3/study1"]
FOLDERS += [f"patient{number}/{study}" for number, study in enumerate(STUDIES, 1)]


def lines(section: str) -> list[str]:
    """The commands of a section, in their order."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^ {4}((?:cd|anontui)\b.*)$", text, re.MULTILINE)
    assert found, section
    return found


def shown(page: str) -> list[str]:
    """The commands of another page: in blocks, and what its tables say is to be done."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return re.findall(r"(?:^ {4}|\| `)(anontui [a-z][^`\n]*)", text, re.MULTILINE)


@dataclass
class Reader:
    """Somebody who types what the page shows, with places of their own."""

    home: Path
    url: str
    said: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def __post_init__(self) -> None:
        self.folder = self.home / "lung"
        self.share = self.home / "share"

    def own(self, text: str) -> str:
        """The page's text with our places."""
        text = text.replace("https://server.example/api", self.url)
        return text.replace("/mnt/share", str(self.share)).replace(
            "~/lung", str(self.home / "lung")
        )

    def __call__(self, line: str) -> str:
        words = shlex.split(self.own(line), comments=True)
        if words[0] == "cd":
            self.folder = Path(words[1])
            return ""
        if words[1] == "serve":
            words += ["--data", str(self.home / "server")]
        done = subprocess.run(
            [*ANONTUI, *words[1:]],
            cwd=self.folder,
            env={**os.environ, "VISUAL": "true"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        self.said[line] = done.stdout + done.stderr
        return self.said[line]

    def results(self) -> dict[str, int]:
        """How many files were delivered, by pseudonym."""
        found: dict[str, int] = {}
        for path in (self.share / "myoutput").rglob("*.dcm"):
            name = path.relative_to(self.share / "myoutput").parts[0]
            assert str(pydicom.dcmread(path).PatientID) == name
            found[name] = found.get(name, 0) + 1
        return found


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """The page's share, a server that reads it, and a reader whom the server knows."""
    reader = Reader(tmp_path, "")
    reader.folder.mkdir()
    for number, name in enumerate(FOLDERS):
        for path in write_dicom(reader.share / "data" / name, 2):
            dataset = pydicom.dcmread(path)
            dataset.PatientID = f"P-{name.partition('/')[0]}"
            dataset.SOPInstanceUID += f".{number}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.save_as(path)
    (reader.share / "data/patient2/study1/notes.txt").write_text("called\n")
    server = ServeProcess(tmp_path / "server", reader.share, "--project", "Wetenschap-Algemeen")
    try:
        reader.url = server.start().url
        for line in lines("Once: who you are, and where things are"):
            if line == "anontui server status":
                told = reader.said["anontui settings info --show-token"]
                reader.token = told.split()[-1]
                serve(server.data, "user", "add", "z123456", "--own-token", stdin=reader.token)
            reader(line)
        yield reader
    finally:
        server.kill()


def test_by_commands(reader: Reader) -> None:
    for line in lines("By commands"):
        reader(line)
    assert reader.results() == {"anon1": 2, "anon2": 2, "anon3": 2}
    assert "3 ready to be created" in reader.said["anontui map check"]
    assert "3 jobs on p01: 3 DONE" in reader.said["anontui batch watch"]


def test_from_a_list(reader: Reader) -> None:
    table = re.search(r"^ {4}(folder,pseudonym\n(?: {4}.*\n)+)", PAGE, re.MULTILINE)
    assert table is not None
    (reader.home / "lung" / "folders.csv").write_text(table[1].replace("    ", ""))
    for line in lines("From a list"):
        reader(line)
    reader("anontui batch watch")
    assert reader.results() == {"anon_patientA": 4, "anon_patientB": 4}
    assert (reader.home / "lung" / ".anonbatch").exists()


@needs.program("tmux")
def test_in_the_app(reader: Reader) -> None:
    commands = lines("In the app")
    assert commands[1:] == ["anontui"]
    reader(commands[0])
    with Terminal(ANONTUI, cwd=reader.folder) as terminal:
        terminal.wait_for(r"● p01 up", 30)
        terminal.press("i")
        terminal.wait_for(r"project Wetenschap-Algemeen +root \\\\server\\share\\data")
        terminal.press("2", "Down", "Right")
        terminal.wait_for(r"▸ raw")
        terminal.press("Down", "Down", "Space")
        terminal.wait_for(r"● +▸ study1 +2 of 2 CT")
        terminal.press("Right")
        terminal.wait_for(r"▾ patient2")
        terminal.press("Down", "Down", "Space")
        terminal.wait_for(r"● +▸ study1 +2 of 3 CT")
        terminal.press("Right")
        terminal.wait_for(r"▾ patient3")
        terminal.press("Down", "Down", "Space")
        terminal.wait_for(r"2 Files · 3 marked")
        terminal.press("a")
        terminal.wait_for(r"3 Mapping · 3 rows · saved")
        terminal.press("a")
        terminal.wait_for(r"Make up pseudonyms")
        terminal.press("C-u")
        terminal.type("anon#")
        terminal.wait_for(r"anon3")
        terminal.press("Enter")
        terminal.wait_for(r"3 +fileselection:\S+ +anon3")
        terminal.press("c")
        terminal.wait_for(r"Dry run: nothing has been sent yet")
        terminal.press("c")
        terminal.wait_for(r"3 jobs · █+ 100 %", 60)
        terminal.press("4", "Enter")
        terminal.wait_for(r"status +DONE")
        terminal.press("Escape")
        terminal.wait_for(r"╭─ 4 Batch")
        terminal.press("q")
        terminal.wait_for(r"\[exit 0\]")
    assert reader.results() == {"anon1": 2, "anon2": 2, "anon3": 2}


def test_what_other_pages_show(reader: Reader) -> None:
    """The commands of concepts and troubleshooting, where there is a batch."""
    for line in lines("By commands"):
        reader(line)
    for page in ("concepts.md", "troubleshooting.md"):
        for line in shown(page):
            reader(line.replace("1043", "1").replace("/mnt/data", str(reader.share)))


def test_what_configuration_shows(tmp_path: Path) -> None:
    """From no settings on."""
    (tmp_path / "lung").mkdir()
    reader = Reader(tmp_path, "")
    for line in shown("configuration.md"):
        reader(line)
