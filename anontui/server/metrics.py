"""Figures of the server for Prometheus; none of them tells of a patient, a user or a path."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from anontui import __version__
from anontui.idis.model import JobStatus
from anontui.server.views import Views

STALE = 60.0  # seconds for which the count of files is good enough


class Metrics:
    """Counts what happens, and writes it in the text format of Prometheus.

    Parameters
    ----------
    views
        The ledger of jobs.
    workers
        Tells how many workers the engine has.
    """

    MEDIA_TYPE = "text/plain; version=0.0.4"

    def __init__(self, views: Views, workers: Callable[[], int]) -> None:
        self._views = views
        self._workers = workers
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._counted: tuple[float, dict[str, int]] = (-STALE, {})

    def called(self, function: str) -> None:
        """Count a call of a function that was answered."""
        with self._lock:
            self._calls[function] += 1

    def text(self) -> str:
        """The figures of this moment."""
        jobs = self._views.statuses()
        waiting = self._views.waiting()
        statuses = {str(status): jobs.get(status, 0) for status in JobStatus}
        lines = [
            *_metric("info", "gauge", "The server that runs", "version", {__version__: 1}),
            *_metric("jobs", "gauge", "Jobs by status", "status", statuses),
            *_metric("items", "gauge", "Files of all jobs by outcome", "outcome", self._outcomes()),
            *_metric("queue_length", "gauge", "Jobs that wait", "", {"": waiting}),
            *_metric("workers", "gauge", "Workers of the engine", "", {"": self._workers()}),
            *_metric(
                "calls_total",
                "counter",
                "Calls of the web API that were done, since the start",
                "function",
                self._calls.copy(),
            ),
        ]
        return "\n".join(lines) + "\n"

    def _outcomes(self) -> dict[str, int]:
        if time.monotonic() - self._counted[0] >= STALE:
            self._counted = (time.monotonic(), self._views.outcomes())
        return self._counted[1]


def _metric(
    name: str, kind: str, about: str, label: str, values: Mapping[str, int]
) -> Iterator[str]:
    yield f"# HELP anontui_{name} {about}"
    yield f"# TYPE anontui_{name} {kind}"
    for value, number in values.items():
        yield (
            f'anontui_{name}{{{label}="{value}"}} {number}' if label else f"anontui_{name} {number}"
        )
