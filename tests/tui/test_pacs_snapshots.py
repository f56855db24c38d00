"""How the PACS screen looks in each of its states, as pictures in ``snapshots/``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from anontui.errors import CallRefused
from anontui.idis.model import JobStatus
from tests.tui import fakes
from tests.tui.archives import STUDIES, State, fetching
from tests.tui.conftest import Servers
from tests.tui.fakes import SMALL, WIDE, Seat, opened
from tests.tui.snapshots import Check
from tests.tui.test_pacs import DOWN, MISSING, search, state

__all__ = ["state"]

Scene = Callable[[Seat, State], Awaitable[None]]


async def form(seat: Seat, state: State) -> None:
    await seat.press("P")


async def found(seat: Seat, state: State) -> None:
    await search(seat, "PID*", field=2)
    await seat.press("space", "down", "down", "m")


async def series(seat: Seat, state: State) -> None:
    await search(seat, "ACC4001,ACC4002,ACC4003,NIX7")
    await seat.press("enter")


async def searching(seat: Seat, state: State) -> None:
    state.free.clear()
    await seat.press("P", "tab", "tab")
    await seat.type("PID*")
    await seat.pilot.press("enter")
    await seat.until(lambda: state.asked and seat.app.tasks)


async def nothing(seat: Seat, state: State) -> None:
    await search(seat, "ACC1")


async def error(seat: Seat, state: State) -> None:
    words = "MAIN does not know the AE title ANONTUI. Have its admin add it."
    state.failure = CallRefused("No", errors={"node": words})
    await search(seat, "PID*", field=2)


async def none(seat: Seat, state: State) -> None:
    state.nodes = ()
    await seat.press("P")


async def foreign(seat: Seat, state: State) -> None:
    state.nodes = state.receiver = MISSING
    await seat.press("P")


async def offline(seat: Seat, state: State) -> None:
    state.nodes = state.receiver = DOWN
    await seat.press("P")
    seat.pacs.show_pane(seat.pacs.archives)
    await seat.settle()


async def archives(seat: Seat, state: State) -> None:
    await seat.press("P")
    seat.pacs.show_pane(seat.pacs.archives)
    await seat.press("down")


async def imports(seat: Seat, state: State) -> None:
    await search(seat, "PID*", field=2)
    await seat.press("3")


async def add(seat: Seat, state: State) -> None:
    await search(seat, "ACC4001,ACC4002,ACC4003")
    await seat.press("asterisk", "a")


async def plan(seat: Seat, state: State) -> None:
    await search(seat, "ACC4001,ACC4002,ACC4003")
    await seat.press("asterisk", "i")


async def receiver(seat: Seat, state: State) -> None:
    await archives(seat, state)
    await seat.press("b")


SCENES: dict[str, Scene] = {
    f"pacs-{scene.__name__}": scene
    for scene in (
        *(form, found, series, searching, nothing, error, none, foreign, offline),
        *(archives, imports, add, plan, receiver),
    )
}
SIZES = [pytest.param(size, id=f"{size[0]}x{size[1]}") for size in (SMALL, WIDE)]


@pytest.fixture(autouse=True)
def jobs(project: Path, servers: Servers) -> None:
    """Imports in each state."""
    some = [
        fetching(2001, STUDIES[2], JobStatus.DONE, 2_315, 2_315),
        fetching(2002, STUDIES[9], JobStatus.ERROR, 0, 0, error="HTTP Error 404"),
        fetching(2003, STUDIES[4], JobStatus.UPLOADED, 41, 13),
        fetching(2004, STUDIES[7], JobStatus.ACTIVE, 1_400, 0),
        fetching(2005, STUDIES[8], JobStatus.ACTIVE, 0, 0),
    ]
    fakes.write_batch(project, some)
    servers.jobs = {job.job_id: job for job in some}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SCENES)
async def test_scene(
    project: Path, state: State, check: Check, name: str, size: tuple[int, int]
) -> None:
    async with opened(project, size) as seat:
        await SCENES[name](seat, state)
        check(seat, name)
        state.free.set()


async def test_readonly(project: Path, state: State, check: Check) -> None:
    async with opened(project, WIDE, readonly=True) as seat:
        await found(seat, state)
        await seat.press("i")
        check(seat, "pacs-readonly")
