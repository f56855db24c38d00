"""White list files."""

from __future__ import annotations

from pathlib import Path

import pytest

from anontui.deid.rules.whitelist import WhiteList
from anontui.errors import DeidError


def read(folder: Path, text: str) -> WhiteList:
    path = folder / "white.json"
    path.write_text(text, encoding="utf-8")
    return WhiteList.read(path)


def test_values_are_compared_plainly(tmp_path: Path) -> None:
    found = read(tmp_path, '{"0008,1030": ["CT CHEST W/CONTRAST"], "(0008,1030)": ["a-b_c"]}')
    assert found.has(0x00081030, " ct  chest, w/contrast.")
    assert found.has(0x00081030, "ABC")
    assert not found.has(0x00081030, "CT CHEST")
    assert not found.has(0x0008103E, "ABC")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{"0008,1030":\n ["a"}', 2, "not JSON"),
        ("[]", 1, "a JSON object"),
        ('{\n"Nothing": ["a"]}', 2, "Nothing is not a tag"),
        ('{"(0008,xxxx)": ["a"]}', 1, "single attributes"),
        ('{"0008,1030": ["a"],\n"0008,103e": "a"}', 2, "a list of texts"),
        ('{"0008,1030": [1]}', 1, "a list of texts"),
    ],
)
def test_errors_name_the_line(text: str, line: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(DeidError) as caught:
        read(tmp_path, text)
    assert caught.value.sentence().startswith(f"white.json line {line}: ")
    assert words in caught.value.sentence()
