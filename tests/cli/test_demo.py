"""``anontui demo --no-app``, as a stranger runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from anontui.operations import builtin
from anontui.operations.demo import server_folder
from anontui.operations.servers import connect
from anontui.operations.workspace import open_workspace


def demo(cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "anontui", "demo", "--no-app", *words],
        cwd=cwd, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_all_done_then_one_cancelled(tmp_path: Path) -> None:
    ran = demo(tmp_path)
    assert ran.returncode == 0, ran.stderr
    folder = tmp_path / "anontui-demo"
    lines = [line.split() for line in ran.stdout.splitlines()]
    assert lines[0] == ["id", "pseudonym", "status", "proc", "down", "error"]
    assert [line[1:3] for line in lines[1:]] == [[f"LUNG-00{n}", "DONE"] for n in (1, 2, 3, 4)]
    assert str(folder / "anonymized") in ran.stderr
    assert not builtin.state(server_folder(folder)).running  # nothing is left behind

    builtin.start(server_folder(folder))
    try:
        with connect(open_workspace(folder).settings) as client:
            client.cancel(2)
        again = demo(tmp_path, "anontui-demo")
        assert again.returncode == 1 and "LUNG-002   INACTIVE" in again.stdout
        assert builtin.state(server_folder(folder)).running  # it was not ours to stop
    finally:
        builtin.stop(server_folder(folder))


def test_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    ran = demo(tmp_path, ".")
    assert ran.returncode == 1 and not ran.stdout
    assert ran.stderr.startswith("Error: The folder") and "is not empty" in ran.stderr
