"""How much the web API takes, against the raw SQL and json.dumps of the same answer.

Run as ``python -m tests.bench.bench_http``. A server runs as a process of its own over a
ledger of 10,000 jobs; ratios are of CPU and time within one run.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlencode, urlsplit

from anontui.idis.model import CORE_FIELDS
from anontui.server.config import ServerConfig
from anontui.server.folder import DataFolder
from anontui.server.store import Store
from anontui.server.users import Users
from anontui.unc import ShareMap

JOBS = 10_000
ASKED = 1_000
SECONDS = 4.0
IDLE_SECONDS = 10.0
TOKEN = "bench-" + "0123456789abcdef" * 2
SHARE = r"\\server\share"
TICKS = os.sysconf("SC_CLK_TCK")


def fill(data: Path) -> None:
    """Make a ledger of many jobs, cancelled, so that nobody works on them."""
    folder = DataFolder(data)
    folder.make()
    share = data.parent / "share"
    share.mkdir()
    folder.config.write(ServerConfig(ShareMap(((SHARE, share),))))
    with closing(folder.database()) as database:
        Users(database).add("alice", TOKEN)
        fields = {
            "source_type": "PATH",
            "source_path": rf"folder:{SHARE}\in",
            "destination_type": "PATH",
            "destination_path": rf"{SHARE}\out",
            "project_name": "Wetenschap-Algemeen",
            "description": "A job of the bench, with a line of text",
            "source_anonymizedpatientid": "P-000001",
            "source_anonymizedpatientname": "P-000001",
        }
        Store(database).create_many("alice", [(None, fields)] * JOBS)
        with database.transaction() as connection:
            connection.execute("UPDATE jobs SET status = 'INACTIVE'")


@contextmanager
def server(data: Path) -> Iterator[tuple[str, int]]:
    """Run ``anontui serve``; yields its url and process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "anontui", "serve", "--data", str(data)],
        stdout=subprocess.DEVNULL,
    )
    try:
        while (found := DataFolder(data).announced()) is None or found[0] != process.pid:
            time.sleep(0.05)
        yield found[1], process.pid
    finally:
        process.terminate()
        process.wait(30)


def cpu_seconds(pid: int) -> float:
    """The processor time that a process has had."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def megabytes(pid: int) -> float:
    """The memory that a process holds, shared libraries included."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(rollup.partition("Rss:")[2].split()[0]) / 1024


def lists(data: Path, url: str, pid: int) -> None:
    """Ask for 1,000 jobs again and again, and do by hand what that must take at least."""
    ids = list(range(1, JOBS + 1, JOBS // ASKED))
    body = urlencode([("user_name", "alice"), *(("job_ids", number) for number in ids)])
    headers = {"Authorization": f"Token {TOKEN}"}
    connection = HTTPConnection(urlsplit(url).netloc)
    ledger = sqlite3.connect(data / "jobs.sqlite")
    sql = (
        f"SELECT {', '.join(CORE_FIELDS)} FROM jobs"
        " WHERE job_id IN (SELECT value FROM json_each(?)) ORDER BY job_id"
    )

    def ask() -> bytes:
        connection.request("GET", "/get_jobs_list", body, headers)
        return connection.getresponse().read()

    def by_hand() -> bytes:
        rows = ledger.execute(sql, (json.dumps(ids),)).fetchall()
        return json.dumps(
            {str(row[0]): dict(zip(CORE_FIELDS, row, strict=True)) for row in rows}
        ).encode()

    assert json.loads(ask()) == json.loads(by_hand())
    ratios, spent, count = [], 0.0, 0
    end = time.monotonic() + 2 * SECONDS
    while time.monotonic() < end:
        before = cpu_seconds(pid)
        asked = timed(ask)
        spent += cpu_seconds(pid) - before
        ratios.append(asked / timed(by_hand))
        count += 10
    print(
        f"get_jobs_list of {ASKED:,} jobs  {median(ratios):6.2f}x raw SQL + json.dumps (gate 1.5x)"
    )
    print(f"  of the server's processor  {count / max(spent, 0.01):6.0f} requests/s (gate 150/s)")


def timed(work: Callable[[], object]) -> float:
    """Seconds that ten take."""
    start = time.perf_counter()
    for _ in range(10):
        work()
    return time.perf_counter() - start


def idle(pid: int) -> None:
    """Look at a server that nobody calls."""
    time.sleep(2)  # its start
    before = cpu_seconds(pid)
    time.sleep(IDLE_SECONDS)
    share = 100 * (cpu_seconds(pid) - before) / IDLE_SECONDS
    print(f"idle server  {share:.1f} % CPU (gate 0 %), {megabytes(pid):.0f} MB (gate 80 MB)")


def beside_hostile_callers(url: str) -> None:
    """How long others wait while somebody sends too much or too little."""
    parts = urlsplit(url)
    address = (str(parts.hostname), int(parts.port or 0))
    fields = urlencode([("user_name", "alice"), *(("job_ids", 1) for _ in range(200_000))])
    head = "POST /create_job HTTP/1.1\r\nHost: x\r\n"
    huge = f"{head}Content-Length: 100000000\r\n\r\n{'x' * 100_000}"
    many = (
        f"GET /get_jobs_list HTTP/1.1\r\nHost: x\r\nContent-Length: {len(fields)}\r\n\r\n{fields}"
    )
    for name, text, clients in (
        ("half-sent headers", head, 300),
        ("bodies of 100 MB", huge, 50),
        ("bodies of 200,000 fields", many, 8),
    ):
        sockets = [socket.create_connection(address) for _ in range(clients)]

        def send(client: socket.socket, text: str = text) -> None:
            try:
                client.sendall(text.encode())
                client.recv(100)
            except OSError:
                pass  # hung up on

        threads = [threading.Thread(target=send, args=(one,), daemon=True) for one in sockets]
        for thread in threads:
            thread.start()
        waits = []
        end = time.monotonic() + 3
        while time.monotonic() < end:
            start = time.perf_counter()
            with closing(HTTPConnection(*address, timeout=20)) as connection:
                connection.request(
                    "GET", "/get_jobs?user_name=alice", headers={"Authorization": f"Token {TOKEN}"}
                )
                assert connection.getresponse().status == 200
            waits.append(time.perf_counter() - start)
        for one in sockets:
            one.close()
        print(
            f"beside {clients} {name}: {len(waits)} calls answered, the slowest after"
            f" {max(waits) * 1000:.0f} ms (gate 1,000 ms)"
        )


def main() -> None:
    """Measure all."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        fill(data)
        with server(data) as (url, pid):
            idle(pid)
            lists(data, url, pid)
            beside_hostile_callers(url)


if __name__ == "__main__":
    main()
