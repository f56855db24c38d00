"""What changed a moment ago and stands out for it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from time import monotonic

SECONDS = 1.0

Columns = frozenset[int]


class Flashes:
    """Which columns of which rows stand out, and until when.

    ``recent`` is what was repainted last without standing out: it does once its row flashes.
    """

    def __init__(self) -> None:
        self.recent: dict[Hashable, Columns] = {}
        self._until: dict[Hashable, tuple[Columns, float]] = {}

    def add(self, changes: Mapping[Hashable, Columns]) -> None:
        """Let these stand out from now on."""
        until = monotonic() + SECONDS
        for key, columns in changes.items():
            before = self.columns(key) or frozenset()
            columns |= self.recent.get(key, frozenset()) | before
            self._until[key] = (columns, until)

    def columns(self, key: Hashable) -> Columns | None:
        """The columns of a row that stand out; None if the row does not."""
        flash = self._until.get(key)
        return flash and flash[0]

    def clear(self) -> None:
        """End all."""
        self._until.clear()

    def end(self) -> float | None:
        """End those whose time is over; return the seconds until the next is, if any is left."""
        now = monotonic()
        self._until = {key: flash for key, flash in self._until.items() if flash[1] > now}
        return min((until for _, until in self._until.values()), default=now) - now or None
