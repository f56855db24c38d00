"""Silence around pydicom, whose warnings and log lines quote the values they are about."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0
_saved: warnings.catch_warnings[None] | None = None


def _drop(_: logging.LogRecord) -> bool:
    return False


@contextmanager
def quiet() -> Iterator[None]:
    """Let no warning and no log line of pydicom out while the block runs.

    Warnings are a setting of the whole process: the first thread that comes in turns them
    off and the last one out turns them on again, so that threads may overlap.
    """
    global _inside, _saved  # noqa: PLW0603 - the state is the process's, as the settings are
    logger = logging.getLogger("pydicom")
    with _lock:
        if _inside == 0:
            _saved = warnings.catch_warnings()
            _saved.__enter__()
            warnings.simplefilter("ignore")
            logger.addFilter(_drop)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _saved is not None:
                logger.removeFilter(_drop)
                _saved.__exit__(None, None, None)
                _saved = None
