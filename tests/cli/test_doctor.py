"""``anontui doctor``: what works here and what does not, with what to do, and nothing secret."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from anontui.operations import doctor
from anontui.operations.doctor import NOTE, OK, PROBLEM, Check
from anontui.settings import load
from anontui.unc import ShareMap
from tests.cli.api import Api
from tests.cli.conftest import SHARE, Command


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in every run."""
    for name in ("TMUX", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def checks(folder: Path, name: str) -> list[Check]:
    return [check for check in doctor.examine(folder) if check.name == name]


def test_where_all_is_well(anontui: Command, project: Path) -> None:
    ran = anontui("doctor")
    assert ran.code == 0
    states = {line.split()[0] for line in ran.out.splitlines() if not line.startswith(" ")}
    assert states <= {OK, NOTE}
    for name in ("python", "terminal", "colours", "clipboard", "settings", "user", "server"):
        assert f" {name} " in ran.out
    assert "answers in" in ran.out


def test_json_tells_the_same(anontui: Command, project: Path) -> None:
    found = json.loads(anontui("doctor", "--json").out)
    assert [set(check) for check in found] == [{"name", "state", "what", "advice"}] * len(found)
    assert {check["state"] for check in found} <= {OK, NOTE, PROBLEM}
    assert all(check["advice"] for check in found if check["state"] != OK)


def test_nothing_secret_is_told(anontui: Command, project: Path) -> None:
    secret = "verysecrettoken"
    settings = load(project / ".anontui" / "settings.yml").replace(user_token=secret)
    settings.with_server("x", f"http://me:{secret}@127.0.0.1:1/{secret}").save()
    assert secret not in anontui("doctor").out + anontui("doctor", "--json").out


def test_a_server_that_does_not_answer(anontui: Command, project: Path, api: Api) -> None:
    api.close()
    ran = anontui("doctor")
    assert ran.code == 1
    line = next(line for line in ran.out.splitlines() if " server " in line)
    assert line.startswith(PROBLEM) and "p01 (active)" in line


def test_broken_settings_are_the_first_thing_to_mend(anontui: Command, project: Path) -> None:
    (project / ".anontui" / "settings.yml").write_text("servers: 5")
    ran = anontui("doctor")
    assert ran.code == 1 and "servers is not a list" in ran.out and "disk" in ran.out


def test_settings_that_others_read(
    anontui: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / ".anontui" / "settings.yml"
    monkeypatch.setenv("ANONTUI_SETTINGS", str(path))
    path.chmod(0o644)
    ran = anontui("doctor")
    assert ran.code == 1 and f"chmod 600 {path}" in ran.out


def test_a_share_that_is_not_mounted(project: Path) -> None:
    settings = load(project / ".anontui" / "settings.yml")
    settings.replace(shares=ShareMap(((SHARE, project / "gone"),))).save()
    (check,) = checks(project, "share")
    assert check.state == PROBLEM and "anontui paths remove" in check.advice


def test_certificates_that_are_not_checked(project: Path) -> None:
    load(project / ".anontui" / "settings.yml").replace(validate_ssl=False).save()
    (check,) = checks(project, "certificates")
    assert check.state == PROBLEM


@pytest.mark.parametrize(("free", "state"), [(1 << 20, PROBLEM), (2 << 30, NOTE), (1 << 40, OK)])
def test_disk(project: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(0, 0, free))
    (check,) = checks(project, "disk")
    assert check.state == state and bool(check.advice) == (state != OK)


def test_an_extra_that_is_missing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EXTRAS", {"web": ("no_such_module",)})
    (check,) = checks(project, "extra web")
    assert check.state == NOTE and "anontui[web]" in check.advice


@pytest.mark.parametrize(
    ("environ", "state", "what"),
    [
        ({"TERM": "linux"}, NOTE, "16"),
        ({"TERM": "xterm-256color"}, OK, "256"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, OK, "16,777,216"),
        ({"TERM": ""}, NOTE, "TERM does not tell"),
        ({"NO_COLOR": "1"}, OK, "off (NO_COLOR)"),
    ],
)
def test_colours(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    state: str,
    what: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    (check,) = checks(project, "colours")
    assert (check.state, check.what) == (state, what)


@pytest.mark.parametrize("term", ["linux", "xterm-256color", "xterm", "screen", "xterm-kitty"])
def test_it_counts_colours_as_the_app_does(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    from anontui.operations.terminal import colours

    names = {"standard": 16, "256": 256, "truecolor": 1 << 24}
    for environ in ({"TERM": term}, {"TERM": term, "COLORTERM": "truecolor"}):
        system = Console(_environ=environ, force_terminal=True, legacy_windows=False).color_system
        assert colours(environ) == names[system or ""]


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_secrets_of_the_built_in_server(project: Path, tmp_path: Path) -> None:
    data = tmp_path / "server"
    data.mkdir()
    (data / "server.yml").write_text("x")
    (data / "server.yml").chmod(0o644)
    load(project / ".anontui" / "settings.yml").replace(built_in=data).save()
    (check,) = checks(project, "secrets")
    assert check.state == PROBLEM and check.advice == f"chmod 600 {data / 'server.yml'}"
