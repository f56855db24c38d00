"""The action registry: one place for keys, bar, palette and help."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from anontui.errors import SettingsError
from anontui.settings import load
from anontui.tui.actions import Action, Registry, key_sign, why_not
from anontui.tui.app import AnonTUI
from anontui.tui.catalog import ACTIONS
from anontui.tui.keypage import PANES
from anontui.tui.main import MainScreen
from anontui.tui.screens.help import HelpScreen
from anontui.tui.screens.pacs import PacsScreen
from tests.tui.fakes import LARGE, Seat, opened

FRONTS = (*MainScreen().panes, *PacsScreen().panes)
OF_PANES = [a for a in ACTIONS if a.pane in {"", "search", *(pane.id for pane in FRONTS)}]
CHANGING = [action for action in ACTIONS if action.changes]
LEAVING = {"app.quit", "app.help"}


def nothing(_: AnonTUI) -> None:
    """An action that does nothing."""


A = Action("a.one", "a", "One", nothing, pane="files")
B = Action("a.two", "b", "Two", nothing, pane="files")
C = Action("a.three", "a", "Three", nothing, pane="batch")
ANYWHERE = Action("a.all", "a", "All", nothing)


def test_the_catalog_has_no_conflict() -> None:
    registry = Registry(ACTIONS)
    assert len(registry.actions) == len(ACTIONS)  # no id twice
    for action in ACTIONS:
        for key in filter(None, action.key.split(",")):
            assert registry.for_key(key, action.pane) is action


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_each_action_is_described(action: Action) -> None:
    assert action.name
    assert action.key or not action.label
    group, _, verb = action.id.partition(".")
    assert group
    assert verb
    assert action.pane in PANES


def test_no_pane_hides_a_key_of_everywhere() -> None:
    anywhere = {key for a in ACTIONS if not a.pane for key in a.key.split(",")}
    of_panes = (a for a in OF_PANES if a.pane)  # other screens have keys of their own
    hidden = {key for a in of_panes for key in a.key.split(",")} & anywhere
    assert hidden <= {""}


def test_a_pane_s_key_comes_before_that_of_everywhere() -> None:
    registry = Registry([ANYWHERE, A, B, C])
    assert registry.for_key("a", "files") is A
    assert registry.for_key("a", "batch") is C
    assert registry.for_key("a", "mapping") is ANYWHERE
    assert registry.for_key("x", "files") is None
    assert registry.of_pane("files") == [A, B]


def test_keys_of_the_settings_replace_the_default() -> None:
    registry = Registry([A, B], {"a.one": "x,ctrl+x"})
    for key in ("x", "ctrl+x"):
        found = registry.for_key(key, "files")
        assert found is not None
        assert found.id == "a.one"
    assert registry.for_key("a", "files") is None


@pytest.mark.parametrize(
    ("keys", "named"),
    [({"a.one": "b"}, ["a.one", "a.two", "'b'"]), ({"no.such": "b"}, ["no.such"])],
    ids=["conflict", "unknown"],
)
def test_keys_that_cannot_be_are_refused(keys: dict[str, str], named: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        Registry([A, B], keys)
    assert all(name in caught.value.message for name in named)
    assert caught.value.advice


@pytest.mark.parametrize(
    ("key", "sign"),
    [("question_mark", "?"), ("ctrl+s", "^s"), ("delete,D", "del"), ("E", "E"), ("escape", "esc")],
)
def test_key_sign(key: str, sign: str) -> None:
    assert key_sign(key) == sign


# -- in the app --------------------------------------------------------------------------


async def test_the_app_takes_keys_from_the_settings(project: Path) -> None:
    path = project.parent / "settings.yml"
    load(path).replace(keys={"app.zoom": "w"}).save()
    async with opened(project) as seat:
        await seat.press("z")
        assert not seat.main.zoomed
        await seat.press("w")
        assert seat.main.zoomed


async def test_wrong_keys_in_the_settings_are_told_and_the_defaults_hold(project: Path) -> None:
    load(project.parent / "settings.yml").replace(keys={"app.zomo": "w"}).save()
    async with opened(project) as seat:
        assert "app.zomo" in seat.said
        await seat.press("z")
        assert seat.main.zoomed


async def test_what_cannot_be_done_in_an_empty_project_says_why(bare: Path) -> None:
    async with opened(bare) as seat:
        why = {action.id: why_not(action, seat.app) for action in ACTIONS}
        assert why["create.from-mapping"].startswith("there is no mapping yet")
        assert why["mapping.edit"].startswith("there is no mapping yet")
        assert why["job.reset"] == "the batch has no jobs yet"
        assert why["batch.reset-error"] == "no job has an error"
        assert why["batch.cancel-active"] == "no job is waiting or running"
        assert why["server.edit"] == "there is no server yet"
        assert why["map.add-study-folders"].startswith("there is no mapping yet")
        assert why["app.cancel-task"] == "nothing is running"
        assert why["mapping.keep-mine"] == "nobody else changed the same cells"
        assert why["app.quit"] == why["app.help"] == why["map.init"] == ""
        await seat.press("3", "c")
        assert ": not now, there is no mapping yet" in seat.said


async def test_keys_before_the_project_is_read_do_no_harm(project: Path) -> None:
    app = AnonTUI(project)
    async with app.run_test() as pilot:
        app.load = nothing  # type: ignore[assignment, method-assign]
        app.model.loaded, app.model.workspace, app.model.editor = False, None, None
        app.model.batch = None
        for action in ACTIONS:
            if action.id in LEAVING:
                continue
            app.main.show_pane(next((p for p in app.main.panes if p.id == action.pane), None))
            app.run_action_named(action)
        await pilot.pause()
        assert app.is_running


@pytest.mark.parametrize("action", CHANGING, ids=lambda action: action.id)
async def test_readonly_refuses(project: Path, action: Action) -> None:
    before = files(project.parent)
    async with opened(project, readonly=True) as seat:
        pane = action.pane in {"search", *(pane.id for pane in FRONTS)}
        await seat.go_to(action.pane if pane else "")
        front = seat.app.front
        if action.key and (pane or not action.pane):
            await seat.press(action.key.split(",")[0])
        else:
            seat.app.run_action_named(action)
            await seat.settle()
        assert seat.said == f"{action.name}: not now, the app was started read-only"
        assert seat.app.screen is front
        assert not front.current.grid.editing
    assert files(project.parent) == before


def test_what_writes_is_named_as_such() -> None:
    harmless = {action.id for action in OF_PANES if not action.changes}
    assert {id_ for id_ in harmless if not id_.startswith("app.")} == {
        "files.mark",
        "files.open-or-close",
        "files.expand",
        "files.collapse",
        "files.reread",
        "mapping.mark",
        "mapping.preview",
        "mapping.take-theirs",
        "imports.info",
        "imports.mark",
        "job.info",
        "job.list",
        "batch.mark",
        "batch.preview",
        "batch.show-error",
        "deid.explain",
        "identities.find",
        "quarantine.list",
        "server.list",
        "map.check",
        "pacs.echo",
        "pacs.find",
        "paths.show",
        "select.status",
        "server.jobs",
        "server.status",
        "settings.show",
        "studies.clear-form",
        "studies.form",
        "studies.mark",
        "studies.not-found",
        "studies.search-again",
        "studies.search-here",
        "studies.series",
        "studies.sort",
        "studies.sort-reverse",
    }
    others = {action.id for action in ACTIONS if action not in OF_PANES and action.changes}
    assert others == {
        "overview.activate",
        "overview.built-in",
        "quarantine.reject",
        "quarantine.release",
        "quarantine.release-again",
        "review.reject",
        "review.release",
        "review.release-again",
        "review.release-blacked",
        "settings.change",
        "settings.default",
        "settings.edit-here",
        "welcome.built-in",
        "welcome.import",
        "welcome.server",
    }


async def test_palette_key_bar_and_help_list_them(project: Path) -> None:
    async with opened(project, LARGE) as seat:
        app = seat.app
        commands = {c.title: c.help for c in app.get_system_commands(seat.main)}
        here = {"", *(pane.id for pane in seat.main.panes)}
        assert list(commands) == [action.name for action in ACTIONS if action.pane in here]
        assert commands["Cancel what runs in the background"] == "not now: nothing is running"
        assert commands["Quit; jobs go on"] == "app.quit · q ^q"
        for number, pane in enumerate(seat.main.panes, 1):
            await seat.press(str(number))
            bar = keybar(seat)
            for action in app.registry.of_pane(pane.id or ""):
                if action.label:
                    assert f"{key_sign(action.key)} {action.label}" in bar
            assert bar.rstrip().endswith("? help")
        await seat.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        text = "\n".join(str(w.render()) for w in app.screen.query("Static"))
        assert all((action.name in text) == (action.pane in here) for action in OF_PANES)
        assert not list(app.get_system_commands(app.screen))  # not while a question is open
        await seat.press("escape")
        assert app.screen.id == "main"


async def test_the_palette_runs_an_action(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("ctrl+p")
        assert seat.app.screen is not seat.main
        await seat.type("zoom this")
        await asyncio.sleep(0.2)
        await seat.press("down", "enter")
        await seat.until(lambda: seat.main.zoomed)


def keybar(seat: Seat) -> str:
    """What the key bar says."""
    return seat.main.keybar.render().plain


def files(folder: Path) -> dict[Path, bytes]:
    """Everything in a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
