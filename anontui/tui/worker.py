"""The background worker: everything that may take time runs here, never on the UI thread.

A task is an operation (an iterator of events) or a plain call. Tasks of one lane run one
after the other in that lane's thread, so that two of them never write the same file;
lanes run side by side. The worker touches no widget: it posts messages, and the app
handles them. Its threads are daemons, so quitting never waits for a task.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from textual.message import Message

from anontui import events
from anontui.errors import AnonTUIError

_numbers = itertools.count(1)


@dataclass(eq=False)
class Task:
    """One piece of background work.

    ``work`` returns an iterator of events, or the result itself. ``done``, ``failed`` and,
    if it was cancelled, ``dropped`` are called on the UI thread. ``label`` is shown in the
    activity strip; a task without one runs unseen.
    """

    lane: str
    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[AnonTUIError], None] | None = None
    label: str = ""
    dropped: Callable[[], None] | None = None
    number: int = field(default_factory=lambda: next(_numbers))
    cancelled: threading.Event = field(default_factory=threading.Event)
    started: float = 0.0
    progress: events.Progress | None = None

    def cancel(self) -> None:
        """Stop it at its next event."""
        self.cancelled.set()

    def replace(self) -> None:
        """Stop it, since another does its work; nobody is told."""
        self.label = ""
        self.cancel()


class TaskMessage(Message):
    """News of a task, for the UI thread."""

    bubble = False

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task


class TaskStarted(TaskMessage):
    """Its lane came to it."""


class TaskProgress(TaskMessage):
    """It got further."""

    def __init__(self, task: Task, progress: events.Progress) -> None:
        super().__init__(task)
        self.progress = progress


class TaskWarning(TaskMessage):
    """It met something that the user should know of."""

    def __init__(self, task: Task, warning: events.Warning) -> None:
        super().__init__(task)
        self.warning = warning


class TaskEnded(TaskMessage):
    """It came to its end: with a value, an error, or cancelled."""

    def __init__(self, task: Task, value: Any = None, error: BaseException | None = None) -> None:
        super().__init__(task)
        self.value = value
        self.error = error


class Worker:
    """Runs tasks; posts their news through ``post``."""

    def __init__(self, post: Callable[[Message], object]) -> None:
        self._post = post
        self._lanes: dict[str, queue.SimpleQueue[Task]] = {}

    def start(self, task: Task) -> Task:
        """Queue a task in its lane."""
        lane = self._lanes.get(task.lane)
        if lane is None:
            lane = self._lanes[task.lane] = queue.SimpleQueue()
            threading.Thread(
                target=self._serve, args=(lane,), name=f"worker-{task.lane}", daemon=True
            ).start()
        lane.put(task)
        return task

    def _serve(self, lane: queue.SimpleQueue[Task]) -> None:
        while True:
            self._run(lane.get())

    def _run(self, task: Task) -> None:
        task.started = time.monotonic()
        self._post(TaskStarted(task))
        try:
            value = None if task.cancelled.is_set() else self._result(task)
        except Exception as error:  # noqa: BLE001 - the app reports it; a lane must go on
            self._post(TaskEnded(task, error=error))
        else:
            self._post(TaskEnded(task, value))

    def _result(self, task: Task) -> Any:
        outcome = task.work()
        if not isinstance(outcome, Iterator):
            return None if task.cancelled.is_set() else outcome
        value, shown = None, 0.0
        try:
            for event in outcome:
                if isinstance(event, events.Result):
                    value = event.value
                elif isinstance(event, events.Warning):
                    self._post(TaskWarning(task, event))
                elif time.monotonic() - shown >= 0.1:
                    shown = time.monotonic()
                    self._post(TaskProgress(task, event))
                if task.cancelled.is_set():
                    break
        finally:
            close = getattr(outcome, "close", None)
            if close is not None:
                close()
        return value
