"""How fast something goes, and how long it will take."""

from __future__ import annotations

import time

COMMIT_EVERY = 0.5  # seconds between two looks that are worth telling


class Pace:
    """The pace of one stage, from its first count on."""

    def __init__(self) -> None:
        self.per_minute: int | None = None
        """How many a minute; None before it is known."""
        self.seconds_left: int | None = None
        """How long the rest will take; None before it is known."""
        self._start: tuple[float, int] | None = None
        self._next = 0.0

    def is_time(self, done: int, total: int) -> bool:
        """Take a new count; True if the last time that this was True is long enough ago."""
        now = time.monotonic()
        if self._start is None:
            self._start = (now, done)
        if now < self._next:
            return False
        self._next = now + COMMIT_EVERY
        started, first = self._start
        if done > first and now > started:
            rate = (done - first) / (now - started)
            self.per_minute = int(60 * rate)
            self.seconds_left = int((total - done) / rate + 0.999)
        return True
