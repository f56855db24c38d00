"""The four panes and the lines around them."""

from __future__ import annotations

import shutil

from anontui.errors import SettingsError
from anontui.operations.servers import ServerState
from tests.tui import fakes
from tests.tui.fakes import Seat
from tests.tui.scenes.scene import EMPTY, ERROR, FULL, HOLD, LOADING, Scene, World, bare, typed

SILENT = ServerState("p01", fakes.SERVERS[0].url, False, None, "No answer", "Check the network.")


def without_rows(world: World) -> None:
    """A mapping, and nothing in it."""
    head, heading, _ = fakes.MAPPING.partition("## Mapping ##\n")
    world.mapping.write_text(f"{head}{heading}source,pseudo_id,pseudo_name,description\n")


def no_answer(world: World) -> None:
    """The active server is down, so that nothing is known of the jobs."""
    world.servers.states["p01"] = SILENT
    world.servers.jobs = {}


async def selection(seat: Seat) -> None:
    """Look into a folder."""
    await seat.press("2", "down", "enter")
    await seat.press("down", "space", "space")
    await seat.press("up", "enter")


async def folder_goes(seat: Seat) -> None:
    """A folder is deleted before it is opened."""
    shutil.rmtree(seat.app.model.folder / "notes")
    await seat.press("2", "z", "down", "down", "enter", "up")


async def toasts(seat: Seat) -> None:
    """What pops up."""
    for severity in ("error", "warning"):
        seat.app.fail(SettingsError("It did not work", cause="why", advice="Do this."), severity)
    seat.app.notify("Done")
    await seat.until(lambda: len(seat.app.screen.query("Toast")) == 3)


def broken_mapping(world: World) -> None:
    """No mapping at all."""
    world.mapping.write_text("## Description ##\nno more than that\n")


def broken_batch(world: World) -> None:
    """A batch that cannot be read."""
    (world.folder / ".anonbatch").write_text("{")


SCENES = {
    "empty": Scene("MainScreen", EMPTY, before=bare),
    "loading": Scene("MainScreen", LOADING, before=lambda world: world.hold("files")),
    "main": Scene("MainScreen", FULL),
    "readonly": Scene("MainScreen", FULL, readonly=True),
    "offline": Scene("MainScreen", ERROR, before=no_answer),
    "toasts": Scene("MainScreen", ERROR, (toasts,)),
    "servers-empty": Scene("ServersPane", EMPTY, ("1 z",), bare),
    "servers-loading": Scene("ServersPane", LOADING, ("1 z",), lambda world: world.hold("poll")),
    "servers": Scene("ServersPane", FULL, ("1 z",)),
    "servers-error": Scene("ServersPane", ERROR, ("1 z down",), no_answer),
    "files-empty": Scene("FilesPane", EMPTY, ("2 z",), bare),
    "files-loading": Scene("FilesPane", LOADING, ("2 z down enter", HOLD, "down space")),
    "files": Scene("FilesPane", FULL, (selection,)),
    "files-error": Scene("FilesPane", ERROR, (folder_goes,)),
    "mapping-empty": Scene("MappingPane", EMPTY, ("3 z",), without_rows),
    "mapping-loading": Scene("MappingPane", LOADING, ("3 z",), lambda world: world.hold("files")),
    "mapping": Scene("MappingPane", FULL, ("3 z down down",)),
    "mapping-error": Scene("MappingPane", ERROR, (), broken_mapping),
    "editing": Scene("MappingPane", FULL, ("down down e", typed("LUNG-003"))),
    "range": Scene("MappingPane", FULL, ("3 shift+right shift+down shift+down",)),
    "bad-cell": Scene("MappingPane", ERROR, ("3 left e end ctrl+u", typed("folder:a/.."))),
    "filtering": Scene("MappingPane", FULL, ("slash", typed("base"))),
    "filter": Scene("MappingPane", FULL, ("slash", typed("!baseline"), "enter")),
    "batch-empty": Scene("BatchPane", EMPTY, ("4 z",), bare),
    "batch-loading": Scene("BatchPane", LOADING, ("4 z",), lambda world: world.hold("poll")),
    "batch": Scene("BatchPane", FULL, ("4 down",)),
    "batch-zoomed": Scene("BatchPane", FULL, ("4 z down space down space",)),
    "batch-error": Scene("BatchPane", ERROR, ("4 z",), broken_batch),
}
