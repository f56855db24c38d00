"""What the server costs: over the bare engine, with a full ledger, and while idle.

Run as ``python -m tests.bench.bench_server [SLICES]``. Runs alternate, so that a busy machine
slows both sides of a ratio.
"""

from __future__ import annotations

import os
import pickle
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from pydicom import dcmread
from pydicom.data import get_testdata_file

from anontui.deid import Deidentifier, Policy, Pseudonym
from anontui.server.claims import Claims
from anontui.server.database import Database
from anontui.server.dispatch import CHUNK_ITEMS
from anontui.server.items import Held
from anontui.server.store import Store
from anontui.server.users import Users
from anontui.server.worker import Chunk, Orders, work
from tests.server.running import fields
from tests.server.support import Caller, ServeProcess

KEY = b"k" * 32
RUNS = 5
SIDE = 512  # pixels of a slice
IDLE_SECONDS = 10


def seconds(call: Callable[[], object]) -> float:
    """How long ``call`` takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def write_slices(folder: Path, count: int) -> None:
    """CT slices of half a megabyte, of one series."""
    folder.mkdir(parents=True)
    dataset = dcmread(get_testdata_file("CT_small.dcm"))  # type: ignore[arg-type]
    dataset.Rows = dataset.Columns = SIDE
    dataset.PixelData = os.urandom(2 * SIDE * SIDE)
    for number in range(count):
        dataset.SOPInstanceUID = f"1.2.3.4.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.save_as(folder / f"{number:05}.dcm")
    os.sync()


def synced_alone(sources: list[Path], target: Path) -> None:
    """A chunk as somebody without a server would do it: each file synced by itself."""
    deidentifier = Deidentifier(Policy.basic(), KEY, Pseudonym("P", "P"))
    for source in sources:
        deidentifier.file(source, target / source.name)


class Bare:
    """The engine alone, on as many processes: no ledger, no names by identifiers."""

    def __init__(self, source: Path, target: Path) -> None:
        self._files = sorted(source.iterdir())
        self._target = target
        self._pool = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"))
        self._policy = pickle.dumps(Policy.basic())

    def close(self) -> None:
        self._pool.shutdown()

    def chunks(self) -> list[list[Path]]:
        starts = range(0, len(self._files), CHUNK_ITEMS)
        return [self._files[start : start + CHUNK_ITEMS] for start in starts]

    def in_chunks(self) -> None:
        """With the server's own function for a chunk, which syncs many files at once."""
        orders = Orders(self._files[0].parent, self._target, self._policy, KEY, "P", "P")
        futures = [
            self._pool.submit(work, Chunk(orders, tuple(self._held(files))))
            for files in self.chunks()
        ]
        done = sum(len(future.result().outcomes) for future in futures)
        assert done == len(self._files) == len(list(self._target.iterdir()))

    def one_by_one(self) -> None:
        """With the engine's public call."""
        for future in [
            self._pool.submit(synced_alone, files, self._target) for files in self.chunks()
        ]:
            future.result()
        assert len(list(self._target.iterdir())) == len(self._files)

    def _held(self, files: list[Path]) -> list[Held]:
        return [Held(int(file.stem) + 1, "me", 1, str(file), 1) for file in files]

    def clear(self) -> None:
        """Forget the last run's results."""
        shutil.rmtree(self._target, ignore_errors=True)
        self._target.mkdir()


def whole_server(call: Caller, share: Path, count: int) -> None:
    """One job from its creation over the web API to DONE."""
    job = call.wait(call.create()["job_id"], seconds=600)
    assert (job["status"], job["files_processed"]) == ("DONE", count), job
    assert job["files_processed"] == len(list((share / "out").rglob("*.dcm")))


def bench_job(folder: Path, count: int) -> None:
    """The whole server against the bare engine, both with their processes running."""
    share = folder / "share"
    write_slices(share / "in", count)
    server = ServeProcess(folder / "data", share)
    call = server.start()
    bare = Bare(share / "in", folder / "bare")
    times: dict[str, list[float]] = {"server": [], "bare": [], "bare, synced one by one": []}
    try:
        for run in range(RUNS + 1):
            for name, do in {
                "server": lambda: whole_server(call, share, count),
                "bare": bare.in_chunks,
                "bare, synced one by one": bare.one_by_one,
            }.items():
                shutil.rmtree(share / "out", ignore_errors=True)
                bare.clear()
                os.sync()
                took = seconds(do)
                if run:  # the first one started the processes
                    times[name].append(took)
    finally:
        server.kill()
        bare.close()
    for name, found in times.items():
        ratio = median(s / b for s, b in zip(times["server"], found, strict=True))
        rate = count / median(found)
        print(f"{name:24} {median(found):6.2f} s  {rate:6.0f}/s  server/it {ratio:.2f}")
    print("  wanted: server/bare at most 1.3")


def bench_ledger(folder: Path) -> None:
    """Creating and claiming, in an empty ledger and in one of 10,000 jobs."""
    ledgers = {}
    for name, jobs in (("empty", 0), ("full", 10_000)):
        database = Database(folder / f"{name}.sqlite")
        Users(database).add("alice")
        store = Store(database)
        store.create_many("alice", [(str(number), fields()) for number in range(jobs)])
        with database.transaction() as connection:
            connection.execute("UPDATE jobs SET status = 'DONE' WHERE job_id % 2")
        ledgers[name] = (store, Claims(database, "me"), database)
    times: dict[str, list[float]] = {}
    for _ in range(400):
        for name, (store, claims, _database) in ledgers.items():
            took = seconds(lambda store=store: store.create("alice", fields()))  # type: ignore[misc]
            times.setdefault(f"create {name}", []).append(took)
            times.setdefault(f"claim {name}", []).append(seconds(claims.take))
    for what in ("create", "claim"):
        empty, full = (median(times[f"{what} {name}"]) for name in ledgers)
        print(f"{what}: {1e3 * empty:.2f} ms, among 10,000 jobs {1e3 * full:.2f} ms: "
              f"{full / empty:.2f} (wanted: at most 1.2)")  # fmt: skip
    for _store, _claims, database in ledgers.values():
        database.close()


def bench_idle(folder: Path) -> None:
    """Processor time and memory of a server that did one job and has nothing to do."""
    share = folder / "share"
    write_slices(share / "in", 4)
    server = ServeProcess(folder / "data", share)
    policy = folder / "data" / "projects" / "Wetenschap-Algemeen" / "policy.yml"
    policy.parent.mkdir(parents=True)
    policy.write_text("options: [retain-device-identity]\n")
    call = server.start()
    try:
        call.wait(call.create()["job_id"])
        time.sleep(1)
        assert server.process is not None
        pid = server.process.pid
        before = _ticks(pid)
        time.sleep(IDLE_SECONDS)
        used = (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK")
        text = Path(f"/proc/{pid}/status").read_text()
        memory = next(int(line.split()[1]) for line in text.splitlines() if "VmRSS" in line)
    finally:
        server.kill()
    print(f"idle: {100 * used / IDLE_SECONDS:.1f} % CPU (wanted: 0), "
          f"{memory / 1024:.0f} MB (wanted: at most 80)")  # fmt: skip


def _ticks(pid: int) -> int:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    for bench in (bench_ledger, bench_idle, lambda folder: bench_job(folder, count)):
        with tempfile.TemporaryDirectory() as name:
            bench(Path(name))


if __name__ == "__main__":
    main()
