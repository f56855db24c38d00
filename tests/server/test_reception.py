"""What is sent to us: kept once it is acknowledged, and one job a study."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydicom import Dataset, dcmread

from anontui.errors import PacsError
from anontui.pacs.archive import Sending
from anontui.pacs.inbox import Inbox
from anontui.pacs.node import Dimse, Node
from anontui.pacs.ways import Ways
from anontui.server.config import ConfigFile
from anontui.server.incoming import RECEIVED, RECEIVER, Incoming, study_key
from anontui.server.projects import Projects
from anontui.server.reception import Reception
from tests.pacs.peers import ct_study, free_port, to_bytes
from tests.server.conftest import Ledger
from tests.server.support import (
    SHARE,
    Caller,
    ServeProcess,
    alive,
    files_below,
    path_job,
    serve,
    wait_until,
)
from tests.server.test_faults import SEEDS

ADMIN_TOKEN = "root-" + "0123456789abcdef" * 2
Start = Callable[..., ServeProcess]
PROJECT_FILE = rf"""
users: [alice]
receive: LUNG
destination: '{SHARE}\out'
pseudonyms: 'L-{{n:04d}}'
"""


def settings(data: Path, port: int, **more: Any) -> None:
    """Have a data folder receive on a port, for the project Lung."""
    (data / "projects" / "Lung").mkdir(parents=True, exist_ok=True)
    (data / "projects" / "Lung" / "project.yml").write_text(PROJECT_FILE)
    path = data / "server.yml"
    content = yaml.safe_load(path.read_text()) if path.exists() else {}
    content["receiver"] = {"port": port, "running": True, "quiet": 1} | more
    path.write_text(yaml.safe_dump(content))


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(start_server: Start, tmp_path: Path, port: int) -> ServeProcess:
    settings(tmp_path / "data", port)
    return start_server()


def send(port: int, paths: list[Path], called: str = "LUNG", calling: str = "CT") -> list[Path]:
    """Send files once; returns those that were acknowledged."""
    archive = Ways(Node("US", dimse=Dimse(called, "127.0.0.1", port, calling)))
    there: list[Path] = []
    with closing(archive), suppress(PacsError):
        sending = archive.send(paths, lambda: None)
        there.extend(sent.path for sent in sending if sent.what is not Sending.FAILED)
    return there


def send_all(port: int, paths: list[Path]) -> None:
    """Send files again and again until all were acknowledged."""
    left = list(paths)
    end = time.monotonic() + 60
    while left:
        assert time.monotonic() < end, f"{len(left)} were never acknowledged"
        there = set(send(port, left))
        left = [path for path in left if path not in there]
        if left:
            time.sleep(0.1)


def write(folder: Path, *studies: list[Dataset]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, dataset in enumerate(one for study in studies for one in study):
        paths.append(folder / f"{number:04}.dcm")
        paths[-1].write_bytes(to_bytes(dataset))
    return paths


def received_jobs(call: Caller) -> list[dict[str, Any]]:
    status, jobs = call("GET", "get_jobs")
    assert status == 200
    numbers = [("job_ids", number) for number in jobs]
    if not numbers:
        return []
    found = call("GET", "get_jobs_list_extended", numbers)[1]
    return [dict(job) for job in found.values()]


def all_done(call: Caller, count: int) -> list[dict[str, Any]]:
    """The received jobs, once there are so many and all are done."""
    found: list[dict[str, Any]] = []

    def over() -> bool:
        found[:] = received_jobs(call)
        return len(found) >= count and all(
            job["status"] not in ("ACTIVE", "UPLOADED") for job in found
        )

    wait_until(over)
    return found


def listening(call: Caller) -> bool:
    return bool(call("GET", "get_receiver")[1]["running"])


def test_each_study_becomes_one_job(
    server: ServeProcess, share: Path, tmp_path: Path, port: int
) -> None:
    call = server.start()
    wait_until(lambda: listening(call))
    paths = write(tmp_path / "sent", ct_study(0, instances=3), ct_study(1, instances=4))
    send_all(port, paths)
    jobs = all_done(call, 2)
    assert sorted(job["files_processed"] for job in jobs) == [3, 4]
    assert {(job["status"], job["error"]) for job in jobs} == {("DONE", None)}
    assert {job["source_name"] for job in jobs} == {RECEIVED}
    found = [dcmread(path) for path in files_below(share / "out")]
    assert Counter(one.PatientID for one in found).keys() == {"L-0001", "L-0002"}
    assert len(found) == 7
    received = server.data / "incoming" / "received" / "Lung"
    wait_until(lambda: not [one for one in received.iterdir() if one.is_dir()])
    time.sleep(2.5)
    assert len(received_jobs(call)) == 2
    state = call("GET", "get_receiver")[1]
    assert (state["port"], state["projects"], state["received"]) == (port, {"LUNG": "Lung"}, 7)
    log = (server.data / "server.log").read_text()
    for secret in ("Invented", "PID0", "1.2.826", "ACC0"):
        assert secret not in log


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_that_was_acknowledged_is_lost_when_the_server_is_killed(
    server: ServeProcess, share: Path, tmp_path: Path, port: int, seed: int
) -> None:
    chance = random.Random(seed)
    call = server.start()
    paths = write(tmp_path / "sent", *(ct_study(number, instances=25) for number in range(5)))
    sender = threading.Thread(target=send_all, args=(port, paths))
    sender.start()
    for _ in range(4):
        time.sleep(chance.uniform(0.2, 2))
        server.kill()
        call = server.start()
    sender.join()

    def delivered() -> list[str]:
        names = [name for _, _, names in os.walk(share / "out") for name in names]
        return [name for name in names if name.endswith(".dcm")]

    wait_until(lambda: len(delivered()) >= 125)
    jobs = all_done(call, 5)
    assert len(delivered()) == len(set(delivered())) == 125
    assert {job["status"] for job in jobs} == {"DONE"}
    received = server.data / "incoming" / "received"
    wait_until(lambda: not list(received.rglob("*.dcm")))


def test_the_receiver_dies_with_the_server_and_is_started_again_when_it_dies(
    server: ServeProcess, tmp_path: Path, port: int
) -> None:
    call = server.start()
    wait_until(lambda: listening(call))
    [pid] = _receivers(server)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: listening(call) and _receivers(server) not in ([], [pid]))
    send_all(port, write(tmp_path / "sent", ct_study(0)))
    [pid] = _receivers(server)
    server.kill()
    wait_until(lambda: not alive(pid))


def _receivers(server: ServeProcess) -> list[int]:
    """The server's spawned processes that listen for associations."""
    assert server.process is not None
    found = []
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        for pid in (task / "children").read_text().split():
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except FileNotFoundError:
                continue
            if b"spawn_main" in command:
                found.append(int(pid))
    return found


def test_an_admin_starts_and_stops_it_and_the_server_remembers(
    server: ServeProcess, port: int
) -> None:
    settings(server.data, port, running=False)
    call = server.start()
    assert not listening(call)
    assert call("POST", "set_receiver", running=True)[0] == 400, "alice is no admin"
    serve(server.data, "user", "add", "root", "--own-token", "--role", "admin", stdin=ADMIN_TOKEN)
    admin = Caller(call.url, "root", ADMIN_TOKEN)
    status, state = admin("POST", "set_receiver", running=True)
    assert (status, state["running"], state["port"], state["error"]) == (200, True, port, "")
    server.kill()
    call = server.start()
    wait_until(lambda: listening(call))
    admin = Caller(call.url, "root", ADMIN_TOKEN)
    assert admin("POST", "set_receiver", running=False)[1]["running"] is False
    assert ConfigFile(server.data / "server.yml").current().receiver.running is False
    assert send(port, []) == []


def test_a_port_that_is_taken_is_told(server: ServeProcess, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        call = server.start()
        wait_until(lambda: bool(call("GET", "get_receiver")[1]["error"]))
        assert not listening(call)
    wait_until(lambda: listening(call))
    assert call("GET", "get_receiver")[1]["error"] == ""


@pytest.mark.parametrize(
    ("called", "calling", "is_taken"),
    [("LUNG", "CT", True), ("OTHER", "CT", False), ("LUNG", "STRANGER", False)],
)
def test_who_may_send_is_checked(
    server: ServeProcess, tmp_path: Path, port: int, called: str, calling: str, is_taken: bool
) -> None:
    settings(server.data, port, callers=["CT"])
    call = server.start()
    wait_until(lambda: listening(call))
    paths = write(tmp_path / "sent", ct_study(0))
    assert len(send(port, paths, called, calling)) == (3 if is_taken else 0)


def test_nobody_makes_such_a_job_by_the_web_api(call: Caller, ledger: Ledger) -> None:
    name = f"{study_key('1.2.3')}.00000000"
    wanted = path_job(source_type="WADO", source_name=RECEIVED, source_instance_id=name)
    del wanted["source_path"]
    status, answer = call("POST", "create_job", wanted)
    assert (status, list(answer["errors"])) == (400, ["source_name"])
    call.create()
    change = {"source_type": "WADO", "source_name": RECEIVED, "source_instance_id": name}
    status, answer = call("POST", "modify_job", change | {"job_id": 1})
    assert (status, list(answer["errors"])) == (400, ["source_name"])


# --- folders


@contextmanager
def _watched(ledger: Ledger) -> Iterator[Reception]:
    projects = Projects(ledger.folder.projects, ledger.folder.config, ledger.folder.path)
    reception = Reception(ledger.folder, ledger.database, projects)
    reception.start()
    try:
        yield reception
    finally:
        reception.stop()


def test_an_imported_study_is_closed_when_it_is_quiet_and_known_by_its_folder(
    ledger: Ledger,
) -> None:
    settings(ledger.folder.path, 0, running=False)
    inbox = Inbox(Incoming(ledger.folder.path).received("Lung") / study_key("1.2.3"))
    with _watched(ledger):
        for number in range(6):  # for longer than it must be quiet
            with inbox.writing(str(number)) as file:
                file.write(b"x")
            time.sleep(0.3)
        assert not ledger.database.rows("SELECT * FROM jobs")
        wait_until(lambda: bool(ledger.database.rows("SELECT * FROM jobs")))
    [job] = ledger.database.rows("SELECT * FROM jobs")
    assert job["user_name"] == RECEIVER
    folder = Incoming(ledger.folder.path).folder_of(job)
    assert len(list(folder.glob("*.dcm"))) == 6
    with _watched(ledger):
        time.sleep(1.5)
    assert len(ledger.database.rows("SELECT * FROM jobs")) == 1


def test_a_study_without_a_way_to_go_waits_for_it(ledger: Ledger) -> None:
    settings(ledger.folder.path, 0, running=False)
    project = ledger.folder.projects / "Lung" / "project.yml"
    text = project.read_text()
    project.write_text("users: [alice]\n")
    inbox = Inbox(Incoming(ledger.folder.path).received("Lung") / study_key("1.2.3"))
    with inbox.writing("1") as file:
        file.write(b"x")
    with _watched(ledger):
        time.sleep(3)
        assert not ledger.database.rows("SELECT * FROM jobs")
        project.write_text(text)
        wait_until(lambda: bool(ledger.database.rows("SELECT * FROM jobs")))


def test_what_a_received_job_has_is_kept_until_it_is_done(ledger: Ledger) -> None:
    settings(ledger.folder.path, 0, running=False)
    incoming = Incoming(ledger.folder.path)
    inbox = Inbox(incoming.received("Lung") / study_key("1.2.3"))
    with inbox.writing("1") as file:
        file.write(b"x")
    with _watched(ledger):
        wait_until(lambda: bool(ledger.database.rows("SELECT * FROM jobs")))
    [job] = ledger.database.rows("SELECT * FROM jobs")
    for status in ("ACTIVE", "UPLOADED", "ERROR", "INACTIVE"):
        with ledger.database.transaction() as connection:
            connection.execute("UPDATE jobs SET status = ?", (status,))
        incoming.sweep(ledger.database)
        assert incoming.folder_of(job).is_dir()
    with ledger.database.transaction() as connection:
        connection.execute("UPDATE jobs SET status = 'DONE'")
    incoming.sweep(ledger.database)
    assert not incoming.folder_of(job).exists()
