"""What a picture is taken of: the world before the app opens, and the steps to come there."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from tests.tui import fakes
from tests.tui.archives import Archives, State
from tests.tui.conftest import Servers
from tests.tui.fakes import Opened, Seat
from tests.tui.stages import StagedServer, run

Kind = Literal["empty", "loading", "full", "error"]
EMPTY: Final = "empty"
LOADING: Final = "loading"
FULL: Final = "full"
ERROR: Final = "error"
KINDS: tuple[Kind, ...] = (EMPTY, LOADING, FULL, ERROR)


@dataclass
class World:
    """What there is: files, settings, and what the servers answer."""

    folder: Path
    servers: Servers
    patch: pytest.MonkeyPatch
    staged: StagedServer = field(default_factory=StagedServer)
    archives: State = field(default_factory=State)
    has_archives: bool = False

    @property
    def mapping(self) -> Path:
        """The mapping's file."""
        return self.folder / "anon_mapping.csv"

    def connect(self) -> Any:
        """A client of the server."""
        return nullcontext(Archives(self.archives)) if self.has_archives else self.staged

    def prepare(self) -> None:
        """Put the network, keys and mounts of this machine out of sight; make a project."""
        for place in ("anontui.operations.servers", "anontui.operations.surveying"):
            self.patch.setattr(f"{place}.connect", lambda *_, **__: self.connect())
        self.patch.setattr("anontui.deid.run.keyfile.new_key", lambda: b"the same in every run")
        self.patch.setattr("anontui.operations.paths.system_mounts", list)
        self.patch.setattr("anontui.tui.model.monotonic", lambda: 0.0)
        fakes.write_settings(self.folder.parent / "settings.yml", self.folder)
        fakes.write_data(self.folder)
        self.mapping.write_text(fakes.MAPPING)
        fakes.write_batch(self.folder)

    def hold(self, *lanes: str) -> None:
        """Have what is started from now on, in these lanes or all, never come to its end."""
        held = staticmethod(lambda lane: not lanes or lane in lanes)
        self.patch.setattr(Opened, "holds", held)

    def greet(self) -> None:
        """Nobody used the app before."""
        bare(self)
        self.patch.setattr(Opened, "greets", True)


def bare(world: World) -> None:
    """An empty folder, and no settings."""
    shutil.rmtree(world.folder)
    world.folder.mkdir()
    (world.folder.parent / "settings.yml").unlink()


@dataclass(frozen=True)
class Change:
    """A step that changes the world."""

    change: Callable[[World], None]


HOLD = Change(World.hold)
"""From here on nothing comes to its end."""

Step = str | Change | Callable[[Seat], Awaitable[None]]
"""Keys with blanks between them, or what else is done."""


@dataclass(frozen=True)
class Scene:
    """A picture to take.

    Parameters
    ----------
    shows, state
        The name of the screen's class, or of the current pane's, and what state it is in.
    steps
        How to come there.
    before
        What is otherwise in the world.
    readonly
        How the app is started.
    again
        It is left, and played again, where the colours change: it takes on none while it is open.
    """

    shows: str
    state: Kind
    steps: tuple[Step, ...] = ()
    before: Callable[[World], None] = lambda world: None
    readonly: bool = False
    again: bool = False

    async def play(self, seat: Seat, world: World) -> None:
        """Go to where the picture is taken."""
        for step in self.steps:
            if isinstance(step, str):
                await seat.press(*step.split())
            elif isinstance(step, Change):
                step.change(world)
            else:
                await step(seat)


def act(action_id: str) -> Step:
    """Run an action as the palette does."""

    async def act_(seat: Seat) -> None:
        await run(seat, action_id)

    return act_


def typed(text: str) -> Step:
    """Type a text."""

    async def type_(seat: Seat) -> None:
        await seat.press(*text)

    return type_
