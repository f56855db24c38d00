"""A project's hook: what a site does with de-identified files before they are delivered.

It is called as dicom-pipeline's ``custom_hook(run_dir, overview, practice)``: the files are
in ``to_production`` in the run folder, what it prints to ``overview`` is in the job's
overview, and the text that it returns in ``post_anon_output.txt``. A program gets the run
folder as its argument, with ``ANONTUI_PRACTICE`` set in a practice run; what it prints is
the text. A file that the hook removes is not delivered; one that it changes is, as changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from anontui import atomic
from anontui.errors import UsageError
from anontui.server.hookmain import NO_HOOK, NO_TEXT, OUTPUT, OVERVIEW

TIMEOUT = 3600.0  # seconds
MOST_OUTPUT = 16 << 20  # bytes of one file
LOG = "hook_log.txt"
FILES = "to_production"
_LOOK_EVERY = 0.1


class HookFailed(UsageError):
    """A hook did not do its work: nothing may be delivered."""


def run_hook(
    hook: str,
    folder: Path,
    run_dir: Path,
    files: Mapping[str, Path],
    *,
    practice: bool = False,
    timeout: float = TIMEOUT,
    tick: Callable[[], None] = lambda: None,
) -> set[str]:
    """Run a hook over de-identified files, in a process of its own.

    Parameters
    ----------
    hook
        ``module:function``, ``file.py:function``, or a program's path.
    folder
        The project's, from which modules and files are named.
    run_dir
        The job's run folder; made if it does not exist.
    files
        The files by the names that they will have at the destination.
    practice
        Whether this is a practice run.
    timeout
        Seconds that it may take.
    tick
        Called several times a second; may raise to stop it.

    Returns
    -------
    set
        The names of the files that are to be delivered.

    Raises
    ------
    HookFailed
        If it cannot be started, fails, takes too long or writes too much.
    OSError
        If the run folder cannot be written.
    """
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in (OUTPUT, OVERVIEW, LOG):
        (run_dir / name).unlink(missing_ok=True)
    shown = run_dir / FILES
    shutil.rmtree(shown, ignore_errors=True)
    try:
        for name, path in files.items():
            link = shown / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
        before = {path: _state(path) for path in files.values()}
        _run(hook, folder, run_dir, practice, timeout, tick)
        left = {name for name in files if os.path.lexists(shown / name)}
        for name in left:
            _take_over(shown / name, files[name], before)
        return left
    finally:
        shutil.rmtree(shown, ignore_errors=True)


def _run(
    hook: str,
    folder: Path,
    run_dir: Path,
    practice: bool,
    timeout: float,
    tick: Callable[[], None],
) -> None:
    log = os.open(run_dir / LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    words = ["-m", "anontui.server.hookmain", hook, str(run_dir), "practice" * practice]
    with os.fdopen(log, "wb") as output:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + timeout
        while process.poll() is None:
            tick()
            if time.monotonic() > end:
                raise _failed(f"it took more than {timeout:.0f} seconds", run_dir)
            if any(_size(run_dir / name) > MOST_OUTPUT for name in (OUTPUT, OVERVIEW, LOG)):
                raise _failed(f"it wrote more than {MOST_OUTPUT} bytes", run_dir)
            time.sleep(_LOOK_EVERY)
    finally:
        if process.stdin is not None:
            process.stdin.close()  # it ends, and what it started
        process.wait()
    if process.returncode == NO_HOOK:
        raise _failed("there is no such hook", run_dir)
    if process.returncode == NO_TEXT:
        raise _failed("it returned something that is no text", run_dir)
    if process.returncode:
        raise _failed(f"it ended with code {process.returncode}", run_dir)


def _take_over(link: Path, path: Path, before: Mapping[Path, tuple[int, int]]) -> None:
    """Make durable what a hook made of a file; one that it replaced goes where that was."""
    if link.is_symlink():
        if _state(path) != before[path]:
            with path.open("r+b") as changed:
                os.fsync(changed.fileno())
        return
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    with os.fdopen(handle, "wb") as new, link.open("rb") as old:
        shutil.copyfileobj(old, new)
        new.flush()
        os.fsync(new.fileno())
    os.replace(name, path)
    atomic.sync_folder(path.parent)


def _state(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_mtime_ns, state.st_size


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _failed(cause: str, run_dir: Path) -> HookFailed:
    return HookFailed(
        "The project's hook failed, so nothing was delivered",
        cause=cause,
        advice=f"Tell the server's admin, who finds more in runs/{run_dir.name}/{LOG}, and "
        "reset the job when it is mended.",
    )
