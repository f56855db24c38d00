"""The server's guide: its commands exist, and its files are ones that the server reads."""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from anontui.cli.run import root
from anontui.server.config import ConfigFile, ReceiverConfig
from anontui.server.functions import FUNCTIONS
from anontui.server.projects import KEYS, read_project

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "server.md").read_text("utf-8")


def commands() -> Iterator[str]:
    """Every command of ours that a page shows."""
    unit = (DOCS / "anontui.service").read_text()
    for text in (GUIDE, unit):
        for line in re.findall(r"(?:^ {4}|ExecStart=\S*/)(anontui .*)", text, re.MULTILINE):
            yield str(line)


@pytest.mark.parametrize("line", commands())
def test_a_command_exists_with_these_options(line: str) -> None:
    command: click.Command | None = root
    context = None
    words = shlex.split(line, comments=True)
    while True:
        assert command is not None, line
        context = command.make_context(words[0], words[1:], parent=context)
        words = [*context._protected_args, *context.args]
        if not isinstance(command, click.Group) or not words:
            break
        command = command.get_command(context, words[0])


def blocks(word: str) -> list[str]:
    found = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    return [block for block in found if block.startswith(word)]


def test_the_settings_are_read(tmp_path: Path) -> None:
    [text] = blocks("shares:")
    (tmp_path / "server.yml").write_text(text)
    config = ConfigFile(tmp_path / "server.yml").current()
    assert config.shares.to_local(r"\\server\research\x") == Path("/mnt/research/x")
    assert (config.host, config.port) == ("0.0.0.0", 8443)


def test_the_project_is_read(tmp_path: Path) -> None:
    [text] = blocks("description:")
    (tmp_path / "project.yml").write_text(text)
    (tmp_path / "policy.yml").write_text("")
    project = read_project(tmp_path / "project.yml")
    assert project.users == frozenset({"z123456", "z654321"})
    assert project.sources == (r"\\server\research\lung",)


def test_a_project_with_archives_is_read(tmp_path: Path) -> None:
    [text] = blocks("users:")
    (tmp_path / "project.yml").write_text(text)
    project = read_project(tmp_path / "project.yml")
    assert (project.archives, project.targets) == (("HOSPITAL",), ("RESEARCH",))
    assert (project.receive, project.destination) == ("LUNG", "node:RESEARCH")


def test_the_receiver_is_read(tmp_path: Path) -> None:
    [text] = blocks("receiver:")
    (tmp_path / "server.yml").write_text(text)
    found = ConfigFile(tmp_path / "server.yml").current().receiver
    assert found == ReceiverConfig(11112, "0.0.0.0", ("CT1", "PACS"), True, 10)


def test_every_key_of_a_project_is_told_of() -> None:
    told = GUIDE.partition("## Projects")[2].partition("\n## ")[0]
    assert set(KEYS) <= set(re.findall(r"`(\w+)`", told))


def test_every_function_that_is_told_of_exists() -> None:
    told = set(re.findall(r"`([a-z]+_[a-z_]+)`", GUIDE.partition("## The web API")[2]))
    assert told - {"user_name"} == set(FUNCTIONS)


def test_the_unit_is_one() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DOCS / "anontui.service")
    assert set(parser.sections()) == {"Unit", "Service", "Install"}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", GUIDE):
        assert (DOCS / target).exists(), target
    headings = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
        for title in re.findall(r"^## (.+)$", GUIDE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", GUIDE)) <= headings
