"""Processes that may be lost, and die with the one that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from anontui.errors import CannotStart, DeidError, UsageError
from anontui.server import engine as engine_module
from anontui.server.engine import Engine, Loss, Processes, make_engine
from anontui.server.items import Held
from anontui.server.worker import Chunk, Orders
from tests.server import workers
from tests.server.support import alive, wait_until


@pytest.fixture
def engine() -> Iterator[Processes]:
    engine = Processes(1, workers.pid_of)
    yield engine
    engine.stop()


def chunk(tmp_path: Path, *, alone: bool = False) -> Chunk:
    (tmp_path / "parts").mkdir(exist_ok=True)
    orders = Orders(tmp_path, tmp_path / "parts", b"", b"k" * 32, "P", "P")
    return Chunk(orders, (Held(2 if alone else 1, "me", 1, "source", 1),), alone)


def told_pid(tmp_path: Path, number: int = 1) -> int:
    path = tmp_path / "parts" / f"{number}.me.1.part"
    wait_until(lambda: path.exists() and path.read_text() != "")
    return int(path.read_text())


def test_a_killed_worker_is_told(engine: Processes, tmp_path: Path) -> None:
    future = engine.submit(chunk(tmp_path))
    os.kill(told_pid(tmp_path), signal.SIGKILL)
    error = future.exception(timeout=30)
    assert error is not None
    assert engine.judge(error) is Loss.WORKERS


def test_the_ones_that_are_alone_have_a_process_of_their_own(
    engine: Processes, tmp_path: Path
) -> None:
    kept = engine.submit(chunk(tmp_path))
    lost = engine.submit(chunk(tmp_path, alone=True))
    pids = told_pid(tmp_path, 1), told_pid(tmp_path, 2)
    engine.renew(alone=True)
    assert lost.exception(timeout=30) is not None
    assert not kept.done()
    assert [alive(pid) for pid in pids] == [True, False]


def test_renewed_it_goes_on(engine: Processes, tmp_path: Path) -> None:
    engine.submit(chunk(tmp_path))
    first = told_pid(tmp_path)
    engine.renew(alone=False)
    (tmp_path / "parts" / "1.me.1.part").unlink()
    engine.submit(chunk(tmp_path))
    assert told_pid(tmp_path) != first
    assert not alive(first)


def test_stopping_does_not_wait_for_workers(engine: Processes, tmp_path: Path) -> None:
    engine.submit(chunk(tmp_path))
    worker = told_pid(tmp_path)
    before = engine.is_running
    engine.stop()
    assert (before, engine.is_running, alive(worker)) == (True, False, False)


@pytest.mark.parametrize(
    ("error", "loss"),
    [
        (CancelledError(), Loss.WORKERS),
        (ModuleNotFoundError("anontui"), Loss.UNFIT),
        (MemoryError(), Loss.UNFIT),
    ],
)
def test_what_an_exception_means(error: BaseException, loss: Loss) -> None:
    assert Processes(1).judge(error) is loss


def _fail() -> None:
    raise DeidError("wrong")


def test_a_function_is_called_in_a_process(
    engine: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "CALLS", 2)
    assert engine.call(os.getpid) != os.getpid()
    with pytest.raises(DeidError, match="wrong"):
        engine.call(_fail)
    with pytest.raises(CannotStart):
        engine.call(os._exit, 1)
    assert engine.call(os.getpid)


@pytest.mark.parametrize(("kind", "scheduler"), [("dask", ""), ("process", "tcp://x:1")])
def test_a_scheduler_belongs_to_a_cluster(kind: str, scheduler: str) -> None:
    with pytest.raises(UsageError, match="Dask"):
        make_engine(kind, scheduler)


def test_engines_by_their_name() -> None:
    assert make_engine("process", workers=3).workers == 3
    engine: Engine = make_engine("dask", "tcp://127.0.0.1:1")
    assert type(engine).__name__ == "Cluster"


def test_workers_die_with_a_killed_parent(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from anontui.server.engine import Processes
from tests.server.test_engine import chunk
from tests.server import workers
if __name__ == "__main__":
    engine = Processes(1, workers.pid_of)
    engine.submit(chunk(Path({str(tmp_path)!r}))).result()
"""
    path = tmp_path / "parent.py"
    path.write_text(script)
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, str(path)], env=os.environ | {"PYTHONPATH": str(root)}
    )
    worker = told_pid(tmp_path)
    assert alive(worker)
    parent.kill()
    parent.wait()
    wait_until(lambda: not alive(worker))
