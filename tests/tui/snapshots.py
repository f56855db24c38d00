"""Comparing what is on the screen with the pictures in ``snapshots/``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from textual._compositor import Compositor

from anontui.tui import manners
from anontui.tui.theme import Colourless
from tests.tui.calm import calm, put_off, shown
from tests.tui.fakes import LARGE, SMALL, WIDE, Seat
from tests.tui.svg import svg

FOLDER = Path(__file__).parents[2] / "snapshots"


def words(picture: str) -> list[str]:
    """The texts in a picture, to tell in a word what differs."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", picture)


@dataclass
class Album:
    """The pictures, against which those of a run are held, or which it takes anew."""

    is_updated: bool
    folder: Path
    """Where pictures go that differ."""
    wrong: list[str] = field(default_factory=list)
    taken: set[Path] = field(default_factory=set)
    """Taken anew in this run: what comes again must look the same."""

    def hold(self, seat: Seat, name: str) -> None:
        """Compare what is on the screen with the picture of that name and of its size."""
        width, height = seat.app.size
        path = FOLDER / f"{name}-{width}x{height}.svg"
        now = svg(shown(seat.app), (width, height))
        if self.is_updated and path not in self.taken:
            self.taken.add(path)
            FOLDER.mkdir(exist_ok=True)
            path.write_text(now, encoding="utf-8")
        elif not path.exists():
            self.wrong.append(f"there is no {path.name} yet: --snapshot-update takes it")
        elif (before := path.read_text(encoding="utf-8")) != now:
            (self.folder / path.name).write_text(now, encoding="utf-8")
            what = "colours" if words(before) == words(now) else "texts"
            self.wrong.append(f"{what} differ from {path.name}: see {self.folder / path.name}")


@pytest.fixture
def album(request: pytest.FixtureRequest, tmp_path: Path) -> Album:
    """The pictures."""
    return Album(request.config.getoption("update_snapshots"), tmp_path)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the app by what it has left to do."""
    for place in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{place}.wait_for_idle", calm)
    monkeypatch.setattr(Compositor, "render_update", put_off)


# -- looks: each is put on the running app, as the user may do with all but the last ------------


async def wear(seat: Seat, theme: str) -> None:
    """Put a theme on."""
    if seat.app.theme != theme:
        seat.app.theme = theme
        await seat.pilot.pause()


async def without_colours(seat: Seat) -> None:
    """Look as where ``NO_COLOR`` is set."""
    app = seat.app
    app.no_color = True
    manners.dress(app)
    assert any(isinstance(one, Colourless) for one in app._filters)
    app.refresh_css(animate=False)
    await seat.pilot.pause()


async def resized(seat: Seat, size: tuple[int, int]) -> None:
    """Have the terminal be of another size."""
    if seat.app.size != size:
        await seat.pilot.resize_terminal(*size)
        await seat.settle()


SIZES = (SMALL, WIDE, LARGE)
