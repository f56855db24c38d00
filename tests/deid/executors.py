"""The two executors side by side, and which of them did the work."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from anontui.deid import Deidentifier, Outcome, Policy, Pseudonym
from anontui.deid.engine.dataset import Executor
from tests.deid.build import KEY, PSEUDONYM

IS_NIGHT = os.environ.get("ANONTUI_NIGHTLY") == "1"
"""Whether there is time for a hundred times as many examples."""


class Pair:
    """One engine that may go the fast way and remembers, and a new slow one for each file.

    ``ways`` counts how the first did the files that were done: ``fast`` or ``slow``; ``result``
    is what it last made.
    """

    def __init__(self, policy: Policy, folder: Path, pseudonym: Pseudonym = PSEUDONYM) -> None:
        self.ways: Counter[str] = Counter()
        self.result = b""
        self._policy = policy
        self._pseudonym = pseudonym
        self._folder = folder
        self._fast = Deidentifier(policy, KEY, pseudonym)

    def same(self, data: bytes) -> Outcome:
        """Assert that both make the same of a file; what they make of it."""
        slow_engine = Deidentifier(self._policy, KEY, self._pseudonym, fast=False)
        fast, fast_bytes = self.fast(data)
        slow, slow_bytes = self._file(slow_engine, data)
        assert fast == slow, difference(fast, slow)
        assert fast_bytes == slow_bytes, first_difference(fast_bytes, slow_bytes)
        return fast

    def fast(self, data: bytes) -> tuple[Outcome, bytes]:
        """What the first engine makes of a file."""
        with counted() as slow_runs:
            outcome, result = self._file(self._fast, data)
        if outcome.status == "done":
            self.ways["slow" if slow_runs else "fast"] += 1
        self.result = result
        return outcome, result

    def _file(self, engine: Deidentifier, data: bytes) -> tuple[Outcome, bytes]:
        source, target = self._folder / "source.dcm", self._folder / "target.dcm"
        source.write_bytes(data)
        target.unlink(missing_ok=True)
        outcome = engine.file(source, target, sync=False)
        assert target.exists() is (outcome.status == "done")
        return outcome, target.read_bytes() if outcome.status == "done" else b""


@contextmanager
def counted() -> Iterator[list[str]]:
    """A list that grows by each data set that goes through the slow executor."""
    runs: list[str] = []
    original = Executor.run

    def run(self: Executor, sop_class: str) -> object:
        runs.append(sop_class)
        return original(self, sop_class)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Executor, "run", run)
        yield runs


def difference(fast: Outcome, slow: Outcome) -> str:
    """What two outcomes differ in."""
    names = [name for name in fast.__slots__ if getattr(fast, name) != getattr(slow, name)]
    return "; ".join(f"{name}: {getattr(fast, name)} / {getattr(slow, name)}" for name in names)


def first_difference(fast: bytes, slow: bytes) -> str:
    """Where two results differ, with what stands around it."""
    pairs = zip(fast, slow, strict=False)
    differing = (n for n, (one, other) in enumerate(pairs) if one != other)
    at = next(differing, min(len(fast), len(slow)))
    part = slice(max(at - 40, 0), at + 40)
    return f"at {at} of {len(fast)} / {len(slow)}: {fast[part]!r} / {slow[part]!r}"
