"""Jobs over real archives: killed and frozen in the middle, and the server killed beside them."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from anontui.pacs.node import Node, Timeouts
from anontui.pacs.nodefile import write_nodes
from anontui.server import runner as runner_module
from anontui.server.engine import Processes
from tests.pacs.peers import ORTHANC, Peer, ct_study, peer
from tests.server.conftest import Ledger
from tests.server.running import create, delivered, ended, job_of, running, told
from tests.server.support import Caller, ServeProcess, path_job, wait_until
from tests.server.test_faults import SEEDS

Start = Callable[..., ServeProcess]
PROJECT = "Pipe"
INSTANCES = 300
ROWS = 128  # so that there is time for a fault in the middle
STUDY = "1.2.826.0.1.3680043.10.999.1"
ways = pytest.mark.parametrize(
    "way", ["dimse", pytest.param("web", marks=[] if ORTHANC else pytest.mark.xfail)]
)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Peer]:
    with peer(tmp_path / "source", "SOURCE") as one:
        one.add(*ct_study(0, series=2, instances=INSTANCES // 2, rows=ROWS))
        yield one


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Peer]:
    with peer(tmp_path / "target", "TARGET") as one:
        yield one


def prepared(data: Path, nodes: dict[str, Node]) -> None:
    folder = data / "projects" / PROJECT
    folder.mkdir(parents=True)
    (folder / "project.yml").write_text("users: [alice]\narchives: [SOURCE]\ntargets: [TARGET]\n")
    quick = Timeouts(connect=3, associate=3, answer=3)
    write_nodes(
        data / "nodes.yml", {name: replace(node, timeouts=quick) for name, node in nodes.items()}
    )


def node_of(one: Peer, way: str = "") -> Node:
    return one.node(one.aet, dimse=way != "web", web=way != "dimse")


def from_source(**more: Any) -> dict[str, Any]:
    wanted = path_job(
        source_type="WADO", source_name="SOURCE", source_instance_id=STUDY, project_name=PROJECT
    )
    return {name: value for name, value in (wanted | more).items() if name != "source_path"}


def to_target() -> dict[str, str]:
    return {"destination_type": "NODE", "destination_path": "TARGET"}


def pipe_job(ledger: Ledger, **more: Any) -> int:
    fields = {
        "source_type": "WADO",
        "source_path": None,
        "source_name": "SOURCE",
        "source_instance_id": STUDY,
        "project_name": PROJECT,
    }
    return create(ledger.store, **fields | more)


@ways
@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_an_archive_that_fails_in_mid_transfer_costs_nothing(
    ledger: Ledger,
    share: Path,
    source: Peer,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    fault: str,
) -> None:
    """Never DONE while short; what came before is not fetched again."""
    monkeypatch.setattr(runner_module, "RETRY_AFTER", (1.0,) * 30)
    prepared(ledger.folder.path, {"SOURCE": node_of(source, way)})
    incoming = ledger.folder.path / "incoming" / "jobs" / "1"

    def came() -> dict[str, int]:
        found: dict[str, int] = {}
        with suppress(FileNotFoundError):  # they are deleted at the end
            for folder in incoming.iterdir():
                found |= {one.name: one.inode() for one in os.scandir(folder)}
        return {name: inode for name, inode in found.items() if name.endswith(".dcm")}

    with running(ledger, Processes(2)):
        pipe_job(ledger)
        wait_until(lambda: len(came()) >= 10)
        source.kill() if fault == "kill" else source.freeze()
        wait_until(lambda: ("server", "error") in told(ledger.store, 1))
        before = came()
        assert 10 <= len(before) < INSTANCES, "the fault came in the middle"
        assert job_of(ledger.store, 1)["status"] != "DONE"
        assert delivered(share) == []
        source.start() if fault == "kill" else source.thaw()
        kept: dict[str, int] = {}

        def over() -> bool:
            now = came()
            kept.update({name: inode for name, inode in now.items() if name in before})
            return _is_done(ledger)

        wait_until(over)
    job = job_of(ledger.store, 1)
    assert (job["files_downloaded"], job["files_processed"]) == (INSTANCES, INSTANCES)
    assert len(delivered(share)) == INSTANCES
    assert kept.items() <= before.items(), "what was there was fetched again"


def _held(one: Peer) -> int:
    """How many instances an Orthanc holds."""
    answer = httpx.get(f"http://127.0.0.1:{one.web_port}/statistics", timeout=10)
    return int(answer.json()["CountInstances"])


def _is_done(ledger: Ledger) -> bool:
    return job_of(ledger.store, 1)["status"] == "DONE"


@ways
def test_a_job_from_one_archive_to_another(
    ledger: Ledger, source: Peer, target: Peer, way: str
) -> None:
    prepared(ledger.folder.path, {"SOURCE": node_of(source, way), "TARGET": node_of(target, way)})
    with running(ledger, Processes(2)):
        job = ended(ledger.store, pipe_job(ledger, **to_target()))
        assert (job["status"], job["files_processed"], job["error"]) == ("DONE", INSTANCES, None)
        again = ended(ledger.store, pipe_job(ledger, **to_target()))
        assert (again["status"], again["files_processed"]) == ("DONE", INSTANCES)
    if ORTHANC:
        found = target.instances()
        assert len(found) == INSTANCES
        assert {str(one.PatientID) for one in found.values()} == {"P-001"}
        assert not any("1.2.826.0.1.3680043.10.999" in uid for uid in found)


@pytest.mark.skipif(not ORTHANC, reason="counts what Orthanc holds")
@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_a_target_that_fails_in_mid_transfer_gets_each_instance_once(
    ledger: Ledger,
    source: Peer,
    target: Peer,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    monkeypatch.setattr(runner_module, "RETRY_AFTER", (1.0,) * 30)
    prepared(ledger.folder.path, {"SOURCE": node_of(source), "TARGET": node_of(target, "dimse")})
    with running(ledger, Processes(2)):
        pipe_job(ledger, **to_target())
        wait_until(lambda: _held(target) >= 10)
        target.kill() if fault == "kill" else target.freeze()
        wait_until(lambda: ("server", "error") in told(ledger.store, 1))
        assert job_of(ledger.store, 1)["status"] != "DONE"
        target.start() if fault == "kill" else target.thaw()
        before = _held(target)
        wait_until(lambda: _is_done(ledger))
    assert before < INSTANCES, "the fault came in the middle"
    assert len(target.instances()) == INSTANCES
    assert job_of(ledger.store, 1)["files_processed"] == INSTANCES


@pytest.mark.skipif(not ORTHANC, reason="counts what Orthanc holds")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_killed_server_goes_on_collecting_and_sending(
    start_server: Start, tmp_path: Path, source: Peer, target: Peer, seed: int
) -> None:
    """Each item is done once, and the target holds each instance once."""
    chance = random.Random(seed)
    for number in range(1, 4):
        source.add(*ct_study(number, instances=60, rows=32))
    server = start_server()
    call = server.start()
    prepared(server.data, {"SOURCE": node_of(source), "TARGET": node_of(target)})
    with closing(sqlite3.connect(server.data / "jobs.sqlite", timeout=10)) as ledger:
        ledger.execute("CREATE TABLE done (item_id INTEGER)")
        ledger.execute(
            "CREATE TRIGGER watch AFTER UPDATE OF status ON items WHEN new.status = 'done'"
            " BEGIN INSERT INTO done VALUES (new.item_id); END"
        )
    uids = [f"1.2.826.0.1.3680043.10.999.{number + 1}" for number in range(4)]
    jobs = [_created(call, **from_source(source_instance_id=uid, **to_target())) for uid in uids]
    for _ in range(5):
        time.sleep(chance.uniform(0.2, 1.5))
        server.kill()
        call = server.start()
    found = [call.wait(job_id, seconds=120) for job_id in jobs]
    assert [(job["status"], job["error"]) for job in found] == [("DONE", None)] * 4
    assert [job["files_processed"] for job in found] == [INSTANCES, 60, 60, 60]
    assert len(target.instances()) == INSTANCES + 180
    with closing(sqlite3.connect(server.data / "jobs.sqlite")) as ledger:
        done = Counter(item_id for (item_id,) in ledger.execute("SELECT item_id FROM done"))
    assert sorted(done.values()) == [1] * (INSTANCES + 180)
    wait_until(lambda: not list((server.data / "incoming").rglob("*.dcm")), seconds=20)
    assert list((server.data / "staging").iterdir()) == []
    log = (server.data / "server.log").read_text()
    for secret in ("Invented", "PID0", "1.2.826.0.1.3680043.10.999", "ACC0"):
        assert secret not in log


def _created(call: Caller, **fields: Any) -> int:
    status, job = call("POST", "create_job", fields)
    assert status == 200, job
    return int(job["job_id"])


def test_many_jobs_from_one_archive_go_side_by_side(ledger: Ledger, source: Peer) -> None:
    """Also those that it sends to us by C-MOVE, for which there is one port."""
    source.add(*(one for number in range(1, 6) for one in ct_study(number, instances=4)))
    prepared(ledger.folder.path, {"SOURCE": node_of(source)})
    with running(ledger, Processes(2)):
        ids = [
            pipe_job(
                ledger,
                source_instance_id=f"1.2.826.0.1.3680043.10.999.{number + 1}",
                destination_path=rf"\\server\share\out-{number}",
            )
            for number in range(6)
        ]
        assert {ended(ledger.store, job_id)["status"] for job_id in ids} == {"DONE"}
    assert threading.active_count() < 50
