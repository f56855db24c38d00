"""server.yml, as people write it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anontui.errors import SettingsError, UsageError
from anontui.server.config import DEFAULT_PROJECTS, ConfigFile, ServerConfig
from anontui.unc import ShareMap

SHARE = r"\\server\share"


def test_no_file_is_the_defaults(tmp_path: Path) -> None:
    assert ConfigFile(tmp_path / "server.yml").current() == ServerConfig()
    assert ServerConfig().projects == ("Wetenschap-Algemeen",)


def test_what_is_added_is_read_back_and_stays(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "server.yml")
    file.add({SHARE: Path("/mnt/one")}, ["Study"], 4000)
    file.add({r"\\server\other": Path("/mnt/two")}, ["Study", "Ü"], None)
    file.add({SHARE: Path("/mnt/three")}, [], None)
    expected = ServerConfig(
        ShareMap(((SHARE, Path("/mnt/three")), (r"\\server\other", Path("/mnt/two")))),
        (*DEFAULT_PROJECTS, "Study", "Ü"),
        4000,
    )
    assert file.current() == expected == ConfigFile(file.path).current()


def test_a_file_that_says_it_all_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "server.yml"
    path.write_text("# mine\nprojects: [A]\n")
    ConfigFile(path).add({}, ["A"], None)
    assert path.read_text() == "# mine\nprojects: [A]\n"


def test_a_change_is_seen(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "server.yml")
    file.path.write_text("projects: [A]")
    assert file.current().projects == ("A",)
    file.path.write_text("projects: [B, C]")
    assert file.current().projects == ("B", "C")
    file.path.write_text("projects: []")
    assert file.current().projects == ()
    file.path.unlink()
    assert file.current() == ServerConfig()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("shares: [", "line 1"),
        ("projects: [A]\nshares: {a: b: c}", "line 2"),
        ("- a list", "must hold"),
        ("just text", "must hold"),
        ("share: {}", "no 'share'"),
        ("shares: [a]", "shares:"),
        ("shares: {a: 1}", "shares:"),
        ("shares: {'/not/unc': /mnt}", "shares:"),
        (r"shares: {'\\server\share': relative}", "shares:"),
        ("projects: Study", "projects:"),
        ("projects: [2024-01-01]", "projects:"),
        ("port: http", "port:"),
        ("port: 65536", "port:"),
        ("port: -1", "port:"),
        ("port: yes", "port:"),
        ("a: &a [*a]", "no 'a'"),
        ("!!python/object/apply:os.system [id]", "line 1"),
        ("[" * 5000, "YAML"),
        ("x: 2024-99-99", "YAML"),
        ("#" * (2 << 20), "too large"),
    ],
)
def test_a_wrong_file_is_told_with_its_name_and_advice(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "server.yml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        ConfigFile(path).current()
    sentence = caught.value.sentence()
    assert str(path) in sentence
    assert told in sentence
    assert caught.value.advice
    assert path.read_text() == text


def test_bytes_that_are_no_text_and_a_folder_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "server.yml"
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SettingsError):
        ConfigFile(path).current()
    path.unlink()
    path.mkdir()
    with pytest.raises(SettingsError):
        ConfigFile(path).current()


@pytest.mark.parametrize(
    "shares", [{"share": Path("/mnt")}, {SHARE: Path("mnt")}, {r"\\server": Path("/mnt")}]
)
def test_a_wrong_share_is_not_added(tmp_path: Path, shares: dict[str, Path]) -> None:
    with pytest.raises(UsageError):
        ConfigFile(tmp_path / "server.yml").add(shares, [], None)
    assert os.listdir(tmp_path) == []
