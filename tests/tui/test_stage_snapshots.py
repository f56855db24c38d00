"""How the screens beside the panes look, as pictures in ``snapshots/``."""

from __future__ import annotations

from pathlib import Path

import pytest

from anontui.operations import servers
from tests.tui.fakes import SMALL, WIDE, Opened, Seat, opened
from tests.tui.snapshots import Check, check
from tests.tui.stages import PLAIN, SCENES, StagedServer, run, wait_for_ever

__all__ = ["check"]  # the fixture


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StagedServer:
    staged = StagedServer()
    for place in ("anontui.operations.servers", "anontui.operations.surveying"):
        monkeypatch.setattr(f"{place}.connect", lambda *_, **__: staged)
    monkeypatch.setattr("anontui.deid.run.keyfile.new_key", lambda: b"the same in every run")
    monkeypatch.setattr("anontui.operations.paths.system_mounts", list)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert servers.connect is not None
    return staged


async def _play(seat: Seat, name: str, server: StagedServer) -> None:
    scene = SCENES[name]
    server.refusal = scene.refusal
    if not scene.entries:
        server.entries = []
    if scene.waits:
        wait_for_ever(seat)
    for step in scene.steps:
        if callable(step):
            await step(seat)
        elif step.startswith("keys: "):
            await seat.press(*step.removeprefix("keys: ").split())
        elif scene.waits:
            seat.app.run_action_named(seat.app.registry.actions[step])
            await seat.pilot.pause()
        else:
            await run(seat, step)


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("name", SCENES)
async def test_scene(
    request: pytest.FixtureRequest,
    check: Check,
    server: StagedServer,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    size: tuple[int, int],
) -> None:
    monkeypatch.setattr(Opened, "greets", SCENES[name].greets)
    folder = request.getfixturevalue("bare" if SCENES[name].greets else "project")
    async with opened(folder, size) as seat:
        await _play(seat, name, server)
        check(seat, name)


@pytest.mark.parametrize("name", PLAIN)
async def test_without_colours(
    project: Path, check: Check, server: StagedServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(project, WIDE) as seat:
        await _play(seat, name, server)
        check(seat, f"{name}-no-color")


@pytest.mark.parametrize("name", PLAIN)
async def test_in_the_terminals_own_colours(
    project: Path, check: Check, server: StagedServer, name: str
) -> None:
    async with opened(project, WIDE) as seat:
        seat.app.theme = "ansi"
        await _play(seat, name, server)
        check(seat, f"{name}-ansi")
