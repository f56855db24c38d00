"""What server.log may hold."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from anontui.server.logs import open_log


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    loggers = [logging.getLogger(name) for name in ("anontui.server", "uvicorn")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    handler = open_log(tmp_path / "server.log")
    yield tmp_path / "server.log"
    handler.close()
    for logger, (level, propagate) in zip(loggers, before, strict=True):
        logger.removeHandler(handler)
        logger.level, logger.propagate = level, propagate


@pytest.mark.parametrize("name", ["anontui.server.runner", "uvicorn.error"])
def test_an_exception_is_told_by_type_and_place_only(log: Path, name: str) -> None:
    try:
        try:
            raise FileNotFoundError(2, "No such file", "/share/Jansen")
        except OSError as error:
            raise KeyError("Jansen") from error
    except KeyError:
        logging.getLogger(name).exception("event=crash")
    text = log.read_text()
    assert "event=crash\n  KeyError at test_logs.py:" in text
    assert "Jansen" not in text
    assert "share" not in text


def test_it_is_its_owners(log: Path) -> None:
    assert log.stat().st_mode & 0o777 == 0o600
