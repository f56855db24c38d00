"""How the app looks, as pictures in ``snapshots/``: each pane and screen in each of its states.

``pytest tests/tui/test_snapshots.py --snapshot-update`` takes them anew: look at them before
you keep them. The scenes are in ``tests/tui/scenes``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest
from textual.screen import ModalScreen, Screen

import anontui.tui
from anontui.settings import load
from anontui.tui.front import PaneScreen
from anontui.tui.fullscreen import FullScreen
from anontui.tui.panes.pane import Pane
from anontui.tui.screens.dialog import Dialog
from anontui.tui.screens.stage import Stage, TableStage
from tests.tui.calm import shown
from tests.tui.conftest import Servers
from tests.tui.contrast import LEAST, unreadable_in
from tests.tui.fakes import LARGE, SMALL, WIDE, Seat, opened
from tests.tui.scenes import KINDS, NEVER, SCENES, World
from tests.tui.snapshots import FOLDER, SIZES, Album, album, quick, resized, wear, without_colours

__all__ = ["album"]  # the fixture

pytestmark = pytest.mark.usefixtures(quick.__name__)
_ = quick

LOOKS = ("ansi", "no-color")
TINY = (40, 10)


@pytest.fixture
def world(bare: Path, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> World:
    """A project, and servers that answer without a network."""
    world = World(bare, servers, monkeypatch)
    world.prepare()
    return world


def in_front(seat: Seat) -> set[str]:
    """The names of what is shown: the screen, and the pane that takes the keys."""
    screen = seat.app.screen
    names = {type(screen).__name__}
    return names | {type(screen.current).__name__} if isinstance(screen, PaneScreen) else names


@pytest.mark.parametrize("name", SCENES)
async def test_scene(world: World, album: Album, name: str) -> None:
    """A scene is played once; then the terminal and its colours change around it."""
    scene = SCENES[name]
    poor: set[str] = set()
    scene.before(world)

    async def look(wearing: Awaitable[None]) -> None:
        if scene.again:
            await seat.press("escape")
        await wearing
        if scene.again:
            await scene.play(seat, world)

    def read(seat: Seat) -> None:
        found = unreadable_in(shown(seat.app), seat.app.theme)
        poor.update(f"{seat.app.theme} at {seat.app.size.width}: {text}" for text in found)

    async with opened(world.folder, WIDE, readonly=scene.readonly) as seat:
        await scene.play(seat, world)
        assert scene.shows in in_front(seat)
        assert not getattr(seat.app.focused, "cursor_blink", False)
        for size in (WIDE, SMALL, LARGE):
            await resized(seat, size)
            album.hold(seat, name)
            read(seat)
        await resized(seat, WIDE)
        album.hold(seat, name)
        for theme in LEAST:
            await look(wear(seat, theme))
            read(seat)
        album.hold(seat, f"{name}-ansi")
        await look(without_colours(seat))
        album.hold(seat, f"{name}-no-color")
    assert album.wrong == []
    assert poor == set()


STARTED = ("main", "pacs-found", "preview-held", "review", "welcome", "confirm", "help")


@pytest.mark.parametrize("name", STARTED)
@pytest.mark.parametrize("look", ["80x24", "200x60", *LOOKS])
async def test_it_looks_the_same_where_it_is_started_like_that(
    world: World, album: Album, monkeypatch: pytest.MonkeyPatch, look: str, name: str
) -> None:
    scene = SCENES[name]
    album.is_updated = False
    sizes = {"80x24": SMALL, "200x60": LARGE}
    if look == "no-color":
        monkeypatch.setenv("NO_COLOR", "1")
    elif look == "ansi":
        monkeypatch.setenv("COLORTERM", "")
        monkeypatch.setenv("TERM", "xterm")
    scene.before(world)
    async with opened(world.folder, sizes.get(look, WIDE), readonly=scene.readonly) as seat:
        await scene.play(seat, world)
        album.hold(seat, f"{name}-{look}" if look in LOOKS else name)
    assert album.wrong == []


THEMES = ("light", "high-contrast", "ansi")


@pytest.mark.parametrize("theme", THEMES)
async def test_theme(world: World, album: Album, theme: str) -> None:
    load(world.folder.parent / "settings.yml").replace(theme=theme).save()
    async with opened(world.folder, WIDE) as seat:
        assert seat.app.theme == theme
        await seat.press("4", "down")
        album.hold(seat, f"theme-{theme}")
    assert album.wrong == []


async def test_too_small(world: World, album: Album) -> None:
    async with opened(world.folder, TINY) as seat:
        album.hold(seat, "too-small")
    assert album.wrong == []


# -- nothing is forgotten --------------------------------------------------------------------


def test_every_picture_has_a_scene() -> None:
    names = {f"{name}-{width}x{height}" for name in SCENES for width, height in SIZES}
    names |= {f"{name}-{look}-120x40" for name in SCENES for look in LOOKS}
    names |= {*(f"theme-{theme}-120x40" for theme in THEMES), "too-small-40x10"}
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.svg" for name in names}


def _ours() -> Iterator[str]:
    """The names of the classes of all panes and screens."""
    frames = (Dialog, FullScreen, ModalScreen, Pane, PaneScreen, Screen, Stage, TableStage)
    for module in pkgutil.walk_packages(anontui.tui.__path__, "anontui.tui."):
        for name, found in inspect.getmembers(
            importlib.import_module(module.name), inspect.isclass
        ):
            if issubclass(found, (Screen, Pane)) and found not in frames:
                yield name


def test_every_pane_and_screen_has_a_picture_of_each_of_its_states() -> None:
    there = {(scene.shows, scene.state) for scene in SCENES.values()}
    never = {(name, state) for name, states in NEVER.items() for state in states}
    needed = {(name, state) for name in {*_ours(), "CommandPalette"} for state in KINDS}
    assert sorted(needed - there - never) == []
    assert sorted(never & there) == [], "said never to be, and shown"
    assert sorted((never | there) - needed) == [], "there is no such pane or screen"
    assert all(reason for states in NEVER.values() for reason in states.values())
