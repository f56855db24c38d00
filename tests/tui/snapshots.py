"""Comparing what is on the screen with the pictures in ``snapshots/``."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.fakes import Seat

FOLDER = Path(__file__).parents[2] / "snapshots"

Check = Callable[[Seat, str], None]


def words(svg: str) -> list[str]:
    """The texts in a picture, to tell in a word what differs."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.fixture
def check(request: pytest.FixtureRequest, tmp_path: Path) -> Check:
    """Compare what is on the screen with the picture of that name, or take it anew."""

    def check(seat: Seat, name: str) -> None:
        width, height = seat.app.size
        path = FOLDER / f"{name}-{width}x{height}.svg"
        svg = re.sub(r"terminal-\d+", "terminal", seat.app.export_screenshot(title="anontui"))
        svg = "".join(f"{line.rstrip()}\n" for line in svg.splitlines())
        if request.config.getoption("update_snapshots"):
            FOLDER.mkdir(exist_ok=True)
            path.write_text(svg, encoding="utf-8")
            return
        assert path.exists(), f"there is no {path.name} yet: --snapshot-update takes it"
        before = path.read_text(encoding="utf-8")
        if svg != before:
            now = tmp_path / path.name
            now.write_text(svg, encoding="utf-8")
            assert words(svg) == words(before), f"see {now}"
            pytest.fail(f"the colours differ from {path.name}, see {now}")

    return check
