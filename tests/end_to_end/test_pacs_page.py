"""Every command of ``docs/pacs.md`` does what the page says, in its order, on real archives."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.end_to_end.test_received import write
from tests.pacs.peers import Peer, ct_study, free_port, peer
from tests.server.support import SHARE, ServeProcess, serve, wait_until

PAGE = (Path(__file__).parents[2] / "docs" / "pacs.md").read_text("utf-8")
COMMANDS = re.findall(r"^ {4}(anontui .*)$", PAGE, re.MULTILINE)
FAILING = {"--accession-file": 1}  # a number is not found


def block(begin: str) -> str:
    [found] = [one for one in re.findall(r"```yaml\n(.*?)```", PAGE, re.S) if one.startswith(begin)]
    return str(found)


def lines(begin: str) -> str:
    """An example file of the page."""
    text = PAGE[PAGE.index(f"    {begin}") :]
    return "".join(f"{line[4:]}\n" for line in text[: text.index("\n\n")].splitlines())


class Reader:
    """Somebody who types what the page shows, with addresses of their own."""

    def __init__(self, folder: Path, data: Path, instead: dict[str, str]) -> None:
        self.folder, self.data, self.instead = folder, data, instead

    def words(self, line: str) -> list[str]:
        for theirs, ours in self.instead.items():
            line = line.replace(theirs, ours)
        words = shlex.split(line)[1:]
        if words[0] in ("pacs", "identities"):
            words += ["--data", str(self.data)]
        return [sys.executable, "-m", "anontui", *words]

    def __call__(self, line: str) -> str:
        done = subprocess.run(
            self.words(line),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        expected = next((code for word, code in FAILING.items() if word in line), 0)
        assert done.returncode == expected, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


def set_up(folder: Path, data: Path, port: int) -> None:
    """What the page takes for granted: a project, its policy, a receiver, files."""
    project = data / "projects" / "Lung"
    project.mkdir(parents=True)
    text = block("users:").replace("node:RESEARCH", rf"'{SHARE}\out'")
    (project / "project.yml").write_text(text)
    (project / "policy.yml").write_text(block("options:"))
    (project / "dicom_limited_vocabulary.json").write_text('{"0008,1030": ["CT CHEST"]}')
    receiver = block("receiver:").replace("11112", str(port)).replace("0.0.0.0", "127.0.0.1")
    (data / "server.yml").write_text(receiver)
    folder.mkdir()
    (folder / "secret").write_text("secret\n")
    (folder / "numbers.csv").write_text("accession number\nACC1\nACC1\nACC99\n")
    (folder / "studies.csv").write_text(lines("accession number,"))
    write(folder / "cdrom", 50)
    write(folder / "folder", 51)
    (folder / "file.dcm").write_bytes(write(folder / "other", 52)[0].read_bytes())


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_every_command_of_the_page(tmp_path: Path) -> None:
    folder, data, port = tmp_path / "work", tmp_path / "data", free_port()
    set_up(folder, data, port)
    server = ServeProcess(data, tmp_path)
    with (
        peer(tmp_path / "hospital", "PACS") as hospital,
        peer(tmp_path / "research", "RESEARCH") as research,
    ):
        hospital.add(*(one for number in range(4) for one in ct_study(number)))
        reader = Reader(
            folder,
            data,
            {
                "10.0.0.5 --port 104": f"127.0.0.1 --port {hospital.port}",
                "10.0.0.6 --port 4242": f"127.0.0.1 --port {research.port}",
                "/media/cdrom/DICOMDIR": "cdrom",  # the media have a test of their own
                "/media/cdrom": "cdrom",
            },
        )
        try:
            told = follow_the_page(reader, server)
        finally:
            server.kill()
        assert delivered(research) >= {"LUNG-0101", "LUNG-0102"}
    assert told["anontui pacs echo HOSPITAL RESEARCH"].count("answers in") == 2
    found = told["anontui pacs find HOSPITAL --accession-file numbers.csv --csv"]
    assert "numbers-not-found.txt" in found
    assert "Imported 3 instances" in told["anontui pacs import /media/cdrom --project Lung"]
    sent = told["anontui pacs send RESEARCH --patient LUNG-0001 --yes"]
    assert "3 files are sent" in sent or "1 files are sent" in sent


def follow_the_page(reader: Reader, server: ServeProcess) -> dict[str, str]:
    told: dict[str, str] = {}
    for line in COMMANDS:
        if line == "anontui pacs listen":
            told[line] = listened(reader)
            continue
        if line.startswith("anontui map add-studies"):
            reader("anontui map init")
        if line.startswith("anontui pacs import") and server.process is None:
            url = server.start().url
            token = serve(reader.data, "user", "add", "z123456").stdout.strip()
            reader(f"anontui server add ours {url}")
            settings = reader.folder / ".anontui" / "settings.yml"
            settings = settings if settings.exists() else user_settings()
            text = settings.read_text() + f"user_name: z123456\nuser_token: {token}\n"
            settings.write_text(text)
        if "--patient LUNG" in line:
            wait_until(lambda: len(list(server.data.parent.glob("out/LUNG-*"))) > 2)
        told[line] = reader(line) if "--resume" not in line else resumed(reader, line)
    return told


def user_settings() -> Path:
    from anontui.settings import settings_path

    return settings_path(Path("/"))


def listened(reader: Reader) -> str:
    listening = subprocess.Popen(
        reader.words("anontui pacs listen"), stderr=subprocess.PIPE, text=True
    )
    assert listening.stderr is not None
    text = listening.stderr.readline() + listening.stderr.readline()
    listening.send_signal(signal.SIGINT)
    text += listening.communicate(timeout=30)[1]
    assert "LUNG is for project Lung" in text and listening.returncode == 0, text
    return text


def resumed(reader: Reader, line: str) -> str:
    """The run before it came to its end; one that was cut short is staged."""
    newest = max((reader.folder / "data").iterdir())
    state = json.loads((newest / "run.json").read_text())
    (newest / "run.json").write_text(json.dumps(state | {"ended": ""}))
    return reader(line)


def delivered(archive: Peer) -> set[str]:
    if archive.has_web:
        return {str(one.PatientID) for one in archive.instances().values()}
    return {str(dcmread(path).PatientID) for path in (archive.folder / "storage").iterdir()}
