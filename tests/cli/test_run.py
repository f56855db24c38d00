"""The command itself: help, start-up, and what becomes of trouble."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from anontui import __version__
from anontui.cli.run import root
from tests.cli.api import Api
from tests.cli.commands import commands, documented
from tests.cli.conftest import Command

HEAVY = {"httpx", "pydicom", "yaml", "textual", "openpyxl", "watchfiles", "rich", "starlette"}


def loaded_by(*words: str, cwd: Path) -> set[str]:
    """The heavy packages that a command imports."""
    code = (
        "import sys\nfrom anontui.cli.run import run\n"
        f"code = run({list(words)!r})\n"
        "print(code, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=cwd, capture_output=True, text=True, check=True
    )
    code_, *modules = done.stderr.splitlines()[-1].split()
    assert code_ == "0"
    return {module.partition(".")[0] for module in modules} & HEAVY


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["demo", "-h"], ["batch", "-h"]])
def test_help_imports_nothing_heavy(tmp_path: Path, words: list[str]) -> None:
    assert loaded_by(*words, cwd=tmp_path) == set()


def test_status_reaches_for_no_network(tmp_path: Path) -> None:
    assert loaded_by("status", cwd=tmp_path) <= {"yaml"}


def test_all_commands_are_there() -> None:
    assert set(documented()) <= {" ".join(words) for words in commands(root)}


@pytest.mark.parametrize("words", [(), *commands(root)], ids=" ".join)
def test_every_command_explains_itself(anontui: Command, words: tuple[str, ...]) -> None:
    for flag in ("-h", "--help"):
        ran = anontui(*words, flag)
        assert ran.code == 0 and ran.out.startswith("Usage: anontui") and not ran.err
        assert len(ran.out.splitlines()) > 4


def test_version(anontui: Command) -> None:
    assert anontui("--version").out == f"anontui {__version__}\n"


@pytest.mark.parametrize(
    "words", [("nonsense",), ("server", "add"), ("job", "info"), ("batch", "add", "abc")]
)
def test_usage_errors_exit_with_2(anontui: Command, project: Path, words: tuple[str, ...]) -> None:
    ran = anontui(*words)
    assert ran.code == 2 and "Error: " in ran.err and not ran.out


def test_app_without_a_terminal(anontui: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = anontui()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "Error: The app needs a terminal that it can draw on, and there is none here. "
        "Over SSH: ssh -t. Without one use its commands: anontui --help\n"
    )
    assert anontui("demo").code == 2


def test_app_on_a_dumb_terminal(anontui: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert anontui(typed="").code == 2


def test_interrupted(anontui: Command, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("anontui.cli.status.workspace", interrupt)
    ran = anontui("status")
    assert ran.code == 130 and ran.err.strip() == "Interrupted." and not ran.out


def test_a_reader_that_leaves_is_no_trouble(project: Path) -> None:
    command = [sys.executable, "-P", "-m", "anontui", "--help"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=project
    ) as child:
        assert child.stdout and child.stderr
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode != 0


def test_a_locale_without_our_letters(project: Path) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    (project / "anon_mapping.csv").write_bytes(
        "## Description ##\nü\n## Options ##\n## Mapping ##\nsource\nfolder:ß\n".encode()
    )
    done = subprocess.run(
        [sys.executable, "-P", "-m", "anontui", "map", "status"],
        cwd=project, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("servers: [", "it is not YAML"),
        ("servers: 5", "servers is not a list of names with values"),
        ("validate_ssl: maybe", "validate_ssl is neither true nor false"),
    ],
)
def test_wrong_settings(anontui: Command, project: Path, text: str, says: str) -> None:
    (project / ".anontui" / "settings.yml").write_text(text)
    ran = anontui("status")
    assert ran.code == 1 and says in ran.err and len(ran.err.splitlines()) == 1


def test_settings_open_to_others_are_ignored_with_a_warning(
    anontui: Command, project: Path
) -> None:
    (project / ".anontui" / "settings.yml").chmod(0o644)
    ran = anontui("status", "--json")
    assert "is ignored" in ran.err
    assert json.loads(ran.out)["servers"] == {}


def test_verbose_tells_the_kinds_of_errors_but_not_their_texts(
    anontui: Command, project: Path, api: Api
) -> None:
    api.close()
    assert "Led to by" not in anontui("server", "jobs").err
    ran = anontui("-v", "server", "jobs")
    assert ran.code == 1 and "httpx.ConnectError, httpcore.ConnectError" in ran.err
    assert anontui("--verbose", "status").code == 0


def test_readonly_is_no_promise_that_a_command_would_not_keep(
    anontui: Command, project: Path
) -> None:
    ran = anontui("--readonly", "settings", "set-username", "other")
    assert ran.code == 2 and "--readonly is for the app" in ran.err
    assert anontui("settings", "info").out.split()[1] == "z123456"
