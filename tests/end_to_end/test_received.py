"""What is sent to a server and what is imported, down to the research archive."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from pydicom import dcmread

from tests.pacs.peers import ct_study, free_port, peer, to_bytes
from tests.server.support import SHARE, ServeProcess, wait_until

NEEDLES = ("PID0", "Invented", "1.2.826.0.1.3680043.10.999", "ACC")


def write(folder: Path, *numbers: int) -> list[Path]:
    folder.mkdir(parents=True)
    paths = []
    for number in numbers:
        for one in ct_study(number):
            paths.append(folder / f"{number}-{one.InstanceNumber}")
            paths[-1].write_bytes(to_bytes(one))
    return paths


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_received_imported_and_sent_again(tmp_path: Path) -> None:
    data, share, port = tmp_path / "data", tmp_path / "share", free_port()
    share.mkdir()
    (data / "projects" / "Lung").mkdir(parents=True)
    (data / "projects" / "Lung" / "project.yml").write_text(
        f"receive: LUNG\ndestination: '{SHARE}\\out'\npseudonyms: 'L-{{n:04d}}'\n"
    )
    (data / "server.yml").write_text(f"receiver: {{port: {port}}}\n")

    def pacs(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "anontui", "pacs", *map(str, words), "--data", str(data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def add(name: str, aet: str, port: int) -> None:
        pacs("node", "add", name, "--aet", aet, "--host", "127.0.0.1", "--port", port)

    add("US", "LUNG", port)
    imported = write(tmp_path / "disc", 3)
    # one is there before the server runs, and waits
    pacs("import", imported[0], "--project", "Lung")
    server = ServeProcess(data, share)
    try:
        server.start()
        wait_until(lambda: is_listening(port))
        sent = write(tmp_path / "sent", 1, 2)
        if program := shutil.which("storescu"):
            words = [program, "-aec", "LUNG", "127.0.0.1", str(port), *map(str, sent)]
            subprocess.run(words, check=True, capture_output=True)
        else:
            pacs("send", "US", *sent, "--yes")
        pacs("import", tmp_path / "disc", "--project", "Lung")
        wait_until(lambda: len(list(share.glob("out/L-*/*/*/*.dcm"))) == 9, seconds=90)
        wait_until(lambda: counted(pacs("index", "--json").stdout) == (3, 3, 9, 9))
        log = (data / "server.log").read_text()
    finally:
        server.kill()

    delivered = {path: dcmread(path) for path in (share / "out").rglob("*.dcm")}
    assert {str(one.PatientID) for one in delivered.values()} == {"L-0001", "L-0002", "L-0003"}
    names = "\n".join(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert [needle for needle in NEEDLES if needle in names or needle in log] == []
    assert not any(b"Invented" in path.read_bytes() for path in delivered)

    with peer(tmp_path / "research", "RESEARCH") as research:
        add("B", research.aet, research.port)
        told = pacs("send", "B", "--patient", "L-0002", "--yes").stderr
        assert "3 files are sent and confirmed" in told
        again = pacs("send", "B", "--patient", "L-0002", "--yes").stderr
        assert "3 were there already" in again
        found = json.loads(pacs("find", "B", "--json").stdout)
    assert [row["patient_id"] for row in found] == ["L-0002"]


def counted(text: str) -> tuple[int, ...]:
    totals = json.loads(text)
    return tuple(
        totals[name] for name in ("patients", "studies", "instances", "exported_instances")
    )
