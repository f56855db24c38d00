"""Studies from one archive to another, with everything killed on the way.

A real server, real archives, the real command: twenty studies by a file of accession numbers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from pydicom import Dataset, dcmread

from anontui.operations.runfolder import unfinished
from tests.pacs.peers import ORTHANC, Peer, ct_study, peer
from tests.server.support import ServeProcess, serve, wait_until

STUDIES, SERIES, INSTANCES = 20, 2, 10
PROTOCOL = 3  # the study with a protocol series
OTHERS = (40, 41)  # studies that nobody asked for
NEEDLES = (b"PID0", b"Invented", b"ACC", b"1.2.826.0.1.3680043.10.999", b"19610203")
HOOK = """
from pathlib import Path

def after(run_dir, overview, practice):
    found = sorted(Path(run_dir, "to_production").rglob("*.dcm"))
    print(f"{len(found)} files were hooked up", file=overview)
    return "\\n".join(path.name for path in found)
"""


@dataclass
class Place:
    """An archive A, an archive B, a server between them, and a folder to work in."""

    hospital: Peer
    research: Peer
    server: ServeProcess
    folder: Path
    data: Path

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "anontui", *words]

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def resumed(self) -> str:
        """Go on to the end; what that printed."""
        for _ in range(0 if ORTHANC else 5):  # pynetdicom's own archive is soon too busy
            subprocess.run(
                self.command("pipeline", "run", "--resume"), cwd=self.folder, check=False
            )
            if not unfinished(self.folder):
                return ""
        done = self.run("pipeline", "run", "--resume")
        return done.stdout + done.stderr

    def arrived(self) -> int:
        """How many instances the research archive has."""
        if ORTHANC:
            url = f"http://127.0.0.1:{self.research.web_port}/statistics"
            return int(httpx.get(url, timeout=60).json()["CountInstances"])
        return len(stored(self.research))

    def run_folder(self) -> Path:
        [found] = (self.folder / "data").iterdir()
        return found


def stored(archive: Peer) -> list[bytes]:
    """The files that an archive holds, as it gives them out."""
    if not ORTHANC:
        return [path.read_bytes() for path in (archive.folder / "storage").iterdir()]
    with httpx.Client(base_url=f"http://127.0.0.1:{archive.web_port}", timeout=60) as client:
        names = client.get("/instances").json()
        return [client.get(f"/instances/{name}/file").content for name in names]


def marked(number: int) -> list[Dataset]:
    """An invented study, each of its images with pixels that tell which one it is."""
    datasets = ct_study(number, series=SERIES, instances=INSTANCES, patient=number // 2)
    if number == PROTOCOL:
        extra = ct_study(number, series=SERIES + 1, instances=1, patient=number // 2)[-1]
        extra.SeriesDescription = "Patient Protocol"
        datasets.append(extra)
    for one in datasets:
        one.PixelData = bytes((number, one.SeriesNumber, one.InstanceNumber, 0)) + one.PixelData[4:]
    return datasets


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as at_end:
        hospital = at_end.enter_context(peer(tmp_path / "hospital", "HOSPITAL"))
        research = at_end.enter_context(peer(tmp_path / "research", "RESEARCH"))
        hospital.add(*(one for number in (*range(STUDIES), *OTHERS) for one in marked(number)))
        data, folder = tmp_path / "data", tmp_path / "work"
        project = data / "projects" / "Lung"
        project.mkdir(parents=True)
        (project / "project.yml").write_text(
            "archives: [A]\ntargets: [B]\nhook: after.py:after\npseudonyms: 'L-{n:04d}'\n"
        )
        (project / "policy.yml").write_text(
            "options: [clean-descriptors]\nwhite_list: dicom_limited_vocabulary.json\n"
        )
        vocabulary = {"0008,103E": ["AXIAL 1"], "0008,1030": ["NECK STUDY"]}
        (project / "dicom_limited_vocabulary.json").write_text(json.dumps(vocabulary))
        (project / "after.py").write_text(HOOK)
        (folder / ".anontui").mkdir(parents=True)
        server = ServeProcess(data, tmp_path)
        at_end.callback(server.kill)
        one = Place(hospital, research, server, folder, data)
        web = ["--web", hospital.url] if hospital.has_web else []
        for name, archive, more in (("A", hospital, web), ("B", research, [])):
            address = ("--aet", archive.aet, "--host", "127.0.0.1", "--port", str(archive.port))
            one.run("pacs", "node", "add", name, *address, *more, "--data", str(data))
        url = server.start().url
        token = serve(data, "user", "add", "root", "--role", "admin").stdout.strip()
        settings = folder / ".anontui" / "settings.yml"
        settings.write_text(f"user_name: root\nuser_token: {token}\n")
        settings.chmod(0o600)
        one.run("server", "add", "ours", url)
        yield one


def write_list(place: Place) -> Path:
    """The list as a person would have it: headings, comments, a duplicate, one that is gone."""
    rows = ["Accession number,Comment,Protocol series"]
    rows += [f"ACC{number},," for number in range(STUDIES)]
    rows[1 + PROTOCOL] = f"ACC{PROTOCOL},leave the protocol out,yes"
    rows[2] += "\nACC0,again,\nACC999,,"
    path = place.folder / "studies.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


EXPECTED = STUDIES * SERIES * INSTANCES


def test_killed_twice_and_resumed(place: Place) -> None:
    path = write_list(place)
    words = ("pipeline", "run", path.name, "--from", "A", "--to", "B", "--project", "Lung")
    with (place.folder / "told").open("w+") as told:
        pipeline = subprocess.Popen(
            place.command(*words), cwd=place.folder, stdout=told, stderr=told
        )
        try:
            wait_until(lambda: place.arrived() > 0)
            place.server.kill(signal.SIGKILL)
            at_first = place.arrived()
            assert at_first < EXPECTED  # or nothing was shown
            assert pipeline.poll() is None
            place.server.start()
            wait_until(lambda: place.arrived() > at_first)
            pipeline.kill()
        finally:
            pipeline.kill()
            pipeline.wait()
        told.seek(0)
        output = told.read()
    assert place.arrived() < EXPECTED
    assert "Push completed" not in (place.run_folder() / "overview.txt").read_text()

    output += place.resumed()
    again = place.run("pipeline", "run", "--resume", code=1)
    assert "no unfinished run" in again.stderr

    listed = place.run("pacs", "find", "A", "--accession=ACC1", "--json", f"--data={place.data}")
    [found] = json.loads(listed.stdout)
    assert found["imported"] == SERIES * INSTANCES
    check_archive(stored(place.research))
    check_run_folder(place)
    check_nothing_shows(place, output)


def check_archive(files: list[bytes]) -> None:
    """The research archive holds each image once, under its pseudonym, and no identity."""
    datasets = [dcmread(BytesIO(content)) for content in files]
    marks = Counter(bytes(one.PixelData[:4]) for one in datasets)
    assert marks == Counter(
        bytes((study, series, instance, 0))
        for study in range(STUDIES)
        for series in range(1, SERIES + 1)
        for instance in range(1, INSTANCES + 1)
    )
    by_patient: dict[int, set[str]] = {}
    by_study: dict[int, set[str]] = {}
    for one in datasets:
        number = one.PixelData[0]
        by_patient.setdefault(number // 2, set()).add(str(one.PatientID))
        by_study.setdefault(number, set()).add(str(one.StudyInstanceUID))
        assert one.get("SeriesDescription") == ("AXIAL 1" if one.PixelData[1] == 1 else None)
        assert not one.get("StudyDescription") and one.PatientIdentityRemoved == "YES"
    names = [f"L-{number:04}" for number in range(1, STUDIES // 2 + 1)]
    assert sorted(name for found in by_patient.values() for name in found) == names
    assert len({study for found in by_study.values() for study in found}) == STUDIES
    assert all(len(found) == 1 for found in (*by_patient.values(), *by_study.values()))
    assert [needle for needle in NEEDLES for content in files if needle in content] == []


def check_run_folder(place: Place) -> None:
    folder = place.run_folder()

    def lines(name: str) -> list[str]:
        return (folder / name).read_text().splitlines()

    overview = lines("overview.txt")
    assert overview[0].startswith("Starting at") and overview[1].startswith("Restarted at")
    assert len([line for line in overview if line.startswith("Restarted")]) == 1 or not ORTHANC
    assert f"{STUDIES} valid reviewed studies. Please review comments.txt" in overview
    assert "1 accession numbers are not in A, see 'not_found_studies.txt'" in overview
    assert f"Received {EXPECTED + 1} files containing {STUDIES} studies" in overview
    assert f"{EXPECTED} files containing {STUDIES} studies were delivered to B" in overview
    assert sum("20 files were hooked up" in line for line in overview) == STUDIES
    assert overview[-1].startswith("Push completed at")
    protocol = str(ct_study(PROTOCOL)[0].StudyInstanceUID)
    assert lines("found_protocol_studies.txt") == [protocol]
    assert lines("reviewed_protocol_studies.txt") == [protocol]
    assert lines("missing_protocol_studies.txt") == []
    assert lines("comments.txt") == [f"{protocol}  leave the protocol out"]
    assert len(lines("studies_to_retrieve.txt")) == STUDIES
    assert lines("not_found_studies.txt") == ["ACC999"]
    assert len(lines("push_output.txt")) == EXPECTED
    assert len(lines("post_anon_output.txt")) == EXPECTED + STUDIES
    for path in (folder, *folder.iterdir()):
        assert path.stat().st_mode & 0o077 == 0


def check_nothing_shows(place: Place, output: str) -> None:
    """No original identifier in what was printed, in logs, or in names of files."""
    texts = {"the commands": output.encode()}
    texts |= {str(path): path.read_bytes() for path in place.data.rglob("*.log")}
    assert any(name.endswith("server.log") for name in texts)
    texts |= {str(path): path.read_bytes() for path in place.data.glob("runs/*/hook_*.txt")}
    names = [path for top in (place.data, place.folder) for path in top.rglob("*")]
    texts["names"] = "\n".join(map(str, names)).encode()
    shown = [
        (needle, where) for where, text in texts.items() for needle in NEEDLES if needle in text
    ]
    assert shown == []
    left = [path for path in (place.data / "incoming" / "jobs").rglob("*") if path.is_file()]
    assert left == []


def test_a_practice_run_delivers_nothing(place: Place) -> None:
    path = write_list(place)
    words = ("pipeline", "run", path.name, "--from", "A", "--to", "B", "--project", "Lung")
    ran = place.run(*words, "--practice", "--limit", "2", "--json")
    assert json.loads(ran.stdout)["studies"] == {"DONE": 2}
    assert place.arrived() == 0
    overview = (place.run_folder() / "overview.txt").read_text()
    assert f"{2 * SERIES * INSTANCES} files would be delivered" in overview
    assert "A practice run" in overview


def test_ctrl_c_says_how_to_go_on_and_an_archive_that_is_down_is_told(place: Place) -> None:
    path = write_list(place)
    place.research.kill()
    words = ("pipeline", "run", path.name, "--from", "A", "--to", "B", "--project", "Lung")
    pipeline = subprocess.Popen(
        place.command(*words, "--limit", "1"),
        cwd=place.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: (place.folder / "data").exists() and any((place.data / "runs").iterdir()))
    pipeline.send_signal(signal.SIGINT)
    told, _ = pipeline.communicate(timeout=60)
    assert pipeline.returncode == 130, told
    assert "anontui pipeline run --resume" in told
    place.research.start()
    assert place.run("pipeline", "run", "--resume").returncode == 0
    assert place.arrived() == SERIES * INSTANCES


if os.environ.get("CI") == "true":
    assert ORTHANC
