"""``anontui settings``, and the defaults of ``anontui create``."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from anontui.settings import Settings, load
from tests.cli.conftest import Command

SECRET = "token"


def saved(project: Path) -> Settings:
    return load(project / ".anontui" / "settings.yml")


def test_show_tells_all_but_the_token(anontui: Command, project: Path) -> None:
    found = json.loads(anontui("settings", "show", "--json").out)
    assert found["user_name"] == "z123456" and found["has_token"] is True
    assert list(found["servers"]) == ["p01"]
    assert SECRET not in found.values()
    shown = anontui("settings", "show").out
    assert "p01=http" in shown and not [line for line in shown.split() if line == SECRET]


@pytest.mark.parametrize("group", [("settings",), ("settings", "user")])
def test_user_name_and_token(anontui: Command, project: Path, group: tuple[str, ...]) -> None:
    assert anontui(*group, "set-username", "z654321").code == 0
    assert saved(project).user_name == "z654321"
    assert json.loads(anontui(*group, "info", "--json").out) == {
        "user_name": "z654321",
        "has_token": True,
    }
    assert SECRET not in anontui(*group, "info").out.split()
    assert SECRET in anontui(*group, "info", "--show-token").out.split()


@pytest.mark.parametrize("name", ["", "  ", "a\nb"])
def test_what_is_no_user_name(anontui: Command, project: Path, name: str) -> None:
    ran = anontui("settings", "set-username", name)
    assert ran.code == 2 and "no user name" in ran.err
    assert saved(project).user_name == "z123456"


def test_a_new_token_replaces_one_only_after_a_question(anontui: Command, project: Path) -> None:
    assert anontui("settings", "get-token").code == 2
    assert anontui("settings", "get-token", typed="n\n").code == 1
    assert saved(project).user_token == SECRET
    ran = anontui("settings", "get-token", "--yes")
    first = saved(project).user_token
    assert ran.code == 0 and len(first) == 64 and first.isalnum() and first not in ran.err
    anontui("settings", "get-token", typed="y\n")
    assert saved(project).user_token != first


def test_the_first_token_needs_no_question(anontui: Command, project: Path) -> None:
    saved(project).replace(user_token="").save()
    assert "not set" in anontui("settings", "info", "--show-token").out
    assert anontui("settings", "get-token").code == 0
    assert saved(project).user_token


@pytest.mark.parametrize(
    ("word", "value"), [("false", False), ("False", False), ("no", False), ("TRUE", True)]
)
def test_validate_ssl(anontui: Command, project: Path, word: str, value: bool) -> None:
    ran = anontui("settings", "set-validate-ssl", word)
    assert ran.code == 0 and ("NOT" in ran.err) is not value
    assert saved(project).validate_ssl is value


@pytest.mark.parametrize("word", ["perhaps", "", " ", "2"])
def test_validate_ssl_takes_no_other_word(anontui: Command, project: Path, word: str) -> None:
    assert anontui("settings", "set-validate-ssl", word).code == 2
    assert saved(project).validate_ssl is True


EDITOR = """\
import sys
from pathlib import Path
path = Path(sys.argv[-1])
new = path.with_name("new")
new.write_text({text!r} or path.read_text().replace("z123456", "z9"))
new.chmod(0o644)
new.replace(path)
"""


def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str = "") -> None:
    """An editor that writes a new file, open to all."""
    program = tmp_path / "editor.py"
    program.write_text(EDITOR.format(text=text))
    monkeypatch.setenv("EDITOR", f"{sys.executable} {program}")


def test_edit(
    anontui: Command, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, monkeypatch)
    assert anontui("settings", "edit").code == 0
    assert saved(project).user_name == "z9"
    if sys.platform != "win32":
        mode = (project / ".anontui" / "settings.yml").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_edit_repairs_what_cannot_be_read(
    anontui: Command, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / ".anontui" / "settings.yml"
    path.write_text("servers: [")
    assert anontui("status").code == 1
    editor(tmp_path, monkeypatch, "user_name: z7\n")
    assert anontui("settings", "edit").code == 0
    assert saved(project).user_name == "z7"
    editor(tmp_path, monkeypatch, "user_name: [")
    ran = anontui("settings", "edit")
    assert ran.code == 1 and "not YAML" in ran.err


def test_edit_without_an_editor(
    anontui: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "/no/such/editor")
    ran = anontui("settings", "edit")
    assert ran.code == 2 and "No editor could be started" in ran.err and "EDITOR" in ran.err


def test_defaults(anontui: Command, project: Path) -> None:
    assert "No defaults are set" in anontui("create", "show-defaults").err
    assert anontui("create", "set-defaults", "--project", "Lung").code == 0
    typed = "\n\\\\srv\\share\\out\n"
    assert anontui("create", "set-defaults", typed=typed).code == 0
    expected = {"project": "Lung", "destination_path": r"\\srv\share\out"}
    assert json.loads(anontui("create", "show-defaults", "--json").out) == expected
    assert r"\\srv\share\out" in anontui("create", "show-defaults").out
    assert anontui("create", "set-defaults", "--project", "").code == 0
    assert list(saved(project).job_defaults) == ["destination_path"]


def test_defaults_that_cannot_be(anontui: Command, project: Path) -> None:
    ran = anontui("create", "set-defaults")
    assert ran.code == 2 and "--project" in ran.err
    ran = anontui("create", "set-defaults", "--destination-path", "/mnt/out")
    assert ran.code == 2 and "not a UNC path" in ran.err
    assert saved(project).job_defaults == {}


def test_other_defaults_stay(anontui: Command, project: Path) -> None:
    saved(project).replace(job_defaults={"pims_key": "7"}).save()
    anontui("create", "set-defaults", "--project", "Lung")
    assert saved(project).job_defaults == {"pims_key": "7", "project": "Lung"}
