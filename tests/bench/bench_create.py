"""How fast jobs are created, against ``anon`` and against a bare loop over open connections.

``python -m tests.bench.bench_create --anon PATH`` with the path of AnonAPI's program. The
server answers each call after 20 ms. Runs alternate, so that a busy machine slows all sides
of a ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs

import httpx

from anontui.events import result_of
from anontui.idis.client import Client
from anontui.operations.calls import AT_ONCE
from anontui.operations.creating import create, plan
from anontui.operations.workspace import Workspace
from anontui.project.batch import Batch
from anontui.project.mapping import Mapping
from anontui.settings import Settings

LATENCY = 0.02
"""Seconds between a call and its answer."""
USER, TOKEN = "z123456", "bench"


class WebAPI(asyncio.Protocol):
    """Enough of a web API to create jobs, and quick, so that its latency is what counts."""

    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        lines = head.lower().split(b"\r\n")
        sizes = [line.split(b":")[1] for line in lines if line.startswith(b"content-length:")]
        size = int(sizes[0]) if sizes else 0
        if len(body) >= size:
            self.buffer = body[size:]
            answer = self.answer(head.split(b" ")[1].decode(), parse_qs(body[:size].decode()))
            asyncio.get_running_loop().call_later(LATENCY, self.send, answer)

    def answer(self, path: str, form: dict[str, list[str]]) -> dict[str, object]:
        if not path.endswith("/create_job"):
            return {}
        WebAPI.count += 1
        field = {name: values[0] for name, values in form.items()}
        return {
            "job_id": WebAPI.count,
            "date": "2024-03-11T10:00:00",
            "user_name": USER,
            "status": "ACTIVE",
            "error": None,
            "description": field.get("description"),
            "project_name": field["project_name"],
            "priority": 10,
            "files_downloaded": 0,
            "files_processed": 0,
            "destination_path": field["destination_path"],
            "source_instance_id": field["source_instance_id"],
            "source_anonymizedpatientid": field["anonymizedpatientid"],
            "source_anonymizedpatientname": field["anonymizedpatientname"],
        }

    def send(self, answer: dict[str, object]) -> None:
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self.transport.write(head.encode() + b"\r\n\r\n" + body)


def serve(ready: Connection) -> None:
    """Serve until the process is ended; tells its port first."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(WebAPI, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def web_api() -> Iterator[str]:
    """The server, in a process of its own; gives its url."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.kill()
        process.join()


def make_project(folder: Path, rows: int, url: str) -> Workspace:
    """A project with a mapping of studies in a PACS, and settings that both programs read."""
    folder.mkdir(parents=True)
    lines = "".join(f"accession_number:1234567.{n},LUNG-{n},LUNG-{n},bench\n" for n in range(rows))
    path = folder / "anon_mapping.csv"
    path.write_text(
        "## Description ##\nbench\n\n## Options ##\nproject,Lung\n"
        "root_source_path,\\\\server\\share\\in\n"
        "destination_path,\\\\server\\share\\out\n\n"
        f"## Mapping ##\nsource,pseudo_id,pseudo_name,description\n{lines}"
    )
    settings = Settings(
        path=folder / "AnonWebAPIClientSettings.yml",
        user_name=USER,
        user_token=TOKEN,
        active_mapping_file=str(path),
    )
    settings = settings.with_server("bench", url).activated("bench")
    settings.save()
    return Workspace(folder, settings)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run(command: list[str], project: Workspace, answer: str = "") -> None:
    """Run a program in a project, with the project's settings."""
    environment = os.environ | {
        "HOME": str(project.folder),
        "ANONTUI_SETTINGS": str(project.settings.path),
    }
    done = subprocess.run(
        command,
        cwd=project.folder,
        env=environment,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )
    batch = Batch.load(project.folder)
    rows = len(Mapping.load(project.mapping_path).rows)
    assert batch and len(batch.job_ids) == rows, done.stdout + done.stderr


def create_all(project: Workspace) -> None:
    """Create the jobs with our operation, from the plan on."""
    mapping = Mapping.load(project.mapping_path)
    with Client(project.settings.active_server.url, USER, TOKEN) as client:
        result_of(create(project, plan(project, mapping), client))


def bare_loop(project: Workspace) -> None:
    """Post the same forms from as many threads, and do nothing else."""
    planned = plan(project, Mapping.load(project.mapping_path))
    forms = [job.request.to_form() for job in planned.ready if job.request]
    url = f"{planned.server.url}/create_job"
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    with httpx.Client(limits=limits) as client, ThreadPoolExecutor(AT_ONCE) as pool:

        def post(form: dict[str, str]) -> None:
            client.post(url, data={"user_name": USER, **form}).raise_for_status()

        list(pool.map(post, forms))


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--anon", help="the program of AnonAPI 2.1.2")
    arguments = parser.parse_args()
    words = ["create", "from-mapping"]
    with tempfile.TemporaryDirectory() as place, web_api() as url:
        figures: dict[str, list[float]] = {}
        for number in range(arguments.rounds):

            def measured(name: str, work: Callable[[Workspace], None], at: int = number) -> None:
                project = make_project(Path(place) / name / str(at), arguments.rows, url)
                figures.setdefault(name, []).append(seconds(lambda: work(project)))

            measured("bare loop", bare_loop)
            measured("operation", create_all)
            measured("anontui", lambda p: run([sys.executable, "-m", "anontui", *words, "-y"], p))
            if arguments.anon:
                measured("anon", lambda p: run([arguments.anon, *words], p, "y\n"))
        found = {name: median(times) for name, times in figures.items()}
    for name, time_ in found.items():
        print(f"{name:10} {time_:8.2f} s for {arguments.rows} rows at {LATENCY * 1000:.0f} ms")
    print(f"operation / bare loop  {found['operation'] / found['bare loop']:5.2f}x  at most 1.5x")
    if "anon" in found:
        print(f"anon / anontui         {found['anon'] / found['anontui']:5.2f}x  at least 8x")


if __name__ == "__main__":
    main()
