"""The pictures of the docs show the app as it is, and each is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from tests import pictures

ROOT = pictures.FOLDER.parents[1]


@pytest.fixture(scope="module")
def taken() -> Mapping[str, str]:
    return pictures.take()


@pytest.mark.parametrize("name", pictures.NAMES)
def test_a_picture_is_not_stale(taken: Mapping[str, str], name: str) -> None:
    before = (pictures.FOLDER / f"{name}.svg").read_text("utf-8")
    words = [re.findall(r"<text[^>]*>([^<]*)</text>", svg) for svg in (taken[name], before)]
    told = "python -m tests.pictures takes them anew: look at them before you keep them"
    assert words[0] == words[1], told
    assert taken[name] == before, f"the colours differ; {told}"


def test_there_are_no_others(taken: Mapping[str, str]) -> None:
    assert set(taken) == set(pictures.NAMES)
    assert {path.stem for path in pictures.FOLDER.iterdir()} == set(pictures.NAMES)


def test_they_load_nothing_from_elsewhere() -> None:
    for path in pictures.FOLDER.iterdir():
        assert not re.search(r"url\((?!#)|href=|@import", path.read_text("utf-8")), path.name


def test_each_is_shown() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = set()
    for page in pages:
        for target in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
            shown.add(target.rpartition("/")[2])
    assert shown == {f"{name}.svg" for name in pictures.NAMES}
