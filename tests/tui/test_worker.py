"""The background worker, and the app's way with its news."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from textual.message import Message

from anontui import events
from anontui.errors import AnonTUIError, ProjectError
from anontui.events import Event, Progress, Result
from anontui.tui import app as app_module
from anontui.tui.app import CLOSE_SECONDS
from anontui.tui.worker import (
    Task,
    TaskEnded,
    TaskProgress,
    TaskStarted,
    TaskWarning,
    Worker,
)
from tests.tui.fakes import Opened, opened


class Desk:
    """A worker, and what it posts."""

    def __init__(self) -> None:
        self.news: SimpleQueue[Message] = SimpleQueue()
        self.worker = Worker(self.news.put)

    def start(self, work: Callable[[], Any], lane: str = "a") -> Task:
        return self.worker.start(Task(lane, work, done=lambda _: None))

    def until_ended(self, count: int = 1) -> list[Message]:
        """The news up to the end of so many tasks."""
        news: list[Message] = []
        while sum(isinstance(one, TaskEnded) for one in news) < count:
            news.append(self.news.get(timeout=20))
        return news

    def end(self) -> TaskEnded:
        """The end of one task."""
        message = self.until_ended()[-1]
        assert isinstance(message, TaskEnded)
        return message


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_plain_call_ends_with_its_value(desk: Desk) -> None:
    task = desk.start(lambda: 42)
    started, ended = desk.until_ended()
    assert isinstance(started, TaskStarted)
    assert isinstance(ended, TaskEnded)
    assert (ended.task, ended.value, ended.error) == (task, 42, None)


def test_an_operation_ends_with_its_result(desk: Desk) -> None:
    def work() -> Iterator[Event[str]]:
        yield Progress(0, 2, "files")
        yield events.Warning("One file is odd", "Look at it.")
        yield Result("done")

    desk.start(work)
    kinds = desk.until_ended()
    assert [type(one) for one in kinds] == [TaskStarted, TaskProgress, TaskWarning, TaskEnded]
    assert isinstance(kinds[2], TaskWarning)
    assert kinds[2].warning.message == "One file is odd"
    assert isinstance(kinds[3], TaskEnded)
    assert kinds[3].value == "done"


def test_a_lane_runs_one_task_after_the_other(desk: Desk) -> None:
    running, most, order = 0, 0, []

    def work(number: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.005)
        order.append(number)
        running -= 1

    for number in range(10):
        desk.start(lambda number=number: work(number))  # type: ignore[misc]
    desk.until_ended(10)
    assert most == 1
    assert order == list(range(10))


def test_lanes_run_side_by_side(desk: Desk) -> None:
    meet = threading.Barrier(2)
    for lane in "ab":
        desk.start(lambda: meet.wait(20), lane)
    ends = [one for one in desk.until_ended(2) if isinstance(one, TaskEnded)]
    assert [end.error for end in ends] == [None, None]


def test_cancel_stops_at_the_next_event_and_closes(desk: Desk) -> None:
    at_work, go_on = threading.Event(), threading.Event()
    seen: list[str] = []

    def work() -> Iterator[Event[str]]:
        try:
            at_work.set()
            go_on.wait(20)
            yield Progress(1, 3, "files")
            seen.append("went on")
            yield Result("done")
        finally:
            seen.append("closed")

    task = desk.start(work)
    at_work.wait(20)
    task.cancel()
    go_on.set()
    end = desk.end()
    assert (end.value, end.error) == (None, None)
    assert seen == ["closed"]


def test_a_task_cancelled_in_the_queue_never_runs(desk: Desk) -> None:
    go_on, ran = threading.Event(), []
    desk.start(lambda: go_on.wait(20))
    desk.start(lambda: ran.append(1)).cancel()
    go_on.set()
    desk.until_ended(2)
    assert ran == []


@pytest.mark.parametrize("error", [ProjectError("No"), ValueError("ours")], ids=["family", "bug"])
def test_an_error_is_told_and_the_lane_goes_on(desk: Desk, error: Exception) -> None:
    def work() -> Iterator[Event[str]]:
        yield Progress(0, None, "files")
        raise error

    desk.start(work)
    assert desk.end().error is error
    desk.start(lambda: "still here")
    assert desk.end().value == "still here"


def test_progress_is_throttled_and_warnings_are_not(desk: Desk) -> None:
    def work() -> Iterator[Event[None]]:
        for at in range(5000):
            yield Progress(at, 5000, "files")
        for _ in range(5):
            yield events.Warning("odd")
        yield Result(None)

    desk.start(work)
    began = time.monotonic()
    news = desk.until_ended()
    most = 2 + int((time.monotonic() - began) / 0.1)
    assert 1 <= sum(isinstance(one, TaskProgress) for one in news) <= most
    assert sum(isinstance(one, TaskWarning) for one in news) == 5


def test_nothing_is_posted_after_the_end(desk: Desk) -> None:
    desk.start(lambda: 1)
    desk.end()
    with pytest.raises(Empty):
        desk.news.get(timeout=0.05)


# -- in the app --------------------------------------------------------------------------


async def test_errors_reach_failed_or_the_user(project: Path) -> None:
    caught: list[AnonTUIError] = []
    error = ProjectError("The file is gone", advice="Look for it.")

    def work() -> None:
        raise error

    async with opened(project) as seat:
        seat.app.start("files", work, lambda _: None, caught.append)
        await seat.settle()
        assert caught == [error]
        assert "gone" not in seat.said
        seat.app.start("files", work, lambda _: None)
        await seat.settle()
        assert seat.said == "The file is gone. Look for it."


async def test_a_running_task_is_in_the_strip_and_x_cancels_it(project: Path) -> None:
    go_on = threading.Event()
    results: list[str] = []

    def work() -> Iterator[Event[str]]:
        yield Progress(1, 4, "files")
        go_on.wait(20)
        yield Progress(2, 4, "files")
        yield Result("done")

    async with opened(project) as seat:
        seat.app.start("files", work, results.append, label="Counting")
        await seat.until(lambda: any(task.progress for task in seat.app.tasks.values()))
        line = seat.main.strip.render().plain
        assert "Counting" in line
        assert "1 of 4 files" in line
        assert line.rstrip().endswith("x cancel")
        await seat.pilot.press("x")
        go_on.set()
        await seat.settle()
        assert results == []
        assert seat.said == "Counting: cancelled"
        assert seat.app.tasks == {}


async def test_quitting_does_not_wait_for_a_task_that_hangs(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes the normal way; the timer that would end the process hard is set all the same."""
    monkeypatch.setattr(app_module, "CLOSE_SECONDS", CLOSE_SECONDS)
    hard: list[float] = []

    class Timer:
        daemon = False

        def __init__(self, seconds: float, *_: object) -> None:
            hard.append(seconds)

        def start(self) -> None:
            assert self.daemon

    monkeypatch.setattr(threading, "Timer", Timer)
    hang = threading.Event()
    app = Opened(project)
    async with app.run_test() as pilot:
        app.start("files", hang.wait, lambda _: None, label="Hanging")
        while not app.tasks:
            await pilot.pause(0.01)
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running
        assert app.return_code == 0
    assert not hang.is_set()
    hang.set()
    assert hard == [1.0]
