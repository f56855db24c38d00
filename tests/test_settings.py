"""Settings: AnonAPI's files are read for what they mean, bad ones give one clear sentence."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from anontui import settings as module
from anontui.errors import SettingsError
from anontui.settings import Server, Settings, load, settings_path, why_ignored
from anontui.unc import ShareMap

FIXTURES = Path(__file__).parent / "data" / "anonapi" / "settings"

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")

SANDBOX = Server("sandbox", "https://umcradanont01/sandbox")
P01 = Server("p01", "https://umcradanonp11/p01")

# What each of AnonAPI's own files means: fields, and a part of the error that asking for
# the active server gives.
MEANINGS: dict[str, tuple[dict[str, Any], str]] = {
    "test_settings__settings.yml": (
        {
            "servers": (SANDBOX, P01),
            "active_server_name": "sandbox",
            "user_name": "kees",
            "user_token": "token",
            "validate_ssl": True,
            "job_defaults": {"project": "Wetenschap-Algemeen"},
            "extra": {},
        },
        "",
    ),
    "test_settings__settings_old.yml": (
        {"servers": (SANDBOX, P01), "validate_ssl": True, "job_defaults": {}, "extra": {}},
        "",
    ),
    "test_settings__settings_post_1_4_style.yml": (
        {
            "servers": (P01, SANDBOX),
            "job_defaults": {"project": "Wetenschap-Algemeen"},
            "extra": {},
        },
        "",
    ),
    "test_settings__settings_pre_1_4_alternate.yml": (
        {
            "active_server_name": "p03",
            "user_name": "z12345",
            "job_defaults": {
                "destination_path": r"\\umcsanfsclp01\share\anonymized_data\Z123456",
                "project": "Wetenschap-Algemeen",
            },
            "extra": {},
        },
        "",
    ),
    "test_settings__settings_wrong.yml": (
        {"servers": (), "extra": {"sandbox": SANDBOX.url, "p01": P01.url}},
        "No server is set",
    ),
    "test_settings__settings_wrong_2.yml": (
        {"servers": (SANDBOX, P01), "active_server_name": "some_old_server"},
        "'some_old_server' is not among the servers",
    ),
}


def test_every_fixture_has_its_line() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == MEANINGS.keys()


@pytest.mark.parametrize("name", MEANINGS)
def test_anonapi_file_keeps_its_meaning_through_load_and_save(name: str, tmp_path: Path) -> None:
    fields, problem = MEANINGS[name]
    loaded = load(FIXTURES / name)
    assert {field: getattr(loaded, field) for field in fields} == fields
    loaded.replace(path=tmp_path / "settings.yml").save()
    again = load(tmp_path / "settings.yml")
    assert again == loaded.replace(path=again.path)
    for one in (loaded, again):
        if not problem:
            assert one.active_server in one.servers
            continue
        with pytest.raises(SettingsError, match=problem) as caught:
            _ = one.active_server
        assert "anontui server" in caught.value.advice
        assert str(one.path) in caught.value.message
        assert any(problem in warning for warning in one.warnings)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a\n- b", "the file is not a list of names"),
        ("just text", "the file is not a list of names"),
        ("1: a", "a name in the file is not text"),
        ("a: [", "not YAML at line 2"),
        ("a: b\nc: d: e", "not YAML at line 2"),
        ("a: *SECRET", "not YAML"),
        ("a: !SECRET x", "not YAML"),
        ("a: !!python/object:os.system x", "not YAML"),
        ("a: 2024-13-45", "not YAML"),
        ("a: !!int x", "not YAML"),
        ("a: !!timestamp x", "not YAML"),
        ("a: !!bool x", "not YAML"),
        ("a: !!int ''", "not YAML"),
        ("? [a]\n: b", "a name in the file is not text|not YAML"),
        ("[" * 1_000_000, "nested too deeply|not YAML"),
        ("- " * 500_000, "nested too deeply|not YAML"),
        (b"a: \xff\xfe", "not YAML"),
        (b"a: \x00", "not YAML"),
        ("a: " + "x" * (1 << 20), "larger than 1 MB"),
        ("servers: https://p01", "servers is not a list of names"),
        ("servers: [p01]", "servers is not a list of names"),
        ("servers: ''", "servers is not a list of names"),
        ("servers: {p01: 5}", "servers: p01 is not text"),
        ("servers: {p01: }", "servers: p01 is not text"),
        ("servers: {p01: {url: x}}", "servers: p01 is not text"),
        ("servers: {1: https://p01}", "a name in servers is not text"),
        ("active_server_name: 1", "active_server_name is not text"),
        ("user_name: 428172", "user_name is not text"),
        ("user_token: 0123", "user_token is not text"),
        ("user_token: [SECRET]", "user_token is not text"),
        ("validate_ssl: 'False'", "validate_ssl is neither true nor false"),
        ("validate_ssl: 0", "validate_ssl is neither true nor false"),
        ("job_default_parameters: project", "job_default_parameters is not"),
        ("job_default_parameters: [project]", "not 'name,value'"),
        ("job_default_parameters: [{project: x}]", "is not text"),
        ("job_default_parameters: {project_name: 1}", "is not text"),
        ("create_job_defaults: [1]", "is not text"),
        ("active_mapping_file: [a]", "active_mapping_file is not text"),
        ("shares: {'C:\\data': /mnt}", "shares: This is not a UNC path"),
        ("shares: {'\\\\s\\d': mnt}", "is not a whole path"),
        ("shares: {'\\\\s\\d': ~nobody-of-that-name/x}", "is not a whole path"),
        ("built_in: here", "built_in is not a whole path"),
        ("keys: [a]", "keys is not a list of names"),
        ("theme: 1", "theme is not text"),
    ],
)
def test_bad_file_is_one_sentence_with_advice(tmp_path: Path, text: str, reason: str) -> None:
    path = write(tmp_path / "settings.yml", text)
    with pytest.raises(SettingsError, match=reason) as caught:
        load(path)
    assert str(path) in caught.value.message
    assert caught.value.advice
    assert "SECRET" not in caught.value.sentence()


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_file_gives_a_traceback(content: bytes) -> None:
    path = FIXTURES.parent / "never-written"
    try:
        module._from_bytes(path, content)
    except SettingsError as error:
        assert error.advice


TREE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
KNOWN = [
    "servers",
    "active_server_name",
    "user_name",
    "user_token",
    "validate_ssl",
    "job_default_parameters",
    "create_job_defaults",
    "active_mapping_file",
    "shares",
    "built_in",
    "keys",
    "theme",
    "other",
]


@given(st.dictionaries(st.sampled_from(KNOWN), TREE, max_size=4))
def test_no_value_of_any_kind_gives_a_traceback(data: dict[str, Any]) -> None:
    try:
        module._from_bytes(Path("/x"), yaml.safe_dump(data).encode())
    except SettingsError as error:
        assert error.advice


def test_absent_file_starts_empty(tmp_path: Path) -> None:
    loaded = load(tmp_path / "none.yml")
    assert loaded == Settings(tmp_path / "none.yml")
    with pytest.raises(SettingsError, match="No server is set") as caught:
        _ = loaded.active_server
    assert "anontui server add" in caught.value.advice


def test_absent_file_starts_with_anonapis(tmp_path: Path, isolated_home: Path) -> None:
    old = isolated_home / "AnonWebAPIClientSettings.yml"
    text = (FIXTURES / "test_settings__settings.yml").read_text()
    write(old, text)
    ours = tmp_path / "settings.yml"
    loaded = load(ours)
    assert (loaded.path, loaded.active_server, loaded.warnings) == (ours, SANDBOX, ())
    loaded.activated("p01").save()
    assert load(ours).active_server == P01
    assert old.read_text() == text


def test_bad_anonapi_file_is_a_warning(tmp_path: Path, isolated_home: Path) -> None:
    write(isolated_home / "AnonWebAPIClientSettings.yml", "servers: 1")
    loaded = load(tmp_path / "settings.yml")
    assert loaded == Settings(tmp_path / "settings.yml")
    assert "AnonWebAPIClientSettings.yml" in loaded.warnings[0]


def test_folder_in_the_files_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path)


FULL = Settings(
    path=Path("/nowhere"),
    servers=(Server("b", "https://b"), Server("a", "https://a/p01")),
    active_server_name="a",
    user_name="0123",
    user_token="1e5",
    validate_ssl=False,
    job_defaults={"project": "A, B; C", "destination_path": "\\\\srv\\share\\é"},
    active_mapping_file="/data/anon_mapping.csv",
    shares=ShareMap((("\\\\srv\\share", Path("/mnt/share").absolute()),)),
    built_in=Path("/data/server").absolute(),
    keys={"job.reset": "ctrl+r", "quit": "q"},
    theme="light",
    mouse="never",
    clipboard="file",
    extra={"from_the_future": {"a": [1, None, 2.5]}, "note": "yes"},
)


def test_everything_survives_save_and_load(tmp_path: Path) -> None:
    ours = FULL.replace(path=tmp_path / "new" / "settings.yml")
    ours.save()
    assert load(ours.path) == ours


TEXTS = st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=3)
DEFAULTS = st.dictionaries(
    st.text("abc_", min_size=1).filter(lambda name: name != "project_name"), st.text(max_size=9)
)
SHARES = st.lists(st.tuples(st.sampled_from("ab"), st.text("cd", min_size=1)), max_size=4).map(
    lambda pairs: ShareMap(
        tuple((f"\\\\srv\\{unc}", Path(f"/{local}").absolute()) for unc, local in sorted(pairs))
    )
)


@given(
    st.text(),
    st.text(),
    TEXTS,
    DEFAULTS,
    SHARES,
    st.none() | st.text(),
    st.dictionaries(st.text("xyz", min_size=1).map("other {}".format), TREE, max_size=3),
)
def test_any_settings_survive(
    name: str,
    token: str,
    keys: dict[str, str],
    defaults: dict[str, str],
    shares: ShareMap,
    mapping: str | None,
    extra: dict[str, Any],
) -> None:
    """Load(save(x)) is x, what is not ours included."""
    ours = FULL.replace(
        servers=tuple(Server(*pair) for pair in keys.items()),
        user_name=name,
        user_token=token,
        keys=keys,
        job_defaults=defaults,
        shares=shares,
        active_mapping_file=mapping,
        extra=extra,
    )
    text = yaml.dump(ours._to_yaml(), Dumper=module._yaml("SafeDumper"), sort_keys=False)
    assert module._from_bytes(FULL.path, text.encode()) == ours


def test_anonapi_can_read_what_we_save(tmp_path: Path) -> None:
    """AnonAPI wants these keys, of these types."""
    FULL.replace(path=tmp_path / "settings.yml").save()
    data = yaml.safe_load((tmp_path / "settings.yml").read_text("ascii"))
    assert data["servers"] == {"b": "https://b", "a": "https://a/p01"}
    assert data["active_server_name"] == "a"
    assert (data["user_name"], data["user_token"]) == ("0123", "1e5")
    assert data["validate_ssl"] is False
    assert data["job_default_parameters"] == [
        "project,A, B; C",
        "destination_path,\\\\srv\\share\\é",
    ]
    assert data["active_mapping_file"] == "/data/anon_mapping.csv"


def test_parameters_may_be_separated_by_a_semicolon(tmp_path: Path) -> None:
    path = write(tmp_path / "s.yml", "job_default_parameters: ['project;A', 'destination_path,']")
    assert load(path).job_defaults == {"project": "A", "destination_path": ""}


@posix_only
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o600, 0o400])
def test_saved_file_is_private_whatever_it_was(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "settings.yml", "user_token: abc")
    path.chmod(mode)
    loaded = load(path)
    assert any("chmod 600" in w for w in loaded.warnings) == bool(mode & 0o077)
    loaded.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(path).warnings == ()


@posix_only
def test_new_folder_is_private(tmp_path: Path) -> None:
    Settings(tmp_path / "anontui" / "settings.yml").save()
    assert stat.S_IMODE((tmp_path / "anontui").stat().st_mode) == 0o700


def test_settings_that_cannot_be_saved_say_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be saved"):
        Settings(tmp_path / "file" / "settings.yml").save()
    path = write(tmp_path / "settings.yml", "theme: old")
    with pytest.raises(SettingsError, match="cannot be saved"):
        Settings(path, theme="\ud800").save()
    assert path.read_text() == "theme: old"


def test_secrets_are_hidden() -> None:
    ours = FULL.replace(user_token="SECRET", extra={"password": "SECRET"})
    assert "SECRET" not in repr(ours) + str(ours)


def test_servers_are_added_changed_removed_and_chosen() -> None:
    ours = Settings(Path("s.yml")).with_server("a", "https://a").with_server("b", "https://b")
    with pytest.raises(SettingsError, match="No server is active") as caught:
        _ = ours.active_server
    assert "Choose one of a, b" in caught.value.advice
    ours = ours.activated("a").with_server("a", "https://a2")
    assert ours.active_server == Server("a", "https://a2")
    assert [server.name for server in ours.servers] == ["a", "b"]
    assert ours.without_server("b").active_server.name == "a"
    assert ours.without_server("a").active_server_name is None
    for change in (ours.activated, ours.without_server):
        with pytest.raises(SettingsError, match="'c' is not among"):
            change("c")


# Where they are.


def own(folder: Path, mode: int = 0o600) -> Path:
    (folder / ".anontui").mkdir()
    path = write(folder / ".anontui" / "settings.yml", "theme: a")
    path.chmod(mode)
    return path


def test_the_users_settings_are_the_rule(
    tmp_path: Path, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = "AppData/Roaming" if sys.platform == "win32" else ".config"
    expected = isolated_home / folder / "anontui" / "settings.yml"
    assert settings_path(tmp_path) == expected
    if sys.platform != "win32":
        for value in ("", "relative"):
            monkeypatch.setenv("XDG_CONFIG_HOME", value)
            assert settings_path(tmp_path) == expected


def test_the_folders_own_settings_come_first(tmp_path: Path) -> None:
    path = own(tmp_path)
    assert settings_path(tmp_path) == path
    assert why_ignored(tmp_path) == ""


def test_the_environment_comes_before_all(
    tmp_path: Path, isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(tmp_path)
    monkeypatch.setenv("ANONTUI_SETTINGS", "~/mine.yml")
    assert settings_path(tmp_path) == isolated_home / "mine.yml"


@posix_only
@pytest.mark.parametrize("mode", [0o644, 0o620, 0o660, 0o602, 0o601])
def test_settings_that_others_can_reach_are_not_trusted(tmp_path: Path, mode: int) -> None:
    path = own(tmp_path, mode)
    assert settings_path(tmp_path) != path
    assert "chmod 600" in why_ignored(tmp_path)


@posix_only
def test_settings_of_another_user_are_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
    assert settings_path(tmp_path) != path
    assert "another user" in why_ignored(tmp_path)


def test_no_settings_in_the_folder_is_nothing_to_tell(tmp_path: Path) -> None:
    assert why_ignored(tmp_path) == ""
