"""``server.log``: what happened, without patients' data.

Lines hold times, events, job ids and counts. Of an exception its type and place are
written and never its text, which may quote a path or a value.
"""

from __future__ import annotations

import logging
import os
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

_BIGGEST = 1 << 20  # bytes a file, of which three older ones are kept

_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _Formatter(logging.Formatter):
    def formatException(self, ei: _Raised) -> str:  # noqa: N802 - logging's name
        kind, _, trace = ei
        frames = traceback.extract_tb(trace)[-5:]
        places = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))
        return f"  {kind.__name__ if kind else 'unknown'} at {places}"


def open_log(path: Path) -> logging.Handler:
    """Send the log of this program to ``path``, which only its owner can read."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    handler = RotatingFileHandler(path, maxBytes=_BIGGEST, backupCount=3, encoding="utf-8")
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger("anontui.server")
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    root.propagate = False
    logging.getLogger("uvicorn").addHandler(handler)
    return handler
