"""server.yml, as people write it."""

from __future__ import annotations

from pathlib import Path

import pytest

from anontui.errors import SettingsError, UsageError
from anontui.server.config import DEFAULT_PROJECTS, ConfigFile, Given, ReceiverConfig, ServerConfig
from anontui.unc import ShareMap

SHARE = r"\\server\share"


def test_no_file_is_the_defaults(tmp_path: Path) -> None:
    assert ConfigFile(tmp_path / "server.yml").current() == ServerConfig()
    assert ServerConfig().projects == ("Wetenschap-Algemeen",)


def test_what_is_added_is_read_back_and_stays(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "server.yml")
    for given in (
        Given({SHARE: Path("/mnt/one")}, ["Study"], port=4000),
        Given({r"\\server\other": Path("/mnt/two")}, ["Study", "Ü"], host="10.0.0.1"),
        Given({SHARE: Path("/mnt/three")}, certificate=Path("/etc/c.pem"), key=Path("/etc/k.pem")),
    ):
        file.write(file.merged(given))
    expected = ServerConfig(
        ShareMap(((SHARE, Path("/mnt/three")), (r"\\server\other", Path("/mnt/two")))),
        (*DEFAULT_PROJECTS, "Study", "Ü"),
        "10.0.0.1",
        4000,
        Path("/etc/c.pem"),
        Path("/etc/k.pem"),
    )
    assert file.current() == expected == ConfigFile(file.path).current()


def test_files_are_named_as_seen_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "server.yml").write_text("certificate: tls/c.pem\nkey: /etc/k.pem\n")
    config = ConfigFile(tmp_path / "server.yml").current()
    assert (config.certificate, config.key) == (tmp_path / "tls/c.pem", Path("/etc/k.pem"))


def test_a_file_that_says_it_all_is_not_touched(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "server.yml")
    file.path.write_text("# mine\nprojects: [A]\n")
    file.write(file.merged(Given(projects=["A"])))
    assert file.path.read_text() == "# mine\nprojects: [A]\n"


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
        ("shares: [", "line 2: this is not YAML"),
        ("projects: [A]\nshares: {a: b: c}", "line 2"),
        ("- a list", "line 1: 'name: value'"),
        ("just text", "line 1: 'name: value'"),
        ("port: 1\nshare: {}", "line 2: there is no 'share'"),
        ("shares: [a]", "line 1: 'name: value'"),
        ("shares:\n  a: b", "line 2: shares: This is not a UNC path"),
        ("shares: {'/not/unc': /mnt}", "shares:"),
        (r"shares: {'\\server\share': relative}", "not a whole path"),
        ("projects:\n  - A\n  -\n", "line 3: a text is expected"),
        ("projects: {A: B}", "line 1: a list"),
        ("port: http", "port: http"),
        ("port: 65536", "port:"),
        ("port: -1", "port:"),
        ("port: yes", "port:"),
        ("port: ٣", "port:"),
        ("receiver: {port: x}", "line 1: port: x"),
        ("receiver: {running: perhaps}", "running: perhaps is none"),
        ("receiver: {quiet: 0}", "quiet: 0 is no number"),
        ("receiver: {callers: ['A\\B']}", "no AE title"),
        ("receiver: {callers: [SEVENTEEN_LETTERS]}", "no AE title"),
        ("receiver: {prot: 1}", "there is no 'prot'"),
        ("a: &a [*a]", "alias"),
        ("!!python/object/apply:os.system [id]", "line 1"),
        ("port: [[[[[[[[1]]]]]]]]", "nested too deep"),
        pytest.param("[" * 5000, "line 1", id="deep"),
        ("port: 1\nport: 2", "line 2: a name is given twice"),
        pytest.param("#" * (17 << 20), "larger than", id="huge"),
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
        ConfigFile(tmp_path / "server.yml").merged(Given(shares))


def test_the_receiver_is_written_as_it_is_read(tmp_path: Path) -> None:
    file = ConfigFile(tmp_path / "server.yml")
    config = ServerConfig(receiver=ReceiverConfig(104, "10.0.0.1", ("CT 1", "PACS"), True, 5))
    file.write(config)
    assert file.current() == config
    assert file.merged(Given(port=81)).receiver == config.receiver
