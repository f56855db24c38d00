"""What ``docs/tutorial-pacs.md`` shows, done as it says on a server and an archive of ours."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest

from anontui.settings import Server, Settings
from tests import needs
from tests.end_to_end.terminal import Terminal
from tests.pacs.peers import ct_study, peer
from tests.server.support import SHARE, ServeProcess, serve

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial-pacs.md").read_text("utf-8")
ANONTUI = [sys.executable, "-m", "anontui"]
PROJECT = "Lung"
OLD = (b"PID0", b"Invented", b"ACC", b"1.2.826.0.1.3680043.10.999.")


def ours(text: str) -> str:
    """The page's accession numbers as those of the archive in the tests: ACC1, ACC2…"""
    return re.sub(r"\b(\d)234567\.12345678\b", r"ACC\1", text)


def lines(section: str) -> list[str]:
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^ {4}(anontui\b.*)$", text, re.MULTILINE)
    assert found, section
    return [ours(line) for line in found]


@dataclass
class Place:
    """A project folder with the page's list, and what its admin's commands need."""

    folder: Path
    share: Path
    data: Path
    port: int

    def __call__(self, line: str) -> str:
        words = shlex.split(line.replace("10.0.0.5 --port 104", f"127.0.0.1 --port {self.port}"))
        if words[1] == "pacs":
            words += ["--data", str(self.data)]
        done = subprocess.run(
            [*ANONTUI, *words[1:]],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def results(self) -> dict[str, int]:
        """How many files were delivered, by pseudonym; nothing old is in them."""
        found: dict[str, int] = {}
        for path in (self.share / "out").rglob("*.dcm"):
            name = path.relative_to(self.share / "out").parts[0]
            content = path.read_bytes()
            assert str(pydicom.dcmread(path).PatientID) == name
            assert not [old for old in OLD if old in content]
            found[name] = found.get(name, 0) + 1
        return found


@pytest.fixture
def place(tmp_path: Path, isolated_home: Path) -> Iterator[Place]:
    data, share, folder = tmp_path / "data", tmp_path / "share", tmp_path / "lung"
    for one in (share, folder, data / "projects" / PROJECT):
        one.mkdir(parents=True)
    table = re.search(r"^ {4}accession number,.*\n(?: {4}.*\n)+", PAGE, re.MULTILINE)
    assert table is not None
    (folder / "numbers.csv").write_text(ours(table[0]).replace("    ", ""))
    project = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert project is not None
    (data / "projects" / PROJECT / "project.yml").write_text(project[1])
    server = ServeProcess(data, share)
    with peer(tmp_path / "archive", "PACS") as archive:
        archive.add(*(one for number in range(1, 5) for one in ct_study(number)))
        try:
            found = Place(folder, share, data, archive.port)
            told = [found(line) for line in lines("The server's side")]
            assert "answers in" in told[1]
            assert all(f"ACC{number}" in told[2] for number in (1, 2, 3))
            url = server.start().url
            Settings(
                path=isolated_home / ".config" / "anontui" / "settings.yml",
                servers=(Server("p01", url),),
                active_server_name="p01",
                user_name="z123456",
                user_token=serve(data, "user", "add", "z123456").stdout.strip(),
                job_defaults={"project": PROJECT, "destination_path": rf"{SHARE}\out"},
            ).save()
            yield found
        finally:
            server.kill()


def test_by_commands(place: Place) -> None:
    told = {line: place(line) for line in lines("By commands")}
    assert "3 jobs on p01: 3 DONE" in told["anontui batch watch"]
    place("anontui batch watch")
    assert place.results() == {f"study{letter}": 3 for letter in "ABCD"}


@needs.program("tmux")
def test_in_the_app(place: Place) -> None:
    with Terminal(ANONTUI, cwd=place.folder) as terminal:
        terminal.wait_for(r"● p01 up", 30)
        terminal.press("i")
        terminal.wait_for(r"3 Mapping · 0 rows")
        terminal.press("n")
        terminal.wait_for(r"╭─ .*(numbers|Numbers)")
        terminal.type("numbers.csv")
        terminal.press("Enter")
        terminal.wait_for(r"3 accession numbers with pseudonyms")
        terminal.press("Enter")
        terminal.wait_for(r"3 +accession_number:ACC3 +studyC")
        terminal.press("c")
        terminal.wait_for(r"3 to create on p01")
        terminal.press("c")
        terminal.wait_for(r"3 jobs · █+ 100 %", 60)
        terminal.press("P")
        terminal.wait_for(r"● +HOSPITAL +\d+ ms")
        terminal.type("ACC4")
        terminal.press("Enter")
        terminal.wait_for(r"HOSPITAL · 1 found")
        terminal.press("Space", "a")
        terminal.wait_for(r"Add 1 study")
        terminal.press("e")
        terminal.wait_for(r"1 row added to the mapping")
        terminal.press("q")
        terminal.wait_for(r"\[exit 0\]")
    assert place.results() == {f"study{letter}": 3 for letter in "ABC"}
