"""dicom-anonymizer's dictionary files, as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from anontui.deid.readers.dictionary import read_dictionary
from anontui.deid.rules.actions import Action, Rule
from anontui.deid.rules.tags import TagPattern
from anontui.errors import DeidError

REGEXP = '{"action": "regexp", "find": "0701$", "replace": "0000"}'


def write(folder: Path, text: str) -> Path:
    path = folder / "rules.json"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_documented_examples(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '{\n"(0x0002, 0x0002)": "keep",\n"(0x0004, 0x0004)": "empty",\n'
        f'"(0x0008, 0x0020)": {REGEXP},\n'
        '"(0x0010,0x0020)": {"action": "replace_with_value", "value": "new"},\n'
        '"(0x0010,0x0030)": {"action": "shift_date"},\n'
        '"(0x0010,0x1010)": {"width": 10, "action": "round_age"},\n'
        '"(0x6000,0x3000,0xff00,0xffff)": "delete"}',
    )

    def told(action: Action, line: int, **details: object) -> Rule:
        return Rule(action, f"rules.json line {line}", told=True, **details)  # type: ignore[arg-type]

    assert read_dictionary(path) == [
        (TagPattern(0x00020002), told(Action.KEEP, 2)),
        (TagPattern(0x00040004), told(Action.EMPTY, 3)),
        (TagPattern(0x00080020), told(Action.REGEXP, 4, find="0701$", value="0000")),
        (TagPattern(0x00100020), told(Action.REPLACE_WITH_VALUE, 5, value="new")),
        (TagPattern(0x00100030), told(Action.SHIFT_DATE, 6)),
        (TagPattern(0x00101010), told(Action.ROUND_AGE, 7, number=10)),
        (TagPattern(0x60003000, 0xFF00FFFF), told(Action.DELETE, 8)),
    ]


def test_of_a_tag_given_twice_the_last_counts(tmp_path: Path) -> None:
    path = write(tmp_path, '{"(0010,0020)": "keep",\r\n"(0010,0020)": "delete"}')
    assert read_dictionary(path)[-1] == (
        TagPattern(0x00100020),
        Rule(Action.DELETE, "rules.json line 2", told=True),
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [("5", "5"), ("1.5", "1.5"), ('["A", "B"]', "A\\B"), ('""', ""), ('"Zoë"', "Zoë")],
)
def test_values_become_texts(value: str, text: str, tmp_path: Path) -> None:
    path = write(tmp_path, f'{{"PatientID": {{"action": "replace_with_value", "value": {value}}}}}')
    [(_, rule)] = read_dictionary(path)
    assert isinstance(rule, Rule)
    assert rule.value == text


def test_nothing_and_a_byte_order_mark(tmp_path: Path) -> None:
    assert read_dictionary(write(tmp_path, "\ufeff { } \n")) == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "a JSON object"),
        ("[]", 1, "a JSON object"),
        ('\n"keep"', 2, "a JSON object"),
        ('{"(0010,0020)": "keep",}', 1, "not JSON"),
        ('{"(0010,0020)": "keep"\n"(0010,0030)": "keep"}', 2, "a comma"),
        ('{"(0010,0020)" "keep"}', 1, "a colon"),
        ('{"(0010,0020)":\n}', 2, "not JSON"),
        ('{\n1: "keep"}', 2, "a name in quotes"),
        ("{}\n\n{}", 3, "nothing may follow"),
        ('{"(0010,0020)": "keep"', 1, "a comma or }"),
        ('{"PatientID": NaN}', 1, "cannot be read"),
        ('{"PatientID":' + "[" * 100_000, 1, "cannot be read"),
        ('{"PatientID":' + "1" * 10_000 + "}", 1, "cannot be read"),
        ('{\n"PatientIdd": "keep"}', 2, "not a tag"),
        ('{\n\n"PatientID": "kept"}', 3, "Did you mean keep?"),
        ('{"PatientID": ["keep"]}', 1, "an action is expected"),
        ('{"PatientID": null}', 1, "an action is expected"),
        ('{"PatientID": {}}', 1, "the action is missing"),
        ('{"PatientID": {"action": 5}}', 1, "the action is missing"),
        ('{"PatientID": {"action": "keep", "why": "x"}}', 1, "no argument why"),
        ('{"PatientID": {"action": "keep", "value": "x"}}', 1, "too many arguments"),
        ('{"PatientID": {"action": "regexp", "find": "x"}}', 1, "does not take these"),
        ('{"PatientID": "regexp"}', 1, "FIND and REPLACE"),
        ('{"PatientID": {"action": "hash", "width": 8}}', 1, "does not take these"),
        ('{"PatientID": {"action": "replace_with_value", "value": null}}', 1, "neither a text"),
        ('{"PatientID": {"action": "replace_with_value", "value": true}}', 1, "neither a text"),
        ('{"(0x0029,0x1010)": "keep"}', 1, "Name the creator"),
    ],
)
def test_refused(text: str, line: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(DeidError) as caught:
        read_dictionary(write(tmp_path, text))
    assert caught.value.sentence().startswith(f"rules.json line {line}: ")
    assert words in caught.value.sentence()


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DeidError, match="There is no file none"):
        read_dictionary(tmp_path / "none.json")
    with pytest.raises(DeidError, match="There is no file"):
        read_dictionary(tmp_path)
    latin = tmp_path / "latin.json"
    latin.write_bytes(b'{"PatientID":\n "Zo\xeb"}')
    with pytest.raises(DeidError, match=r"latin.json line 2: this is not text in UTF-8"):
        read_dictionary(latin)
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(17 << 20)
    with pytest.raises(DeidError, match="larger than 16 MiB"):
        read_dictionary(large)
