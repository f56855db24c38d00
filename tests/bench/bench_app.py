"""The whole app at a pty: what its user waits for, against a bare Textual app in the same run.

Run as ``python -m tests.bench.bench_app``. It makes a project with a mapping of 100,000 rows, a
batch of 1,000 jobs on a staged server, and a folder of 20,000 files on a share that takes a
millisecond for each stat (``slow_stat.c``, built with ``cc`` and preloaded).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from anontui.project.batch import Batch
from anontui.settings import Server, Settings
from anontui.unc import ShareMap
from tests.bench.bench_tui import DOWN, QUIT, UP, Run, Table, app_command, latencies, run_once
from tests.bench.pty_meter import Terminal
from tests.idis.answers import EXTENDED
from tests.idis.fake_server import Answer, FakeServer, Request

APP = [sys.executable, "-m", "anontui"]
FILES, ROWS, JOBS = 20_000, 100_000, 1_000
SHARE = r"\\srv\share\lung-ct"
LEFT_ON = b"LUNG-000003"
"""What is on the screen when the mapping is."""


def write_project(folder: Path, rows: int) -> None:
    """A mapping of so many rows."""
    lines = [
        "## Description ##\nLung study\n\n## Options ##",
        f"root_source_path,{SHARE}\nproject,Wetenschap-Algemeen\ndestination_path,{SHARE}\\out\n",
        "## Mapping ##\nsource,pseudo_id,pseudo_name,description",
        *(f"folder:data/patient{n},LUNG-{n:06},LUNG-{n:06},baseline" for n in range(rows)),
    ]
    folder.mkdir(parents=True)
    (folder / "anon_mapping.csv").write_text("\n".join(lines) + "\n")


class LiveServer(FakeServer):
    """Five of its jobs change each time it is asked."""

    turn = 0

    def next_for(self, request: Request) -> Answer:
        """Answer as IDIS does."""
        if "get_jobs_list" not in request.path:
            return Answer(404, {"404": "no such call", "documentation": {}})
        self.turn += 1
        wanted = map(int, request.form["job_ids"])
        return Answer(body={str(job_id): self.job(job_id) for job_id in wanted})

    def job(self, job_id: int) -> dict[str, object]:
        """One job, as it is now."""
        moves = job_id <= 5
        return EXTENDED | {
            "job_id": job_id,
            "status": "UPLOADED" if moves else "DONE",
            "files_downloaded": 3000,
            "files_processed": 1000 + self.turn if moves else 3000,
        }


@contextmanager
def opened(folder: Path, home: Path, env: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """The app on a project, drawn and at rest."""
    settings = {"ANONTUI_SETTINGS": str(home / "settings.yml"), "HOME": str(home)}
    with Terminal([*APP], cwd=folder, env={**settings, **(env or {})}) as terminal:
        yield terminal


@dataclass(frozen=True)
class Started(Run):
    """What one whole run of the app costs; ``start`` is when the mapping is there."""

    first: float


def start(folder: Path, home: Path) -> Started:
    """Start the app, leave it alone, end it."""
    with opened(folder, home) as terminal:
        first, begun = terminal.wait_for(), terminal.wait_for(LEFT_ON)
        terminal.settle(1.0)
        return Started(begun, terminal.idle(3), terminal.end(QUIT), first)


def starts(table: Table, small: Path, large: Path, home: Path, rounds: int) -> None:
    """Start, idle, quit; the same with a large mapping."""
    bare, runs_of = list[Run](), {"1,000 rows": list[Started](), f"{ROWS:,} rows": list[Started]()}
    for _ in range(rounds):
        bare.append(run_once(app_command("bare")))
        for folder, runs in zip((small, large), runs_of.values(), strict=True):
            runs.append(start(folder, home))
    least = median(run.start for run in bare)
    for what, runs in runs_of.items():
        table.ratio(f"start to first paint, {what}", least, median(r.first for r in runs), 2)
        table.limit(f"idle, {what}", median(r.idle for r in runs), 0, "B/s")
        table.limit(f"quit (ctrl+q), {what}", median(r.quit for r in runs), 1, "s")
    few, many = (median(r.start for r in runs) for runs in runs_of.values())
    table.ratio("start to the mapping, 100,000 against 1,000", few, many, 1.5)


def keys(table: Table, small: Path, large: Path, home: Path, rounds: int) -> None:
    """A key in the mapping, in view and scrolling."""
    with (
        Terminal(app_command("echo")) as echo,
        opened(small, home) as few,
        opened(large, home) as many,
    ):
        echo.wait_for()
        for terminal in (few, many):
            terminal.wait_for(LEFT_ON)
        for terminal in (echo, few, many):
            terminal.settle(1.0)
        for terminal in (few, many):
            terminal.burst(b"3")
        least, *both = latencies([echo, few, many], [DOWN, UP], rounds)
        table.ratio("key in view, against one line written anew", least[0], both[0][0], 1.5)
        table.ratio("key in view, 100,000 rows against 1,000", both[0][0], both[1][0], 1.5)
        for terminal in (few, many):
            for _ in range(30):
                terminal.burst(DOWN, quiet=0.02, timeout=0.2)
            terminal.settle()
        rolling = latencies([few, many], [DOWN], rounds)
        table.ratio("key scrolling, against one line written anew", least[0], rolling[0][0], 4)
        table.ratio("key scrolling, 100,000 against 1,000", rolling[0][0], rolling[1][0], 1.5)


def live(table: Table, small: Path, home: Path) -> None:
    """Bytes for each answer of a server in which five jobs changed."""
    server = LiveServer()
    try:
        write_settings(home, small, server.url)
        Batch(tuple(range(1, JOBS + 1)), "p01", server.url).save(small)
        with opened(small, home) as terminal:
            terminal.wait_for(b"UPLOADED")
            terminal.burst(b"4")
            terminal.settle(0.3)
            terminal.idle(3)
            turn, size = server.turn, terminal.idle(12) * 12
            turns = (server.turn - turn) / 2  # a changed cell is lit, and goes out again
            table.limit("live refresh of 5 jobs", size / turns / 2, 1024, "B")
    finally:
        server.close()
        (small / ".anonbatch").unlink(missing_ok=True)
        write_settings(home, small, "http://127.0.0.1:9")


def stall(table: Table, folder: Path, home: Path, slow: Path) -> None:
    """The slowest key while 20,000 files are listed and looked into on a slow share."""
    share = folder / "data"
    with opened(folder, home, {"LD_PRELOAD": str(slow), "SLOW_STAT": str(share)}) as terminal:
        terminal.wait_for(LEFT_ON)
        terminal.settle(1.0)
        calm = worst_key(terminal, 3)
        terminal.burst(b"2")
        terminal.burst(DOWN + b"\x1b[C", quiet=0.2)  # data, opened
        listing = worst_key(terminal, 5)
        terminal.burst(b"2", quiet=0.02, timeout=0.2)
        terminal.burst(b" ", quiet=0.02, timeout=0.2)  # marked: its files are looked into
        terminal.wait_for(b"Looking into")
        looking = worst_key(terminal, 5)
        busy = terminal.end(QUIT)
    print(f"{'slowest key, nothing running':57}{calm * 1000:8.1f} ms")
    table.limit(f"slowest key, {FILES:,} files listed at 1 ms a stat", listing * 1000, 100, "ms")
    table.limit(f"slowest key, {FILES:,} files looked into", looking * 1000, 100, "ms")
    table.limit("quit (ctrl+q) while they are looked into", busy, 1, "s")


def worst_key(terminal: Terminal, seconds: float) -> float:
    """Go up and down in the mapping at the pace of a held key; the longest answer in seconds."""
    terminal.burst(b"3", quiet=0.02, timeout=0.2)
    end, worst = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        for key in (DOWN, UP):
            worst = max(worst, terminal.burst(key, quiet=0.02, timeout=5).last)
    return worst


def write_settings(home: Path, folder: Path, url: str) -> None:
    """One server, and the project's folder as a share."""
    Settings(
        path=home / "settings.yml",
        servers=(Server("p01", url),),
        active_server_name="p01",
        user_name="z123456",
        user_token="invented",
        shares=ShareMap(((SHARE, folder),)),
    ).save()


def build(folder: Path) -> Path:
    """Build what delays each stat."""
    made, source = folder / "slow_stat.so", Path(__file__).with_name("slow_stat.c")
    flags = ["-D_FILE_OFFSET_BITS=64", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "-o", made, source, "-ldl"], check=True)
    return made


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        small, large = home / "small", home / "large"
        write_project(small, 1000)
        write_project(large, ROWS)
        write_settings(home, small, "http://127.0.0.1:9")
        (small / "data").mkdir()
        for number in range(FILES):
            (small / "data" / f"1.2.826.0.1.{number}.dcm").write_bytes(b"\0" * 128 + b"DICM")
        table = Table()
        starts(table, small, large, home, rounds)
        keys(table, small, large, home, rounds * 3)
        stall(table, small, home, build(home))
        live(table, small, home)


if __name__ == "__main__":
    main()
