"""A server to call, and data for it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydicom import dcmread
from pydicom.data import get_testdata_file

from anontui.server.listen import Server

SHARE = r"\\server\share"
PROJECT = "Wetenschap-Algemeen"
ALICE_TOKEN = "alice-" + "0123456789abcdef" * 2
BOB_TOKEN = "bob-" + "fedcba9876543210" * 2


@dataclass(frozen=True)
class Caller:
    """Calls the functions of a web API."""

    url: str
    user: str = "alice"
    token: str = ALICE_TOKEN

    def __call__(
        self, method: str, function: str, parameters: Any = (), **more: Any
    ) -> tuple[int, Any]:
        """Return status and decoded answer; parameters go form-encoded into the body."""
        body = urlencode([("user_name", self.user), *_pairs(parameters), *more.items()])
        return self.raw(method, function, body.encode())

    def raw(
        self, method: str, function: str, body: bytes = b"", token: str | None = None
    ) -> tuple[int, Any]:
        token = self.token if token is None else token
        headers = {"Authorization": f"Token {token}"} if token else {}
        with closing(HTTPConnection(urlsplit(self.url).netloc, timeout=30)) as connection:
            connection.request(method, f"/{function}", body, headers)
            answer = connection.getresponse()
            content = answer.read()
        return answer.status, json.loads(content) if content else None

    def job(self, job_id: int) -> dict[str, Any]:
        status, job = self("GET", "get_job", job_id=job_id)
        assert status == 200, job
        return dict(job)

    def create(self, **fields: Any) -> dict[str, Any]:
        status, job = self("POST", "create_job", **(path_job() | fields))
        assert status == 200, job
        return dict(job)

    def wait(self, job_id: int, *, seconds: float = 60) -> dict[str, Any]:
        """Return the job once the server has done with it."""
        found: dict[str, Any] = {}

        def over() -> bool:
            found.update(self.job(job_id))
            return found["status"] not in ("ACTIVE", "UPLOADED")

        wait_until(over, seconds=seconds)
        return found


def _pairs(parameters: Any) -> list[tuple[str, Any]]:
    return list(parameters.items() if isinstance(parameters, dict) else parameters)


def path_job(source: str = "in", destination: str = "out", **more: Any) -> dict[str, Any]:
    """The parameters of a job over folders of the share."""
    return {
        "source_type": "PATH",
        "source_path": rf"folder:{SHARE}\{source}",
        "destination_type": "PATH",
        "destination_path": rf"{SHARE}\{destination}",
        "project_name": PROJECT,
        "anonymizedpatientid": "P-001",
        "anonymizedpatientname": "Patient one",
        "description": "a test",
    } | more


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def write_dicom(folder: Path, count: int, *, name: str = "Jansen^Invented") -> list[Path]:
    """Write CT instances of one study that differ in their UIDs; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset = dcmread(get_testdata_file("CT_small.dcm"))  # type: ignore[arg-type]
    dataset.PatientName = name
    paths = []
    for number in range(1, count + 1):
        dataset.SOPInstanceUID = f"1.2.3.4.{sum(folder.name.encode())}.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        paths.append(folder / f"{number:05}.dcm")
        dataset.save_as(paths[-1])
    return paths


def files_below(folder: Path) -> list[Path]:
    """Every file and folder without content, however hidden."""
    return sorted(p for p in folder.rglob("*") if not p.is_dir() or not any(p.iterdir()))


@contextmanager
def app_server(app: Any, ending: Callable[[], None] = lambda: None) -> Iterator[str]:
    """Run an ASGI application on a loopback socket of this process; yields its url."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ready = threading.Event()
    held: list[tuple[asyncio.AbstractEventLoop, Server]] = []

    async def serve() -> None:
        server = Server(app, ready.set, ending)
        held.append((asyncio.get_running_loop(), server))
        await server.serve([listener])

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield url
    finally:
        loop, server = held[0]
        loop.call_soon_threadsafe(server.end)
        thread.join()


class ServeProcess:
    """``anontui serve`` as a process of its own."""

    def __init__(self, data: Path, share: Path, *more: str) -> None:
        self.data = data
        self.command = ["--data", str(data), "--share", f"{SHARE}={share}", *more]
        self.process: subprocess.Popen[str] | None = None
        self.has_user = False

    def start(self) -> Caller:
        """Start it, or start it again, and return a caller of user alice."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "anontui", "serve", *self.command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # a killed one leaves its address behind
        wait_until(lambda: self._announced()["pid"] == self.process.pid)  # type: ignore[union-attr]
        url = self._announced()["url"]
        if not self.has_user:
            serve(self.data, "user", "add", "alice", "--own-token", stdin=ALICE_TOKEN)
            self.has_user = True
        return Caller(url)

    def _announced(self) -> dict[str, Any]:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(self.process.communicate()[0])
        try:
            return dict(json.loads((self.data / "server.json").read_text()))
        except FileNotFoundError:
            return {"pid": None}

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        self.process.communicate(timeout=30)
        return self.process.returncode


def serve(data: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a subcommand of ``anontui serve`` on a data folder."""
    return subprocess.run(
        [sys.executable, "-m", "anontui", "serve", *words, "--data", str(data)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
