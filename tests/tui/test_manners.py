"""Colours, mouse, clipboard, warnings, what is remembered, and what read-only means."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from anontui.errors import SettingsError
from anontui.operations import terminal
from anontui.settings import load
from anontui.tui import session
from anontui.tui.history import KEPT, Activity
from anontui.tui.screens.activity import ActivityScreen
from tests.tui.fakes import SMALL, Seat, opened


def settings_of(project: Path) -> Any:
    return load(project.parent / "settings.yml")


# -- colours ---------------------------------------------------------------------------------


async def test_a_theme_is_shown_as_one_looks_at_it_and_remembered(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("ctrl+t")
        assert seat.app.theme == "dark"
        await seat.press("down", "down")
        assert seat.app.theme == "light"
        await seat.press("enter")
        assert seat.app.theme == "light" and "light" in seat.said
        await seat.pilot.press("q")
    assert settings_of(project).theme == "light"
    assert session.read(project)["theme"] == "light"  # for the first paint of the next start


async def test_a_theme_that_was_only_looked_at_leaves_no_trace(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("ctrl+t", "down", "down", "down", "escape")
        assert seat.app.theme == "dark"
    assert settings_of(project).theme is None


async def test_a_theme_by_its_name(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("colon")
        await seat.type("theme high-contrast")
        await seat.press("enter")
        await seat.until(lambda: seat.app.theme == "high-contrast")
        await seat.press("colon")
        await seat.type("theme nonsense")
        await seat.press("enter")
        await seat.until(lambda: "no theme 'nonsense'" in seat.said)


async def test_settings_overrule_what_was_remembered(project: Path) -> None:
    settings_of(project).replace(theme="light").save()
    async with opened(project) as seat:
        await seat.pilot.press("q")
    settings_of(project).replace(theme=None).save()
    async with opened(project) as seat:
        assert seat.app.theme == "dark"


async def test_a_terminal_of_sixteen_colours_gets_them(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "linux")
    monkeypatch.delenv("COLORTERM")
    settings_of(project).replace(theme="light").save()
    async with opened(project) as seat:
        assert seat.app.theme == "ansi"
        await seat.press("colon")
        await seat.type("theme dark")
        await seat.press("enter")
        await seat.until(lambda: "this terminal has 16 colours" in seat.said)
    assert settings_of(project).theme == "dark"  # for terminals that have more


# -- what is odd about the settings ------------------------------------------------------------


async def test_what_is_odd_about_the_settings_is_told_once(project: Path) -> None:
    path = project.parent / "settings.yml"
    path.write_text(path.read_text() + "theme: pink\n")
    path.chmod(0o644)
    async with opened(project) as seat:
        told = [entry.text for entry in seat.app.activity.entries if entry.tone == "$warning"]
        assert any("theme is passed over" in text for text in told)
        assert any("chmod 600" in text for text in told)
        seat.app.load()
        await seat.settle()
        again = [entry.text for entry in seat.app.activity.entries if entry.tone == "$warning"]
        assert again == told


# -- mouse -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "environ", "wanted"),
    [
        (None, {}, True),
        (None, {"SSH_CONNECTION": "a"}, False),
        (None, {"SSH_TTY": "a"}, False),
        ("always", {"SSH_CONNECTION": "a"}, True),
        ("never", {}, False),
    ],
)
def test_the_mouse_is_the_terminal_s_over_ssh(
    setting: str | None, environ: dict[str, str], wanted: bool
) -> None:
    assert terminal.wants_mouse(setting, environ) == wanted


def listens(seat: Seat) -> bool:
    return seat.app.mouse


async def test_the_mouse_is_switched_and_remembered(project: Path) -> None:
    async with opened(project) as seat:
        assert listens(seat)
        seat.app.run_action_named(seat.app.registry.actions["app.mouse"])
        await seat.settle()
        assert not listens(seat) and "terminal" in seat.said
    assert settings_of(project).mouse == "never"
    async with opened(project) as seat:
        assert not listens(seat)


# -- clipboard -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "size", "environ", "where"),
    [
        (None, 9, {"TERM": "xterm-256color"}, "terminal"),
        (None, 9, {"TERM": "linux"}, "file"),
        (None, 9, {}, "file"),
        (None, 80_000, {"TERM": "xterm"}, "file"),
        ("terminal", 80_000, {"TERM": "linux"}, "terminal"),
        ("file", 9, {"TERM": "xterm", "TMUX": "x"}, "file"),
    ],
)
def test_where_a_copy_goes(
    setting: str | None, size: int, environ: dict[str, str], where: str
) -> None:
    assert terminal.clipboard(setting, size, environ) == where


async def test_a_cell_or_marked_rows_are_copied(project: Path) -> None:
    async with opened(project) as seat:
        await seat.press("4", "down", "y")
        assert seat.app.clipboard.split("\t")[0] == "1042" and "1 row " in seat.said
        await seat.press("space", "space", "y")
        assert [line.split("\t")[0] for line in seat.app.clipboard.splitlines()] == ["1042", "1043"]
        assert "2 rows" in seat.said


async def test_without_a_clipboard_it_goes_into_a_file_of_the_user_s_own(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "linux")
    async with opened(project) as seat:
        await seat.press("4", "y")
        assert "copied.txt" in seat.said
    path = session.state_folder() / "copied.txt"
    assert path.read_text().startswith("1041\t")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# -- what was told ---------------------------------------------------------------------------


def test_the_same_once_more_is_counted() -> None:
    activity = Activity()
    for _ in range(3):
        activity.add("The server does not answer", "$error")
    assert [entry.count for entry in activity.entries] == [3]
    for number in range(KEPT + 5):
        activity.add(str(number))
    assert len(activity.entries) == KEPT


async def test_all_that_was_told_is_there_with_its_details(project: Path) -> None:
    async with opened(project) as seat:
        seat.app.fail(SettingsError("It did not work", cause="disk full", advice="Make room."))
        seat.app.start("poll", lambda: 1, lambda _: None, label="Counting")
        await seat.settle()
        await seat.press("ctrl+l")
        screen = seat.app.screen
        assert isinstance(screen, ActivityScreen)
        texts = [entry.text for entry in screen._entries]
        assert texts[0].startswith("Counting: done in") and "It did not work" in texts
        await seat.press("down")
        assert "Make room." in str(screen._detail.render())
        await seat.press("y")
        assert seat.app.clipboard == "It did not work\ndisk full. Make room."
        await seat.press("escape")
        assert seat.app.screen is seat.main


async def test_an_empty_pane_names_the_keys_as_they_are(bare: Path) -> None:
    from anontui.settings import Settings

    Settings(bare.parent / "settings.yml", keys={"server.add": "f9"}).save()
    async with opened(bare) as seat:
        empty = seat.main.servers.grid.empty
        assert "f9 adds one" in empty and "b starts" in empty


# -- a window, and read-only -----------------------------------------------------------------


def shown(seat: Seat) -> tuple[bool, bool]:
    """Whether the sentence and the mapping are on the screen."""
    return seat.main.too_small.display, bool(seat.main.mapping.region)


async def test_too_small_a_window_says_so_until_it_is_larger(project: Path) -> None:
    async with opened(project, (30, 8)) as seat:
        assert shown(seat) == (True, False)
        await seat.press("z", "4", "c")
        assert not seat.main.zoomed and seat.app.screen is seat.main
        await seat.pilot.resize_terminal(*SMALL)
        await seat.pilot.pause()
        assert shown(seat) == (False, True)
        await seat.press("z")  # the keys work again
        assert seat.main.zoomed


async def double_click(seat: Seat) -> None:
    seat.main.servers.grid.move_cursor(row=1)
    seat.main.servers.activated()
    await seat.settle()


async def test_readonly_activates_no_server_by_the_mouse_either(project: Path) -> None:
    async with opened(project, readonly=True) as seat:
        await double_click(seat)
        assert "read-only" in seat.said
    assert settings_of(project).active_server_name == "p01"
    async with opened(project) as seat:
        await double_click(seat)
    assert settings_of(project).active_server_name == "sandbox"


async def test_readonly_shows_a_theme_and_does_not_keep_it(project: Path) -> None:
    before = (project.parent / "settings.yml").read_bytes()
    async with opened(project, readonly=True) as seat:
        await seat.press("ctrl+t", "down", "down", "enter")
        assert seat.app.theme == "light" and "read-only" in seat.said
    assert (project.parent / "settings.yml").read_bytes() == before
