"""What every test relies on: nothing of the machine's user is read or written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes depends on the machine, and says nothing of the program.
settings.register_profile("anontui", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anontui")

# Variables that change what the program does, or where it looks; a prefix ends with "*".
_FOREIGN = (
    "ANONTUI_*",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
    "TEXTUAL*",
    "ALL_PROXY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)


def _is_foreign(name: str) -> bool:
    name = name.upper()
    return any(
        name.startswith(other[:-1]) if other.endswith("*") else name == other for other in _FOREIGN
    )


@pytest.fixture(autouse=True)
def isolated_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty home of the test's own; returns its path.

    It lies outside ``tmp_path``, so that a test finds that one empty. Programs that a test
    starts inherit it through the environment.
    """
    home = tmp_path_factory.mktemp("home")
    for name in filter(_is_foreign, list(os.environ)):
        monkeypatch.delenv(name)
    for name, folder in {
        "HOME": "",
        "USERPROFILE": "",
        "APPDATA": "AppData/Roaming",
        "LOCALAPPDATA": "AppData/Local",
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
        "XDG_RUNTIME_DIR": ".run",
    }.items():
        (home / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(home / folder))
    return home
