"""The pages of the docs: commands, links, files and tables in them are what there is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
import pytest

from anontui.cli.run import root
from anontui.deid.readers.policyfile import read_policy
from anontui.idis.advice import advice_for
from anontui.idis.model import Job
from anontui.project.checks import problems_of
from anontui.project.mapping import Mapping
from anontui.project.selection import Selection
from anontui.project.source import SourceKind
from tests.idis.answers import core

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
TEXTS = {page: page.read_text("utf-8") for page in PAGES}
SOURCES = "\n".join(path.read_text("utf-8") for path in (ROOT / "anontui").rglob("*.py"))


def commands() -> Iterator[str]:
    """Every command that a page shows, in a block or in a line."""
    for text in TEXTS.values():
        blocks = re.findall(r"^ {4}(?:\.venv/bin/)?(anontui .*)$", text, re.MULTILINE)
        in_lines = re.findall(r"`(anontui [^`]*)`", text)
        yield from {line for line in (*blocks, *in_lines) if "COMMAND" not in line}


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_a_command_exists_with_these_options(line: str) -> None:
    words = shlex.split(line.partition(" | ")[0], comments=True)
    command: click.Command | None = root
    context = None
    while True:
        assert command is not None, line
        if isinstance(command, click.Group) and len(words) == 1:
            return
        try:
            context = command.make_context(words[0], words[1:], parent=context)
        except (click.MissingParameter, click.exceptions.Exit):
            return  # in a line, a command may stand without what it is given; --help ends it
        except click.BadParameter as error:
            assert error.message.endswith("does not exist."), error.message  # a reader's file
            return
        words = [*context._protected_args, *context.args]
        if not isinstance(command, click.Group) or not words:
            return
        command = command.get_command(context, words[0])


def anchor(heading: str) -> str:
    """The name by which GitHub links to a heading."""
    return re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, part in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", TEXTS[page]):
        place = page.parent / target if target else page
        assert place.exists(), target
        if part:
            headings = re.findall(r"^#+ (.+)$", place.read_text("utf-8"), re.MULTILINE)
            assert part in map(anchor, headings), f"{target}#{part}"


def test_every_page_is_in_the_index() -> None:
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", TEXTS[DOCS / "README.md"]))
    assert listed | {"README.md"} == {page.name for page in DOCS.glob("*.md")}


def block(page: str, begin: str) -> str:
    """The block of a page that begins so."""
    found = re.findall(r"```\w*\n(.*?)```", TEXTS[DOCS / page], re.DOTALL)
    [one] = [text for text in found if text.startswith(begin)]
    return str(one)


# --- concepts


def test_the_mapping_is_one(tmp_path: Path) -> None:
    path = tmp_path / "anon_mapping.csv"
    path.write_text(block("concepts.md", "## Description"))
    mapping = Mapping.load(path)
    assert mapping.option("root_source_path") == r"\\server\share\data"
    assert len(mapping.rows) == 3
    assert not any(problems_of(mapping, row) for row in range(3))


def test_the_selection_is_one(tmp_path: Path) -> None:
    path = tmp_path / "fileselection.txt"
    path.write_text(block("concepts.md", "description:"))
    assert len(Selection.load(path).paths) == 2


def test_every_kind_of_source_is_told_of() -> None:
    told = re.findall(r"^\| `(\w+):", TEXTS[DOCS / "concepts.md"], re.MULTILINE)
    assert set(told) == set(SourceKind)


# --- configuration and policies


def test_every_variable_is_looked_at() -> None:
    table = TEXTS[DOCS / "configuration.md"].partition("## Environment")[2].partition("\n## ")[0]
    named = re.findall(r"`([A-Z_]+)`", table)
    theirs = {"SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY"}  # httpx and urllib look at them
    assert len(named) > 8
    assert [name for name in named if name not in theirs and f'"{name}"' not in SOURCES] == []


def test_the_policy_is_one(tmp_path: Path) -> None:
    (tmp_path / "policy.yml").write_text(block("deid.md", "options:"))
    (tmp_path / "vocabulary.json").write_text('{"0008,1030": ["CT CHEST"]}')
    (tmp_path / "ultrasound.yml").write_text(block("deid.md", "- name:"))
    (tmp_path / "opted-out.txt").write_text("P-1\n")
    policy = read_policy(tmp_path / "policy.yml")
    assert policy.filters.opt_out == frozenset({"P-1"})


# --- troubleshooting


def rows(section: str, header: str) -> list[list[str]]:
    """The rows of the table under a heading that begins with this column."""
    text = (
        TEXTS[DOCS / "troubleshooting.md"].partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    )
    table = text[text.index(f"| {header} |") :].partition("\n\n")[0]
    return [[cell.strip() for cell in line.split(" | ")] for line in table.splitlines()[2:]]


def test_the_advice_on_jobs_is_the_apps() -> None:
    now = datetime(2026, 2, 12, 10)
    found = rows("Jobs", "error")
    assert len(found) == 7
    for error, *_, command in found:
        advice = advice_for(
            Job.from_json(core(1043, status="ERROR", error=error.strip("| "))), now=now
        )
        assert advice is not None
        verb = command.partition("anontui job ")[2].split()[0]
        assert verb == (advice.action or "info"), error


@pytest.mark.parametrize("section", ["Servers", "Mapping and files"])
def test_the_signs_are_what_is_said(section: str) -> None:
    for sign, *_ in rows(section, "sign"):
        words = sign.strip("| ").partition(" … ")[0]
        if not words.startswith("in Excel"):
            assert words in SOURCES, words


def test_the_keys_exist() -> None:
    """Every key that a page names is one of the app, or of a line that one types into."""
    known = {*re.findall(r"`([^`]+)`", TEXTS[DOCS / "keys.md"]), "^u"}
    for name in ("tutorial-share.md", "tutorial-pacs.md", "troubleshooting.md", "concepts.md"):
        for key in re.findall(r"`([A-Za-z0-9→?]|ctrl\+\w|space|Enter)`", TEXTS[DOCS / name]):
            assert key.replace("ctrl+", "^").replace("Enter", "enter") in known, f"{name}: {key}"
