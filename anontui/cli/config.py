"""``anontui config``: the settings file as a document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from anontui.cli.context import workspace
from anontui.cli.out import JSON_OPTION, clean, say, show_json, show_table
from anontui.errors import SettingsError


@click.group("config")
def command() -> None:
    """Make, look at and check the settings file."""


@command.command()
@JSON_OPTION
def show(as_json: bool) -> None:
    """Show what holds in this folder, and what of it the file says."""
    from anontui.operations.configuring import origins

    settings = workspace().settings
    found = origins(settings)
    if as_json:
        values = {name: {"value": value, "set": is_set} for name, (value, is_set) in found.items()}
        show_json({"file": str(settings.path), "settings": values})
        return
    missing = "" if settings.path.exists() else ", which is not there yet"
    say(f"The file is {settings.path}{missing}.")
    rows = [
        {"setting": name, "value": _shown(value), "from": "file" if is_set else "default"}
        for name, (value, is_set) in found.items()
    ]
    show_table(rows, ("setting", "from", "value"))


def _shown(value: object) -> str:
    if value in (None, "", {}, []):
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@command.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@JSON_OPTION
def validate(file: Path | None, as_json: bool) -> None:
    """Tell everything that is wrong with the settings FILE (default: the one that holds here)."""
    from anontui.operations.configuring import faults
    from anontui.settings import settings_path

    path = file or settings_path(Path.cwd())
    found = faults(path, wrong_keys)
    if as_json:
        show_json({"file": str(path), "faults": found})
    for fault in [] if as_json else found:
        click.echo(clean(fault))
    if found:
        click.get_current_context().exit(1)
    say(f"Nothing is wrong with {path}.")


def wrong_keys(keys: Mapping[str, str]) -> list[str]:
    """Tell what is wrong with the user's keys for the app, each on its own."""
    from anontui.tui.actions import Registry
    from anontui.tui.catalog import ACTIONS

    try:
        Registry(ACTIONS, keys)
    except SettingsError as error:
        return [error.sentence()]
    return []


@command.command()
@click.option("--here", is_flag=True, help="Make one for this folder alone, not for all.")
def init(here: bool) -> None:
    """Write a settings file that explains every setting and sets nothing yet."""
    from anontui.operations.configuring import write_first
    from anontui.settings import own_settings, settings_path

    path = own_settings(Path.cwd()) if here else settings_path(Path.cwd())
    write_first(path)
    say(f"Made {path}. Edit it with: anontui settings edit")


@command.command()
def schema() -> None:
    """Print the JSON Schema of the settings file, for editors that check while one types."""
    from anontui.operations.configuring import schema as found

    show_json(found())


@command.command(hidden=True)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def pages(folder: Path) -> None:
    """Write the pages of the docs that come from the program itself into FOLDER."""
    for name, text in generated_pages().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        say(f"Wrote {folder / name}.")


def generated_pages() -> dict[str, str]:
    """Return the pages of the docs that come from the program itself, by file name."""
    from anontui.operations import configuring
    from anontui.tui.keypage import key_page

    return {
        "keys.md": key_page(),
        "settings.md": configuring.page(),
        configuring.SCHEMA_ID: json.dumps(configuring.schema(), indent=2) + "\n",
    }
