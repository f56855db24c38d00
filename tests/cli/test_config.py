"""``anontui config``: the settings file as a document, and the pages that come from it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import jsonschema
import pytest
import yaml

from anontui.cli.config import generated_pages
from anontui.operations import configuring
from anontui.settings import FIELDS, Settings, load, settings_path
from tests.cli.conftest import Command
from tests.test_settings import FULL

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", generated_pages())
def test_the_pages_are_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == generated_pages()[name], (
        "write them anew: anontui config pages docs"
    )


def test_show_tells_what_is_set_and_never_the_token(anontui: Command, project: Path) -> None:
    ran = anontui("config", "show", "--json")
    found = json.loads(ran.out)["settings"]
    assert list(found) == [field.name for field in FIELDS]
    assert found["user_name"] == {"value": "z123456", "set": True}
    assert found["user_token"] == {"value": "set", "set": True}
    assert found["theme"] == {"value": None, "set": False}
    shown = anontui("config", "show").out
    assert "theme" in shown and "default" in shown
    assert not any(line.split()[-1] == "token" for line in shown.splitlines()[1:])


def test_init_explains_every_setting_and_sets_none(anontui: Command, tmp_path: Path) -> None:
    ran = anontui("config", "init")
    path = settings_path(Path.cwd())
    assert ran.code == 0 and str(path) in ran.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(path) == Settings(path)
    text = path.read_text()
    assert all(f"\n#{field.name}:" in text for field in FIELDS)
    again = anontui("config", "init")
    assert again.code == 2 and "already" in again.err
    assert path.read_text() == text


def test_init_here_holds_for_this_folder(
    anontui: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert anontui("config", "init", "--here").code == 0
    assert settings_path(tmp_path) == tmp_path / ".anontui" / "settings.yml"


def test_the_examples_of_init_are_valid(anontui: Command, tmp_path: Path) -> None:
    text = configuring.template()
    whole = tmp_path / "settings.yml"
    whole.write_text(
        "\n".join(
            line[1:]
            for line in text.splitlines()
            if line.startswith("#") and (line[1:2] != " " or line.startswith("#  "))
        )
    )
    whole.chmod(0o600)
    ran = anontui("config", "validate", str(whole))
    assert ran.out == "" and ran.code == 0


WRONG = """\
servers: [a, b]
theme: pink
themes: dark
validate_ssl: perhaps
keys: {app.zomo: z}
"""


def test_validate_tells_every_mistake_at_once(anontui: Command, tmp_path: Path) -> None:
    path = tmp_path / "settings.yml"
    path.write_text(WRONG)
    ran = anontui("config", "validate", str(path))
    assert ran.code == 1
    for part in (
        "servers is not a list of names",
        "theme is passed over",
        "'themes' is no setting of anontui. Did you mean theme?",
        "validate_ssl is neither true nor false",
        "'app.zomo', which is no action. Did you mean app.zoom?",
    ):
        assert part in ran.out
    assert len(ran.out.splitlines()) == 5
    assert json.loads(anontui("config", "validate", str(path), "--json").out)["faults"]


def test_validate_of_nothing_and_of_no_yaml(anontui: Command, tmp_path: Path) -> None:
    ran = anontui("config", "validate", str(tmp_path / "none.yml"))
    assert ran.code == 1 and "config init" in ran.err
    (tmp_path / "bad.yml").write_text("user_token: [secret")
    ran = anontui("config", "validate", str(tmp_path / "bad.yml"))
    assert ran.code == 1 and "secret" not in ran.err and "line" in ran.err


def test_validate_of_good_settings(anontui: Command, project: Path) -> None:
    ran = anontui("config", "validate")
    assert (ran.code, ran.out) == (0, "")


# -- the schema ------------------------------------------------------------------------------


def test_the_schema_is_one_and_takes_what_we_write(anontui: Command) -> None:
    schema = json.loads(anontui("config", "schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(yaml.safe_dump(FULL._to_yaml())), schema)
    jsonschema.validate({}, schema)
    assert list(schema["properties"]) == [field.name for field in FIELDS]


@pytest.mark.parametrize(
    "text",
    [
        "servers: [a]",
        "theme: pink",
        "user_name: 5",
        "validate_ssl: 1",
        "job_default_parameters: [project]",
        "shares: {a: 1}",
        "keys: {app.zoom: 5}",
    ],
)
def test_the_schema_refuses_what_the_program_does(
    anontui: Command, tmp_path: Path, text: str
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), configuring.schema())
    (tmp_path / "settings.yml").write_text(text)
    assert anontui("config", "validate", str(tmp_path / "settings.yml")).code == 1
