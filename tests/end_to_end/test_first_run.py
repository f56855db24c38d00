"""The first start, from nothing, in a real terminal: which server, and then a finished job."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
import yaml

from anontui.settings import ANONAPI_NAME
from tests import needs
from tests.end_to_end.lung import ANONTUI, LONG, back_out, leave
from tests.end_to_end.terminal import Terminal
from tests.server.support import ALICE_TOKEN, PROJECT, ServeProcess, write_dicom

pytestmark = needs.program("tmux")

CHOICES = (
    r"b +The built-in one[^$]*u +A server that there is[^$]*i +AnonAPI's settings +there are none"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with nothing in it."""
    folder = tmp_path / "lung"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(isolated_home: Path) -> Path:
    """Where the settings will be; the home is empty still."""
    assert not [path for path in isolated_home.rglob("*") if path.is_file()]
    return isolated_home / ".config" / "anontui" / "settings.yml"


@pytest.fixture
def built_in(isolated_home: Path) -> Iterator[Path]:
    """Where the built-in server keeps its data; it is stopped at the end."""
    data = isolated_home / ".local" / "share" / "anontui" / "server"
    yield data
    subprocess.run([*ANONTUI, "serve", "stop", "--data", data], check=False)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The url of a server that somebody runs already, with user alice."""
    (tmp_path / "share").mkdir()
    server = ServeProcess(tmp_path / "server", tmp_path / "share", "--project", PROJECT)
    try:
        yield server.start().url
    finally:
        server.kill()


def test_from_nothing_to_a_finished_job(folder: Path, settings: Path, built_in: Path) -> None:
    """By the built-in server, one key; a study that is copied in meanwhile is de-identified."""
    with Terminal(ANONTUI, cwd=folder) as terminal:
        terminal.wait_for(r"no settings yet[^$]*" + CHOICES, LONG)
        terminal.press("i")
        terminal.wait_for(rf"not now, there is no {ANONAPI_NAME} in your home folder")
        assert not settings.exists()
        terminal.press("b")
        terminal.wait_for(r"Ready\. Press 3, then i to make a mapping", LONG)
        terminal.wait_for(r"● +built-in .*active")
        assert settings.stat().st_mode & 0o777 == 0o600
        assert built_in.is_dir()

        write_dicom(folder / "data" / "patient1", 2)
        terminal.press("3", "i")
        terminal.wait_for(r"3 Mapping · 0 rows · saved")
        terminal.press("2", "R")
        terminal.wait_for(r"▸ data")
        terminal.press("Down", "Right")
        terminal.wait_for(r"▸ patient1")
        terminal.press("Down", "Space")
        terminal.wait_for(r"● +▸ patient1 +2 of 2 CT", LONG)
        terminal.press("a")
        terminal.wait_for(r"3 Mapping · 1 row · saved")
        terminal.press("e")
        terminal.type("LUNG-001")
        terminal.press("Enter")
        terminal.wait_for(r"1 +fileselection:\S+ +LUNG-001")
        terminal.press("c")
        screen = terminal.wait_for(r"0 to create on built-in[^$]*1 with problems")
        assert "No project is chosen" in screen
        assert "There is no destination" in screen
        back_out(terminal, "Dry run")
        terminal.press("p")
        terminal.type(PROJECT)
        terminal.press("Enter")
        terminal.wait_for(rf"project {PROJECT}")
        terminal.press("d")
        terminal.type(r"\\anontui\lung\clean")
        terminal.press("Enter")
        terminal.wait_for(r"1 row · saved[^$]*destination \\\\anontui\\lung\\clean")
        terminal.press("c")
        terminal.wait_for(r"1 to create on built-in")
        terminal.press("c")
        terminal.wait_for(r"1 job · █+ 100 %", LONG)
        leave(terminal)
    results = list((folder / "clean").rglob("*.dcm"))
    assert [str(pydicom.dcmread(path).PatientID) for path in results] == ["LUNG-001"] * 2
    with Terminal(ANONTUI, cwd=folder) as terminal:
        terminal.wait_for(r"1 job · █+ 100 %", LONG)  # and nobody is asked again
        assert "The built-in one" not in terminal.screen()
        leave(terminal)


def fill_in(terminal: Terminal, url: str, token: str) -> None:
    """The form for a server that there is: without a name, by url, user and token."""
    terminal.wait_for(r"A server that there is ─[^$]*name[^$]*url +https://[^$]*user[^$]*token")
    terminal.press("Tab", "C-u")
    terminal.type(url)
    terminal.press("Tab", "C-u")
    terminal.type("alice")
    terminal.press("Tab", "C-u")
    terminal.type(token)
    terminal.wait_for(r"token +•+")
    assert token not in terminal.screen()


def test_by_url_user_and_token(folder: Path, settings: Path, url: str) -> None:
    """A token with a slip is told before anything is saved; the right one is taken."""
    with Terminal(ANONTUI, cwd=folder, columns=80, rows=24) as terminal:
        terminal.wait_for(CHOICES, LONG)
        terminal.press("u")
        fill_in(terminal, url, ALICE_TOKEN[:-1])
        terminal.press("Enter")
        terminal.wait_for(r"✖ [^$]*token[^$]*Enter takes it all the same", LONG)
        assert not settings.exists()
        terminal.type(ALICE_TOKEN[-1])
        terminal.press("Enter")
        terminal.wait_for(r"Ready\. Press 3, then i", LONG)
        terminal.press("1")
        terminal.wait_for(r"● +127 .*active")
        leave(terminal)
    assert settings.stat().st_mode & 0o777 == 0o600
    saved = yaml.safe_load(settings.read_text())
    assert (saved["user_name"], saved["user_token"]) == ("alice", ALICE_TOKEN)
    assert saved["servers"] == {"127": url}


def test_from_anonapi_s_settings(
    folder: Path, settings: Path, url: str, isolated_home: Path
) -> None:
    """They are offered first, and taken by Enter; AnonAPI's own file stays as it is."""
    theirs = isolated_home / ANONAPI_NAME
    theirs.write_text(
        yaml.safe_dump(
            {
                "active_server_name": "p01",
                "servers": {"p01": url, "p02": "https://p02.example/api"},
                "user_name": "alice",
                "user_token": ALICE_TOKEN,
                "job_default_parameters": {"project_name": PROJECT},
                "validate_ssl": True,
            }
        )
    )
    before = theirs.read_bytes()
    with Terminal(ANONTUI, cwd=folder) as terminal:
        screen = terminal.wait_for(r"i +AnonAPI's settings +found: p01, p02", LONG)
        assert ALICE_TOKEN not in screen
        assert not settings.exists()
        terminal.press("Enter")
        terminal.wait_for(r"Ready\. Press 3, then i", LONG)
        terminal.wait_for(r"● p01 up")
        terminal.press("3", "i")
        terminal.wait_for(rf"3 Mapping · 0 rows · saved[^$]*project {PROJECT}")
        leave(terminal)
    assert theirs.read_bytes() == before
    assert settings.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(settings.read_text())["user_token"] == ALICE_TOKEN
