"""The command line: what a text means, completion, history, and the line itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.errors import UsageError
from anontui.tui import commanding
from anontui.tui.actions import Registry, parse_key
from anontui.tui.catalog import ACTIONS
from anontui.tui.commanding import History, matches, meant, parse
from anontui.tui.screens.command import CommandScreen
from tests.tui.fakes import SMALL, Seat, opened

REGISTRY = Registry(ACTIONS)


@pytest.mark.parametrize(
    ("text", "action", "rest"),
    [
        ("app.zoom", "app.zoom", ""),
        ("app zoom", "app.zoom", ""),
        ("zoom", "app.zoom", ""),
        ("  batch   reset-error ", "batch.reset-error", ""),
        ("theme light", "app.theme", "light"),
        ("app.filter  !done field:x ", "app.filter", "!done field:x"),
        ("app theme light", "app.theme", "light"),
        ("qui", "app.quit", ""),
    ],
)
def test_what_a_text_means(text: str, action: str, rest: str) -> None:
    command = meant(REGISTRY, text)
    assert (command.action.id, command.text) == (action, rest)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("add", "may mean"),
        ("nonsense", "no command"),
        ("zoom now", "takes no word"),
        ("batch.re", "may mean"),
    ],
)
def test_what_is_no_command_is_told(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        meant(REGISTRY, text)
    assert caught.value.advice


def test_the_likeliest_comes_first() -> None:
    assert [action.id for action in matches(REGISTRY, "job")][:2] == ["job.info", "job.reset"]
    assert matches(REGISTRY, "theme")[0].id == "app.theme"
    assert {action.id for action in matches(REGISTRY, "")} == set(REGISTRY.actions)
    assert "batch.reset-error" in {
        action.id for action in matches(REGISTRY, "with error")
    }  # its name
    assert not matches(REGISTRY, "xyzzy")


@given(st.text(max_size=12))
def test_no_text_is_too_odd(text: str) -> None:
    matches(REGISTRY, text)
    parse(REGISTRY, text)
    if text.strip():
        try:
            meant(REGISTRY, text)
        except UsageError as error:
            assert error.sentence()


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_each_action_can_be_typed(action: object) -> None:
    assert any(command is action for command in commanding.names(REGISTRY).values())


def test_history_goes_back_and_forth_among_what_begins_alike() -> None:
    history = History(["zoom", "theme dark", "help", "theme light"])
    assert history.older("th") == "theme light"
    assert history.older("theme light") == "theme dark"
    assert history.older("theme dark") == "theme dark"  # there is none before
    assert history.newer("theme dark") == "theme light"
    assert history.newer("theme light") == "th"
    assert history.newer("th") == "th"
    history.add("zoom")
    assert history.lines == ["theme dark", "help", "theme light", "zoom"]


@given(st.lists(st.text(max_size=3), max_size=200))
def test_history_keeps_the_newest_once(lines: list[str]) -> None:
    history = History()
    for line in lines:
        history.add(line)
    assert len(history.lines) <= commanding.KEPT
    assert len(set(history.lines)) == len(history.lines)
    assert history.lines[-1:] == lines[-1:]


@pytest.mark.parametrize(
    ("written", "key"),
    [("?", "question_mark"), ("^s", "ctrl+s"), ("ctrl+s", "ctrl+s"), ("f5", "f5"), ("E", "E"),
     ("esc", "escape"), ("-", "minus"), ("shift+tab", "shift+tab"), ("@", "at"), ("é", "é")],
)  # fmt: skip
def test_keys_are_written_as_people_do(written: str, key: str) -> None:
    assert parse_key(written) == key


# -- in the app ------------------------------------------------------------------------------


def line_of(seat: Seat) -> str:
    screen = seat.app.screen
    assert isinstance(screen, CommandScreen)
    return screen.line.text


async def test_a_command_is_completed_and_done(project: Path) -> None:
    async with opened(project, SMALL) as seat:
        await seat.press("colon")
        await seat.type("app.zo")
        await seat.press("tab")
        assert line_of(seat) == "app.zoom"
        await seat.press("enter")
        await seat.until(lambda: seat.main.zoomed)
        assert seat.app.screen is seat.main


async def test_words_of_a_command_are_completed(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("colon")
        await seat.type("app.th")
        await seat.press("tab")
        assert line_of(seat) == "app.theme "
        await seat.type("hi")
        await seat.press("tab")
        assert line_of(seat) == "app.theme high-contrast"


async def test_keys_typed_in_one_piece_are_not_lost(project: Path) -> None:
    async with opened(project) as seat:
        await seat.pilot.press("colon", *"zoom", "enter")
        await seat.until(lambda: seat.main.zoomed)


async def test_a_wrong_command_says_why_and_stays(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("colon")
        await seat.type("batch.re")
        await seat.press("enter")
        screen = seat.app.screen
        assert isinstance(screen, CommandScreen) and "may mean" in screen.problem
        await seat.press("escape")
        assert seat.app.screen is seat.main


async def test_what_cannot_be_done_now_is_shown_with_its_reason(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("colon")
        await seat.type("cancel-task")
        screen = seat.app.screen
        assert isinstance(screen, CommandScreen)
        assert "not now: nothing is running" in screen._list.render().plain
        await seat.press("enter")
        assert seat.said.endswith("not now, nothing is running")


async def test_a_number_goes_to_that_row(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("4", "colon", "5", "enter")
        assert seat.main.jobs.grid.cursor_row == 4


async def test_a_filter_is_taken_from_the_line(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("3", "colon")
        await seat.type("filter patient1")
        await seat.press("enter")
        await seat.until(lambda: seat.main.mapping.filter_text == "patient1")


async def test_history_is_there_after_a_restart(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("colon")
        await seat.type("zoom")
        await seat.press("enter")
        await seat.pilot.press("q")
    async with opened(project) as seat:
        await seat.press("colon", "up")
        assert line_of(seat) == "zoom"


async def test_the_palette_can_have_another_key(project: Path) -> None:
    from anontui.settings import load

    load(project.parent / "settings.yml").replace(keys={"app.palette": "f1"}).save()
    async with opened(project) as seat:
        await seat.press("ctrl+p")
        assert seat.app.screen is seat.main
        await seat.press("f1")
        assert seat.app.screen is not seat.main
        assert "f1 all" in seat.main.keybar.render().plain
