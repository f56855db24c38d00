"""What goes wrong in years of work: nothing is lost, done twice, half there, or let out.

With ``ANONTUI_NIGHTLY=1`` the random ones run with twenty seeds.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from anontui.idis.model import JobStatus
from anontui.server import runner as runner_module
from anontui.server import users as users_module
from anontui.server.engine import Processes
from anontui.server.store import TRANSITIONS
from tests.server import workers
from tests.server.conftest import Ledger
from tests.server.running import (
    assert_tidy,
    create,
    delivered,
    ended,
    history,
    job_of,
    running,
    status_of,
    statuses,
    words,
)
from tests.server.support import SHARE, ServeProcess, alive, files_below, wait_until, write_dicom

SEEDS = range(20 if os.environ.get("ANONTUI_NIGHTLY") else 1)
NAME = "Jansen^Invented"
Start = Callable[..., ServeProcess]


# --- 1: kill -9


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_servers_and_workers_cost_nothing(
    start_server: Start, share: Path, seed: int
) -> None:
    """Every item is done exactly once, and nothing else is left."""
    chance = random.Random(seed)
    server = start_server()
    call = server.start()
    with closing(sqlite3.connect(server.data / "jobs.sqlite", timeout=10)) as ledger:
        ledger.execute("CREATE TABLE done (item_id INTEGER)")
        ledger.execute(
            "CREATE TRIGGER watch AFTER UPDATE OF status ON items WHEN new.status = 'done'"
            " BEGIN INSERT INTO done VALUES (new.item_id); END"
        )
    for number in range(3):
        write_dicom(share / f"in-{number}", 60)
    ids = [
        call.create(
            source_path=rf"{SHARE}\in-{number}",
            destination_path=rf"{SHARE}\out-{number}",
            anonymizedpatientid=f"P-{number}",
        )["job_id"]
        for number in range(3)
    ]
    for _ in range(6):
        time.sleep(chance.uniform(0.05, 0.8))
        workers_ = _workers(server)
        if chance.random() < 0.5 and workers_:
            os.kill(chance.choice(workers_), signal.SIGKILL)
            continue
        server.kill()
        wait_until(lambda pids=workers_: not any(map(alive, pids)))  # type: ignore[misc]
        call = server.start()
    jobs = [call.wait(job_id) for job_id in ids]
    assert [(job["status"], job["files_processed"], job["error"]) for job in jobs] == [
        ("DONE", 60, None)
    ] * 3
    with closing(sqlite3.connect(server.data / "jobs.sqlite")) as ledger:
        done = Counter(item_id for (item_id,) in ledger.execute("SELECT item_id FROM done"))
        assert sorted(done.values()) == [1] * 180
        outcomes = ledger.execute("SELECT status, count(*) FROM items GROUP BY status").fetchall()
        assert outcomes == [("done", 180)]
    for number in range(3):
        found = files_below(share / f"out-{number}")
        assert len(found) == 60
        assert all(path.suffix == ".dcm" and path.is_file() for path in found)
        assert {len(dcmread(path).PixelData) for path in found} == {128 * 128 * 2}
    assert_tidy(share)


def _workers(server: ServeProcess) -> list[int]:
    assert server.process is not None
    tasks = Path(f"/proc/{server.process.pid}/task")
    found = []
    for task in tasks.iterdir():
        for pid in (task / "children").read_text().split():
            try:
                if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(int(pid))
            except FileNotFoundError:  # it has just ended
                continue
    return found


# --- 2: full disk, failing fsync


def _can_mount() -> bool:
    done = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.mark.skipif(
    sys.platform != "linux" or not _can_mount(), reason="needs unshare -rm and tmpfs"
)
def test_a_full_disk_is_told_and_the_job_goes_on_when_there_is_room(
    ledger: Ledger, share: Path, tmp_path: Path
) -> None:
    """The destination is a disk of 2 MB; 80 files of 39 kB do not fit on it."""
    write_dicom(share / "in", 80)
    (share / "out").mkdir()
    script = f"""
import json
from pathlib import Path
from pydicom import dcmread
from anontui.server.engine import Processes
from anontui.idis.model import JobStatus
from anontui.server.folder import DataFolder
from anontui.server.store import Store
from tests.server.conftest import Ledger
from tests.server.running import *
if __name__ == "__main__":
    folder = DataFolder(Path({str(ledger.folder.path)!r}))
    database = folder.database()
    ledger = Ledger(folder, database, Store(database), None, Path({str(share)!r}))
    filler = ledger.share / "out" / "filler"
    filler.write_bytes(bytes(500_000))
    with running(ledger, Processes(2)):
        job = ended(ledger.store, create(ledger.store))
        told = [job["status"], job["error"], job["retries"]]
        subprocess.run(["mount", "-o", "remount,size=20m", str(ledger.share / "out")], check=True)
        filler.unlink()
        ledger.store.modify(1, {{}}, JobStatus.ACTIVE)
        again = ended(ledger.store, 1)
    files = delivered(ledger.share)
    sizes = {{len(dcmread(path).PixelData) for path in files}}
    print(json.dumps([told, again["status"], again["files_processed"], len(files), len(sizes)]))
"""
    path = tmp_path / "full.py"
    path.write_text("import subprocess\n" + script)
    inside = f"mount -t tmpfs -o size=2m tmpfs {share / 'out'} && exec {sys.executable} {path}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", inside],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    text = "Could not move file to the destination: No space left on device"
    [told, status, processed, files, sizes] = yaml.safe_load(done.stdout or done.stderr)
    assert told == ["ERROR", text, 1]
    assert (status, processed, files, sizes) == ("DONE", 80, 80, 1)


def test_a_disk_that_cannot_sync_is_told_and_nothing_counts_as_done(
    ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "RETRY_AFTER", (0.5,) * 20)
    write_dicom(share / "in", 5)
    (share / "broken").touch()
    with running(ledger, Processes(1, workers.unsynced)):
        job = ended(ledger.store, create(ledger.store))
        text = "Could not move file to the destination: Input/output error"
        assert (job["status"], job["error"]) == ("ERROR", text)
        assert delivered(share) == []
        assert set(statuses(ledger.store, 1)) == {"waiting"}
        (share / "broken").unlink()
        wait_until(lambda: status_of(ledger.store, 1) is JobStatus.DONE)
    assert len(delivered(share)) == 5


# --- 4: damaged files


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_files_are_held_and_never_tell_a_name(
    ledger: Ledger, share: Path, seed: int
) -> None:
    chance = random.Random(seed)
    whole = write_dicom(share / "in", 1, name=NAME)[0].read_bytes()
    for length in (0, 100, 300, 2_000, 9_000, 39_000):
        (share / "cut").mkdir(exist_ok=True)
        (share / "cut" / f"{length}.dcm").write_bytes(whole[:length])
    for number in range(40):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(132, 3_000)] ^= 1 << chance.randrange(8)
        (share / "flipped").mkdir(exist_ok=True)
        (share / "flipped" / f"{number}.dcm").write_bytes(data)
    with running(ledger, Processes(2)):
        cut = ended(ledger.store, create(ledger.store, "cut", "out"))
        ended(ledger.store, create(ledger.store, "flipped", "out-2"))
    assert (cut["status"], cut["files_processed"]) == ("ERROR", 0)
    assert delivered(share) == []
    assert set(statuses(ledger.store, 2)) <= {"done", "quarantined", "rejected"}
    assert len(statuses(ledger.store, 2)) == 40
    for path in delivered(share, "out-2"):
        assert b"Jansen" not in path.read_bytes()
    assert_tidy(share)


# --- 5: bombs, and paths that lead out


def test_bombs_are_held_with_bounded_memory(ledger: Ledger, share: Path) -> None:
    [path] = write_dicom(share / "in", 1)
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    head = _file_head(path)
    element = struct.pack("<HH2sHI", 0x0009, 0x1010, b"OB", 0, 0xFFFFFFFE)
    (share / "in" / "bomb.dcm").write_bytes(head + _deflated(element) + 4_096 * _deflated(b"", 20))
    nested = b"".join(
        struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
        + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
        for _ in range(5_000)
    )
    plain = path.read_bytes()
    start = len(_file_head(path, b"1.2.840.10008.1.2.1"))
    (share / "in" / "nested.dcm").write_bytes(plain[:start] + nested + plain[start:])
    engine = Processes(1)
    with running(ledger, engine):
        job = ended(ledger.store, create(ledger.store))
        pool = engine._crew._pool
        assert pool is not None
        peaks = [
            int(line.split()[1])
            for pid in pool._processes
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        ]
    assert (job["status"], job["files_processed"]) == ("DONE", 1)
    assert statuses(ledger.store, 1) == ["done", "quarantined", "quarantined"]
    assert max(peaks) < 1.25 * (1 << 20), "kB of one worker; the bomb is of 4 GB"


def _deflated(data: bytes, zeros: int = 0) -> bytes:
    """A piece of a deflated stream: data, or so many zeros as a power of two."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    piece = deflate.compress(data + bytes(1 << zeros if zeros else 0))
    return piece + deflate.flush(zlib.Z_FULL_FLUSH)


def _file_head(path: Path, syntax: bytes = b"1.2.840.10008.1.2.1.99") -> bytes:
    """Preamble and file meta information of a file, with another transfer syntax."""
    data = path.read_bytes()
    (length,) = struct.unpack("<I", data[140:144])
    meta = data[144 : 144 + length]
    old = dcmread(path).file_meta.TransferSyntaxUID.encode()
    at = meta.index(old) - 8
    (old_length,) = struct.unpack("<H", meta[at + 6 : at + 8])
    new = syntax + b"\0" * (len(syntax) % 2)
    element = meta[at : at + 6] + struct.pack("<H", len(new)) + new
    meta = meta[:at] + element + meta[at + 8 + old_length :]
    return data[:140] + struct.pack("<I", len(meta)) + meta


@pytest.mark.parametrize("name", ["../secret.dcm", "/etc/passwd", "link.dcm", "pipe", "way/x.dcm"])
def test_a_selection_reads_nothing_outside_the_share(
    ledger: Ledger, share: Path, tmp_path: Path, name: str
) -> None:
    [secret] = write_dicom(tmp_path / "outside", 1)
    secret.rename(share / "secret.dcm")
    write_dicom(tmp_path / "outside", 1)[0].rename(tmp_path / "outside" / "x.dcm")
    (share / "in" / "link.dcm").symlink_to(tmp_path / "outside" / "x.dcm")
    (share / "in" / "way").symlink_to(tmp_path / "outside")
    os.mkfifo(share / "in" / "pipe")
    (share / "in" / "fileselection.txt").write_text(yaml.safe_dump({"selected_paths": [name]}))
    with running(ledger, Processes(1, workers.obedient)):
        source = rf"fileselection:{SHARE}\in\fileselection.txt"
        job = ended(ledger.store, create(ledger.store, source_path=source))
    assert job["status"] == "ERROR"
    assert delivered(share) == []
    assert name not in str(job["error"])


# --- 8: all at once


def test_fifty_threads_over_a_running_job_leave_a_legal_history(
    ledger: Ledger, share: Path
) -> None:
    words(share / "in", *["copy"] * 30)
    start = threading.Barrier(50)
    with running(ledger, Processes(2, workers.obedient)):
        job_id = create(ledger.store)

        def client(seed: int) -> None:
            chance = random.Random(seed)
            start.wait()
            for _ in range(4):
                to = chance.choice([JobStatus.ACTIVE, JobStatus.INACTIVE])
                ledger.store.modify(job_id, {}, to)
                time.sleep(chance.uniform(0, 0.2))

        threads = [threading.Thread(target=client, args=(seed,)) for seed in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ledger.store.modify(job_id, {}, JobStatus.ACTIVE)
        job = ended(ledger.store, job_id)
    assert (job["status"], job["files_processed"]) == ("DONE", 30), job["error"]
    found = history(ledger.store, job_id)
    for old, new in pairwise(found):
        assert JobStatus(old) in TRANSITIONS[JobStatus(new)]
    attempts = ledger.database.rows("SELECT attempt, outcome FROM attempts")
    assert Counter(row["outcome"] for row in attempts)[None] == 0
    assert len({row["attempt"] for row in attempts}) == len(attempts)
    assert statuses(ledger.store, job_id) == ["done"] * 30
    assert len(delivered(share)) == 30
    assert_tidy(share)


# --- 10: clocks


@pytest.fixture
def wild_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A wall clock that jumps ten years, forth and back, each time it is read."""
    chance = random.Random(0)
    real, real_datetime = time.time, datetime

    def jump() -> timedelta:
        return timedelta(days=3653) * chance.choice((-1, 1))

    class Wild(datetime):
        @classmethod
        def now(cls, tz: object = None) -> Wild:
            return cls.fromisoformat((real_datetime.now() + jump()).isoformat())

    monkeypatch.setattr(time, "time", lambda: real() + jump().total_seconds())
    monkeypatch.setattr(users_module, "datetime", Wild)
    yield


@pytest.mark.usefixtures("wild_clock")
def test_a_clock_that_jumps_ten_years_changes_no_lease_and_no_order(
    ledger: Ledger, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "RETRY_AFTER", (0.5, 600.0))
    words(share / "in", *["slow"] * 30)
    words(share / "full", "full")
    with running(ledger, Processes(2, workers.obedient)):
        ids = [create(ledger.store, destination=f"out-{number}") for number in range(4)]
        full = create(ledger.store, "full", "out-full")
        jobs = [ended(ledger.store, job_id) for job_id in ids]
        wait_until(lambda: history(ledger.store, full).count("ERROR") == 2)
        time.sleep(0.5)
    assert [job["status"] for job in jobs] == ["DONE"] * 4
    assert len({str(job["date"])[:4] for job in jobs}) == 2, "the clock did jump"
    for job_id in ids:
        assert {row["attempts"] for row in ledger.store.items(job_id)} == {1}, "no lease ended"
    assert job_of(ledger.store, full)["retries"] == 2, "the long wait is still on"
    rows = ledger.store.audit(limit=10_000)
    started = [row["job_id"] for row in rows if row["what"] == "started"]
    assert started[:4] == ids
