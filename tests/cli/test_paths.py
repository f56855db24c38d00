"""``anontui paths``: the share map."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anontui.operations import paths
from anontui.operations.mounts import Mount
from anontui.settings import load
from tests.cli.conftest import SHARE, Command


@pytest.fixture
def mounts(monkeypatch: pytest.MonkeyPatch) -> list[Mount]:
    """What the system has mounted."""
    found = [Mount(r"\\nas\lung", "/mnt/lung"), Mount(r"\\nas\export", "/mnt/x", is_sure=False)]
    monkeypatch.setattr(paths, "system_mounts", lambda: found)
    return found


def confirmed(project: Path) -> list[tuple[str, str]]:
    pairs = load(project / ".anontui/settings.yml").shares.pairs
    return [(unc, str(local)) for unc, local in pairs if unc != SHARE]


LUNG, EXPORT = (r"\\nas\lung", "/mnt/lung"), (r"\\nas\export", "/mnt/x")


def test_show(anontui: Command, project: Path, mounts: list[Mount]) -> None:
    ran = anontui("paths")
    assert ran.code == 0 and "anontui paths confirm" in ran.err
    assert [line.split()[:3] for line in ran.out.splitlines()] == [
        ["share", "folder", "from"],
        [SHARE, str(project), "settings"],
        [*LUNG, "mounted,"],
        [*EXPORT, "mounted,"],
    ]
    assert json.loads(anontui("paths", "--json").out)[1:] == [
        {"share": LUNG[0], "folder": LUNG[1], "origin": "proposed", "sure": True},
        {"share": EXPORT[0], "folder": EXPORT[1], "origin": "proposed", "sure": False},
    ]


@pytest.mark.parametrize(
    ("words", "typed", "code", "found"),
    [
        ([], None, 2, []),
        ([], "y\nn\n", 0, [LUNG]),
        ([], "n\ny\n", 0, [EXPORT]),
        (["--yes"], None, 0, [LUNG]),
        (["--yes", "/mnt/x"], None, 0, [EXPORT]),
        (["/mnt/lung"], "y\n", 0, [LUNG]),
        (["--yes", "/mnt/other"], None, 2, []),
    ],
)
def test_confirm(
    anontui: Command,
    project: Path,
    mounts: list[Mount],
    words: list[str],
    typed: str | None,
    code: int,
    found: list[tuple[str, str]],
) -> None:
    ran = anontui("paths", "confirm", *words, typed=typed)
    assert ran.code == code
    assert confirmed(project) == found
    assert [tuple(line.split()) for line in ran.out.splitlines()] == found


def test_what_is_confirmed_is_not_asked_again(
    anontui: Command, project: Path, mounts: list[Mount]
) -> None:
    assert anontui("paths", "confirm", "--yes", "/mnt/x", "/mnt/lung").code == 0
    ran = anontui("paths", "confirm")
    assert ran.code == 0 and "No mount waits" in ran.err
    assert "confirm" not in anontui("paths").err


def test_add_and_remove(anontui: Command, project: Path, mounts: list[Mount]) -> None:
    (project / "data").mkdir()
    ran = anontui("paths", "add", "//srv/other/", "data")
    assert ran.code == 0 and rf"{project}/data is \\srv\other." in ran.err
    assert confirmed(project) == [(r"\\srv\other", str(project / "data"))]
    ran = anontui("paths", "add", "data", "data")
    assert ran.code == 2 and "not a UNC path" in ran.err
    assert anontui("paths", "add", "//srv/x", "missing").code == 2
    assert anontui("paths", "remove", "data").code == 0
    assert confirmed(project) == []
    ran = anontui("paths", "remove", "//srv/other")
    assert ran.code == 2 and "The settings have no share" in ran.err


def test_nothing_is_known(anontui: Command, project: Path, mounts: list[Mount]) -> None:
    mounts.clear()
    assert anontui("paths", "remove", SHARE).code == 0
    ran = anontui("paths")
    assert (ran.code, ran.out) == (0, "") and "No share is known" in ran.err
    assert json.loads(anontui("paths", "--json").out) == []
