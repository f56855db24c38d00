"""The engine loses its processes, never its work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anontui.errors import DeidError
from anontui.server.engine import DEADLY, KILLED, Engine, Mailbox
from anontui.server.worker import Chunk, Item, Treated
from tests.server import workers
from tests.server.support import alive, wait_until


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine(2, workers.obedient)
    yield engine
    engine.stop()


def _chunks(tmp_path: Path, words: list[str], size: int = 3) -> list[Chunk]:
    (tmp_path / "staging").mkdir(exist_ok=True)
    items = []
    for number, word in enumerate(words):
        source = tmp_path / f"f{number:03}"
        source.write_text(f"{word} {number}")
        items.append(Item(source, tmp_path / "staging" / f"{number}"))
    return [
        Chunk(tuple(items[start : start + size]), b"", b"k" * 32, "P", "P")
        for start in range(0, len(items), size)
    ]


def _run(engine: Engine, chunks: list[Chunk]) -> list[Treated]:
    return [one for treated in engine.treat(chunks, Mailbox()) for one in treated]


def test_everything_is_treated_once(engine: Engine, tmp_path: Path) -> None:
    chunks = _chunks(tmp_path, ["copy"] * 20)
    treated = _run(engine, chunks)
    assert sorted(one.item.source.name for one in treated) == [f"f{n:03}" for n in range(20)]
    assert all((tmp_path / "staging" / f"{number}").exists() for number in range(20))


def test_a_deadly_file_is_found_and_the_rest_is_done(engine: Engine, tmp_path: Path) -> None:
    words = ["copy"] * 12
    words[4] = words[9] = "die"
    treated = _run(engine, _chunks(tmp_path, words))
    reasons = {one.item.source.name: one.reason for one in treated}
    assert len(treated) == len(reasons) == 12
    assert {name for name, reason in reasons.items() if reason == KILLED} == {"f004", "f009"}


def test_a_file_may_kill_so_many_workers_and_no_more(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[Chunk] = []
    submit = Engine._submit

    def counted(self: Engine, chunk: Chunk, mailbox: Mailbox) -> object:
        rounds.append(chunk)
        return submit(self, chunk, mailbox)

    monkeypatch.setattr(Engine, "_submit", counted)
    mailbox = Mailbox()
    for batch in engine.treat(_chunks(tmp_path, ["die"], size=1), mailbox):
        if not batch and len(rounds) < 20:  # somebody looks round all the time
            mailbox.put(None)
        if len(rounds) == 1:
            mailbox.put(None)
    assert len(rounds) == 1 + DEADLY


def test_a_worker_killed_from_outside_costs_nothing(tmp_path: Path) -> None:
    engine = Engine(1, workers.pid_of)
    mailbox = Mailbox()
    treating = engine.treat(_chunks(tmp_path, ["x"]), mailbox)
    mailbox.put(None)
    assert next(treating) == []
    told = tmp_path / "staging" / "0"
    wait_until(lambda: told.exists() and told.read_text() != "")
    os.kill(int(told.read_text()), signal.SIGKILL)
    engine._do = workers.obedient
    assert [one.item.source.name for batch in treating for one in batch] == ["f000"]
    engine.stop()


def test_a_pool_that_broke_while_idle_is_made_anew(engine: Engine, tmp_path: Path) -> None:
    _run(engine, _chunks(tmp_path, ["copy"]))
    assert engine._pool is not None
    for pid in list(engine._pool._processes):
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: not alive(pid))  # type: ignore[misc]
    assert len(_run(engine, _chunks(tmp_path, ["copy"] * 4))) == 4


def test_a_full_disk_is_told(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(DeidError) as caught:
        _run(engine, _chunks(tmp_path, ["copy", "full"]))
    assert caught.value.cause == "No space left on device"


def test_stopping_does_not_wait_for_workers(tmp_path: Path) -> None:
    engine = Engine(1, workers.pid_of)
    mailbox = Mailbox()
    treating = engine.treat(_chunks(tmp_path, ["x"]), mailbox)
    mailbox.put(None)
    next(treating)
    told = tmp_path / "staging" / "0"
    wait_until(lambda: told.exists() and told.read_text() != "")
    treating.close()
    engine.stop()
    assert not engine.is_running
    wait_until(lambda: not alive(int(told.read_text())))


def test_workers_die_with_a_killed_parent(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from anontui.server.engine import Engine, Mailbox
from tests.server.test_engine import _chunks
from tests.server import workers
if __name__ == "__main__":
    for _ in Engine(1, workers.pid_of).treat(_chunks(Path({str(tmp_path)!r}), ["x"]), Mailbox()):
        pass
"""
    path = tmp_path / "parent.py"
    path.write_text(script)
    root = Path(__file__).parents[2]
    parent = subprocess.Popen(
        [sys.executable, str(path)], env=os.environ | {"PYTHONPATH": str(root)}
    )
    told = tmp_path / "staging" / "0"
    wait_until(lambda: told.exists() and told.read_text() != "")
    worker = int(told.read_text())
    assert alive(worker)
    parent.kill()
    parent.wait()
    wait_until(lambda: not alive(worker))
