"""What other processes write is noticed, also what they write at once."""

from __future__ import annotations

import threading

import pytest

from anontui.server import watch
from anontui.server.watch import Watch
from tests.server.conftest import Ledger
from tests.server.running import create


def test_a_change_is_noticed_and_silence_is_not(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "EVERY", 0.05)
    changed = threading.Event()
    watcher = Watch(ledger.folder.ledger, changed.set)
    watcher.start()
    try:
        assert not changed.wait(0.5)
        for _ in range(2):
            create(ledger.store)
            assert changed.wait(10)
            changed.clear()
    finally:
        watcher.stop()
