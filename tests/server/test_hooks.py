"""Hooks: what they see, what they may do, and that they end."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from anontui.server import hooks
from anontui.server.hookmain import OUTPUT, OVERVIEW
from anontui.server.hooks import HookFailed, run_hook
from tests.server.support import alive, wait_until

PYTHON = """
import os, pathlib, time

def of_dicom_pipeline(run_dir, overview, practice):
    top = os.path.sep.join([run_dir, "to_production"])
    found = sorted(
        os.path.relpath(os.path.join(place, name), top)
        for place, _, names in os.walk(top) for name in names
    )
    overview.write(f"{len(found)} files\\n")
    return f"practice={practice} " + " ".join(found)

def removes(run_dir, overview, practice):
    pathlib.Path(run_dir, "to_production/p/1.dcm").unlink()

def replaces(run_dir, overview, practice):
    path = pathlib.Path(run_dir, "to_production/p/1.dcm")
    new = path.with_suffix(".new")
    new.write_text("replaced")
    new.replace(path)
    pathlib.Path(run_dir, "to_production/p/2.dcm").write_text("changed")

def fails(run_dir, overview, practice):
    raise ValueError("Jansen")

def exits(run_dir, overview, practice):
    raise SystemExit(0)

def returns_a_number(run_dir, overview, practice):
    return 7

def sleeps(run_dir, overview, practice):
    pathlib.Path(run_dir, "pid").write_text(str(os.getpid()))
    time.sleep(600)

def floods(run_dir, overview, practice):
    while True:
        overview.write("x" * 100_000)
"""
PROGRAM = """#!/bin/sh
echo "program $1 practice=$ANONTUI_PRACTICE"
echo seen >> "$ANONTUI_OVERVIEW"
ls to_production/p
"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    parts = tmp_path / "parts"
    parts.mkdir()
    found = {f"p/{number}.dcm": parts / f"{number}.part" for number in (1, 2)}
    for path in found.values():
        path.write_text("as it was")
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "after.py").write_text(PYTHON)
    (folder / "after_module.py").write_text(PYTHON)
    (folder / "program").write_text(PROGRAM)
    (folder / "program").chmod(0o700)
    return folder


@pytest.fixture
def run(tmp_path: Path, project: Path, files: dict[str, Path]) -> Callable[..., set[str]]:
    def run(hook: str, **more: object) -> set[str]:
        return run_hook(hook, project, tmp_path / "runs" / "7", files, **more)  # type: ignore[arg-type]

    return run


@pytest.mark.parametrize("place", ["after.py", "after_module"])
@pytest.mark.parametrize("practice", [False, True])
def test_it_is_called_as_dicom_pipeline_calls_it(
    run: Callable[..., set[str]], tmp_path: Path, place: str, practice: bool
) -> None:
    assert run(f"{place}:of_dicom_pipeline", practice=practice) == {"p/1.dcm", "p/2.dcm"}
    folder = tmp_path / "runs" / "7"
    text = (folder / OUTPUT).read_text()
    assert text == f"practice={practice} p/1.dcm p/2.dcm"
    assert (folder / OVERVIEW).read_text() == "2 files\n"
    assert not (folder / hooks.FILES).exists()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_program_is_a_hook_too(run: Callable[..., set[str]], project: Path) -> None:
    assert run(str(project / "program"), practice=True) == {"p/1.dcm", "p/2.dcm"}
    folder = project.parent / "runs" / "7"
    expected = f"program {folder} practice=1\n1.dcm\n2.dcm\n"
    assert (folder / OUTPUT).read_text() == expected
    assert (folder / OVERVIEW).read_text() == "seen\n"


def test_what_it_removes_is_not_delivered(run: Callable[..., set[str]]) -> None:
    assert run("after.py:removes") == {"p/2.dcm"}


def test_what_it_changes_is_delivered_as_changed(
    run: Callable[..., set[str]], files: dict[str, Path]
) -> None:
    assert run("after.py:replaces") == {"p/1.dcm", "p/2.dcm"}
    assert [path.read_text() for path in files.values()] == ["replaced", "changed"]


@pytest.mark.parametrize(
    ("hook", "cause"),
    [
        ("after.py:fails", "it ended with code 1"),
        ("after.py:nothing", "there is no such hook"),
        ("gone.py:f", "there is no such hook"),
        ("gone_module:f", "there is no such hook"),
        ("after.py:returns_a_number", "it returned something that is no text"),
        ("/bin/false", "it ended with code 1"),
    ],
)
def test_a_failure_is_told_without_what_the_hook_said(
    run: Callable[..., set[str]], hook: str, cause: str
) -> None:
    with pytest.raises(HookFailed) as caught:
        run(hook)
    assert caught.value.cause == cause
    assert "runs/7/hook_log.txt" in caught.value.advice
    assert "Jansen" not in caught.value.sentence()


def test_one_that_takes_too_long_is_ended(run: Callable[..., set[str]], tmp_path: Path) -> None:
    with pytest.raises(HookFailed, match="nothing was delivered") as caught:
        run("after.py:sleeps", timeout=2)
    assert caught.value.cause == "it took more than 2 seconds"
    assert not alive(int((tmp_path / "runs" / "7" / "pid").read_text()))


def test_one_whose_job_is_cancelled_is_ended(run: Callable[..., set[str]], tmp_path: Path) -> None:
    pid = tmp_path / "runs" / "7" / "pid"

    def cancelled() -> None:
        if pid.exists() and pid.read_text():
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run("after.py:sleeps", tick=cancelled)
    assert not alive(int(pid.read_text()))


def test_one_that_writes_without_end_is_ended(
    run: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "MOST_OUTPUT", 1 << 20)
    with pytest.raises(HookFailed) as caught:
        run("after.py:floods")
    assert caught.value.cause == "it wrote more than 1048576 bytes"


def test_it_ends_with_the_server(tmp_path: Path, project: Path, files: dict[str, Path]) -> None:
    run_dir = tmp_path / "runs" / "7"
    server = os.fork()
    if server == 0:
        try:
            run_hook("after.py:sleeps", project, run_dir, files)
        finally:
            os._exit(1)
    pid = run_dir / "pid"
    wait_until(lambda: pid.exists() and bool(pid.read_text()))
    os.kill(server, 9)
    os.waitpid(server, 0)
    wait_until(lambda: not alive(int(pid.read_text())), seconds=10)
