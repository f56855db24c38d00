"""Operations that can be left while they wait for an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from anontui.errors import ServerError
from anontui.events import Progress, Result
from anontui.operations.calls import abandonable


def test_events_come_through_in_order() -> None:
    def operation() -> Iterator[Any]:
        yield Progress(0, 2, "calls")
        yield Progress(1, 2, "calls")
        yield Result("found")
        raise AssertionError("nothing comes after the result")

    events = list(abandonable(operation()))
    assert events == [Progress(0, 2, "calls"), Progress(1, 2, "calls"), Result("found")]


def test_an_error_comes_through() -> None:
    def operation() -> Iterator[Any]:
        yield Progress(0, None, "calls")
        raise ServerError("No")

    with pytest.raises(ServerError, match="No"):
        list(abandonable(operation()))


@pytest.mark.parametrize("told", [True, False], ids=["after progress", "from the start"])
def test_closing_waits_for_no_answer(told: bool) -> None:
    answer, asked = threading.Event(), threading.Event()

    def operation() -> Iterator[Any]:
        if told:
            yield Progress(0, None, "calls")
        asked.set()
        assert answer.wait(20)
        yield Result("too late")

    events = abandonable(operation())
    while not asked.is_set():
        assert isinstance(next(events), Progress)
    assert isinstance(next(events), Progress)  # it goes on telling, so that it can be left
    events.close()  # type: ignore[attr-defined]
    assert not answer.is_set()
    answer.set()
