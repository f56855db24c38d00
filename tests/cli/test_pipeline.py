"""``anontui pipeline``: what is asked for wrongly, and servers that are none of ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.api import Api
from tests.cli.conftest import Command

RUN = ("pipeline", "run", "studies.csv", "--from", "A", "--to", "B", "--project", "Lung")


@pytest.fixture
def studies(project: Path) -> Path:
    path = project / "studies.csv"
    path.write_text("accession\nACC1\n")
    return path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run",), "Missing: STUDIES, --from, --to, --project"),
        (("run", "studies.csv", "--from", "A"), "Missing: --to, --project"),
        (("run", "--resume", "--limit", "3"), "--resume alone"),
        (("run", "studies.csv", "--resume"), "--resume alone"),
        (("clean", "--before", "yesterday"), "This is no date"),
    ],
)
def test_what_makes_no_sense(
    anontui: Command, studies: Path, words: tuple[str, ...], told: str
) -> None:
    ran = anontui("pipeline", *words)
    assert (ran.code, told in ran.err) == (2, True), ran.err
    assert not (studies.parent / "data").exists()


def test_there_is_nothing_to_resume_or_clean(anontui: Command, studies: Path) -> None:
    ran = anontui("pipeline", "run", "--resume")
    assert (ran.code, "no unfinished run" in ran.err) == (1, True)
    ran = anontui("pipeline", "clean", "--before", "2024-01-31", "--json")
    assert (ran.code, json.loads(ran.out)) == (0, [])


def test_a_server_without_archives_is_told_of(anontui: Command, studies: Path, api: Api) -> None:
    """As IDIS servers are: nothing was ordered there."""
    ran = anontui(*RUN)
    assert (ran.code, "does not know the call get_nodes" in ran.err) == (1, True), ran.err
    assert not (studies.parent / "data").exists()


def test_a_list_without_studies(anontui: Command, studies: Path) -> None:
    studies.write_text("accession\n*\n")
    ran = anontui(*RUN)
    assert (ran.code, "names no study" in ran.err) == (1, True)
    assert anontui("pipeline", "run", "missing.csv", *RUN[3:]).code == 1


def test_clean_asks(anontui: Command, studies: Path) -> None:
    old = studies.parent / "data" / "run_at_1367600000"
    (old / "from_staging").mkdir(parents=True)
    words = ("pipeline", "clean", "--before", "2013-06-01")
    assert anontui(*words).code == 2
    assert (old / "from_staging").exists()
    assert anontui(*words, "--yes").code == 0
    assert not (old / "from_staging").exists()
