"""Every key of everywhere on every screen beside the panes: it does something, or says why not."""

from __future__ import annotations

import ast
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import anontui.tui
from anontui.operations import servers
from anontui.settings import load
from anontui.tui.actions import why_not
from anontui.tui.catalog import ACTIONS
from anontui.tui.catalog.places import PANES
from anontui.tui.screens.command import CommandScreen
from anontui.tui.screens.help import HelpScreen
from anontui.tui.screens.stage import Stage, TableStage
from anontui.tui.screens.welcome import WelcomeScreen
from tests.tui.fakes import Seat, opened
from tests.tui.scenes.stages import first_file
from tests.tui.stages import StagedServer, run

Opener = Callable[[Seat], Awaitable[None]]


def action(*names: str) -> Opener:
    """Open a screen by actions."""

    async def steps(seat: Seat) -> None:
        for name in names:
            await run(seat, name)

    return steps


async def somebody(seat: Seat) -> None:
    """Who is who, with an answer."""
    await run(seat, "identities.find")
    await seat.type("Jan*")
    await seat.press("enter")


async def welcome(seat: Seat) -> None:
    """The first start."""
    assert seat.app.model.workspace is not None
    seat.app.push_screen(WelcomeScreen(seat.app, seat.app.model.workspace.settings))
    await seat.settle()


OPENERS: dict[str, Opener] = {
    "overview": action("server.list"),
    "quarantine": action("quarantine.list"),
    "review": action("quarantine.list", "quarantine.show"),
    "identities": somebody,
    "preview": first_file,
    "settings": action("settings.show"),
    "welcome": welcome,
}
EVERYWHERE = [one for one in ACTIONS if not one.pane and one.key]
LEAVING = ("app.back", "app.quit")
OF_PANES = {"app.zoom", "app.next-pane", "app.previous-pane", "app.pacs"} | {
    f"app.pane-{number}" for number in range(1, 5)
}
OF_TABLES = {"app.filter"} | {f"app.{n}" for n in (
    "sort", "columns", "narrower", "wider", "mark-range", "mark-all", "export")}  # fmt: skip
OWN = {("review", "x"), ("review", "tab"), ("identities", "tab")}
"""Keys that mean something of the screen's own."""
NO_TABLE = {"review", "welcome"}


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> StagedServer:
    staged = StagedServer()
    monkeypatch.setattr(servers, "connect", lambda *_, **__: staged)
    monkeypatch.setattr("anontui.operations.surveying.connect", lambda *_, **__: staged)
    return staged


async def come_to(seat: Seat, scope: str) -> Stage:
    """Open the screen of a scope."""
    await OPENERS[scope](seat)
    screen = seat.app.screen
    assert isinstance(screen, Stage)
    assert screen.scope == scope
    return screen


def refusal(scope: str, action_id: str) -> str:
    """What an action says where it cannot be done; empty where it can."""
    if action_id in OF_PANES:
        return "there are no panes here (esc goes back to them)"
    if action_id in OF_TABLES and scope in NO_TABLE:
        return "there is no table here"
    if action_id == "app.export" and scope in {"preview", "identities"}:
        return "it shows who patients are, which goes into no file"
    if action_id == "app.sort" and scope == "preview":
        return "elements stand in the order of their tags"
    if action_id == "app.cancel-task":
        return "nothing is running"
    return ""


def state(seat: Seat, stage: Stage) -> Any:
    """All that a key of everywhere may change."""
    table = (
        (stage.grid.marks, stage.grid.arrangement, stage.filter_text)
        if isinstance(stage, TableStage)
        else ()
    )
    return seat.app.screen_stack, type(stage.focused), seat.said, table


@pytest.mark.parametrize("scope", OPENERS)
async def test_a_key_of_everywhere_does_something_or_says_why(project: Path, scope: str) -> None:
    async with opened(project) as seat:
        stage = await come_to(seat, scope)
        registry = seat.app.registry
        for one in EVERYWHERE:
            key = one.key.split(",")[0]
            if one.id in LEAVING or (scope, key) in OWN:
                assert one.id in LEAVING or registry.for_key(key, scope) is not one
                continue
            assert registry.for_key(key, scope) is one, key
            seat.app.say("")
            before = list(state(seat, stage))
            before[0] = list(before[0])
            await seat.press(key)
            if reason := refusal(scope, one.id):
                assert seat.said == f"{one.name}: not now, {reason}"
                assert seat.app.screen is stage
            else:
                assert list(state(seat, stage)) != before, one.id
                assert "not now" not in seat.said
            while seat.app.screen is not stage:  # what it opened
                await seat.press("escape")
            if isinstance(stage, TableStage):
                stage.grid.clear_marks()
                stage.grid.focus()
        await seat.press("escape")
        assert seat.app.screen is not stage
        stage = await come_to(seat, scope)
        await seat.pilot.press("q")
        assert not seat.app.is_running or seat.app._exit


@pytest.mark.parametrize("scope", OPENERS)
async def test_commands_of_the_screen_and_of_everywhere_go_others_say_why(
    project: Path, scope: str
) -> None:
    async with opened(project) as seat:
        stage = await come_to(seat, scope)
        await seat.press("colon")
        line: Any = seat.app.screen
        assert isinstance(line, CommandScreen)
        first = {one.pane for one in line.found[:2]}
        assert first <= {scope}
        for one in ACTIONS:
            reason = why_not(one, seat.app)
            assert reason.startswith("it is for ") == (one.pane not in ("", scope)), one.id
        await seat.type("map.edit")
        await seat.press("enter")
        assert seat.said.endswith("not now, it is for pane 3, mapping")
        assert seat.app.screen is stage
        await seat.press("colon", "up")
        line = seat.app.screen
        assert isinstance(line, CommandScreen)
        assert line.line.text == "map.edit"


async def test_on_the_panes_a_screen_s_own_commands_say_where_they_belong(project: Path) -> None:
    async with opened(project) as seat:
        for one in ACTIONS:
            if one.pane and one.pane not in PANES:
                assert why_not(one, seat.app).startswith("it is for "), one.id


@pytest.mark.parametrize("scope", OPENERS)
async def test_there_is_one_help_with_the_screen_s_keys_first(project: Path, scope: str) -> None:
    async with opened(project) as seat:
        await come_to(seat, scope)
        await seat.press("question_mark")
        assert isinstance(seat.app.screen, HelpScreen)
        said = (str(widget.render()) for widget in seat.app.screen.query("Static"))
        text = " ".join(" ".join(said).split())
        own = [one for one in ACTIONS if one.pane == scope]
        places = [text.index(one.name) for one in [*own, *EVERYWHERE]]
        assert text.index("Everywhere") > max(places[: len(own)])
        assert "there are no panes here" in text
        assert "Add a row" not in text


async def test_a_key_that_means_nothing_here_says_so(project: Path) -> None:
    async with opened(project) as seat:
        await come_to(seat, "overview")
        for key in ("c", "plus", "A"):
            await seat.press(key)
            assert seat.said.endswith("means nothing here: ? shows what the keys do")
        await seat.press("escape", "1", "c")
        assert seat.said == "c means nothing here: ? shows what the keys do"


def _shown(stage: TableStage) -> str:
    """The last letters of the keys of the rows, in the order in which they show."""
    rows, order = stage.rows(), stage.grid.order
    return "".join(str(rows.key(at))[-1] for at in (range(len(rows)) if order is None else order))


async def test_tables_beside_the_panes_are_sorted_filtered_and_copied(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_TTY", "")
    async with opened(project) as seat:
        stage = await come_to(seat, "quarantine")
        assert isinstance(stage, TableStage)
        grid = stage.grid
        assert _shown(stage) == "1234"
        stage.sort_by("job")
        stage.sort_by("job")
        assert _shown(stage) == "4321"
        await seat.press("slash")
        await seat.type("why:ultrasound")
        await seat.press("enter")
        assert _shown(stage) == "21"
        before = grid.places[0].width
        await seat.press("greater_than_sign")
        assert grid.places[0].width == before + 1
        await seat.press("asterisk", "y")
        assert seat.said.startswith("Copied 2 rows")
        await seat.press("escape")
        assert not grid.marks
        await seat.press("escape")
        assert grid.row_count == 4
        assert seat.app.screen is stage


async def test_identity_is_copied_into_no_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anontui.tui import manners, session

    monkeypatch.setattr(manners, "clipboard", lambda *_: "file")
    async with opened(project) as seat:
        for scope in ("identities", "preview"):
            await come_to(seat, scope)
            await seat.press("y")
            assert seat.said.startswith("Not copied")
            await seat.press("escape")
        assert not (session.state_folder() / "copied.txt").exists()
        await come_to(seat, "overview")
        await seat.press("y")
        assert (session.state_folder() / "copied.txt").exists()


async def test_narrow_screens_drop_columns_and_the_user_has_them_all_the_same(
    project: Path,
) -> None:
    async with opened(project, (80, 24)) as seat:
        stage = await come_to(seat, "quarantine")
        assert isinstance(stage, TableStage)
        shown = [column.id for column in stage.grid.columns]
        assert not stage.dropped.intersection(shown)
        await seat.press("vertical_line", "down", "down", "space", "escape")
        assert "project" in [column.id for column in stage.grid.columns]
        await seat.pilot.resize_terminal(120, 40)
        await seat.settle()
        assert len(stage.grid.columns) == len(stage.columns)


async def test_words_name_the_keys_that_are_bound_now(project: Path) -> None:
    path = project.parent / "settings.yml"
    keys = {"app.help": "f1", "overview.built-in": "f3", "app.back": "f10", "review.box": "f4"}
    load(path).replace(keys=keys).save()
    async with opened(project) as seat:
        stage = await come_to(seat, "overview")
        assert isinstance(stage, TableStage)
        rows = stage.rows()
        assert "f3 starts it here" in str(rows.cells(len(rows) - 1))
        bar = stage.keybar.render().plain
        assert "f10 back" in bar
        assert "f1 help" in bar
        await seat.press("f10")
        await come_to(seat, "review")
        await seat.press("b")
        assert "f4 draws one" in seat.said
        await seat.press("escape")  # the way out, whatever else it may mean
        assert seat.app.screen.scope == "quarantine"  # type: ignore[attr-defined]


def test_each_action_that_a_text_names_is_there() -> None:
    ids = {one.id for one in ACTIONS}
    groups = {one.partition(".")[0] for one in ids}
    found = set()
    for path in Path(anontui.tui.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(r"\{([a-z]+\.[a-z0-9-]+)\}", node.value))
    named = {one for one in found if one.partition(".")[0] in groups}
    assert len(named) > 20
    assert named <= ids
