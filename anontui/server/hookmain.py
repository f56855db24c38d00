"""What runs in a hook's own process: ``python -m anontui.server.hookmain HOOK RUN_DIR PRACTICE``.

It ends, with all that the hook started, when its standard input is closed: that is when
the server gives it up, and also when the server was killed.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

OUTPUT = "post_anon_output.txt"
OVERVIEW = "hook_overview.txt"
PRACTICE = "ANONTUI_PRACTICE"
NO_HOOK = 3  # exit codes
NO_TEXT = 4


def main(hook: str, run_dir: Path, practice: bool) -> int:
    """Call a hook, have what it answers in the run folder, and return the exit code."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    place, colon, name = hook.rpartition(":")
    if not colon or os.path.isfile(hook):
        return _run(hook, run_dir, practice)
    try:
        function = getattr(_module(place), name)
    except (ImportError, AttributeError, OSError, SyntaxError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 - it is its log
        return NO_HOOK
    return _call(function, run_dir, practice)


def _call(function: Callable[..., object], run_dir: Path, practice: bool) -> int:
    with (run_dir / OVERVIEW).open("a", encoding="utf-8", buffering=1) as overview:
        text = function(str(run_dir), overview, practice)
    if text is not None and not isinstance(text, str):
        return NO_TEXT
    (run_dir / OUTPUT).write_text(text or "", "utf-8")
    return 0


def _module(place: str) -> object:
    if not place.endswith(".py"):
        return importlib.import_module(place)
    spec = importlib.util.spec_from_file_location("project_hook", place)
    if spec is None or spec.loader is None:
        raise ImportError(place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(program: str, run_dir: Path, practice: bool) -> int:
    environment = os.environ | {PRACTICE: "1" if practice else "", "ANONTUI_OVERVIEW": OVERVIEW}
    with (run_dir / OUTPUT).open("wb") as output:
        try:
            return subprocess.run(
                [os.path.abspath(program), str(run_dir)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                cwd=run_dir,
                env=environment,
                check=False,
            ).returncode
        except OSError as error:
            print(error.strerror, file=sys.stderr)  # noqa: T201 - its own process
            return NO_HOOK


def _end_with_stdin() -> None:
    os.read(0, 1)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    os.umask(0o077)
    sys.path.insert(0, os.getcwd())
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "practice"))
