"""The command line's -t, and the names and tags that dicom-anonymizer knows."""

from __future__ import annotations

import shlex

import pytest

from anontui.deid.readers.told import ARGUMENTS, told_rule
from anontui.deid.rules.actions import Action, Rule
from anontui.deid.rules.tags import TagPattern
from anontui.errors import DeidError

PATIENT_ID = "(0x0010, 0x0020)"


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("(0x0010, 0x0020)", TagPattern(0x00100020)),
        ("(0x0010,0x0020)", TagPattern(0x00100020)),
        ("(0x10, 0x20)", TagPattern(0x00100020)),
        ("(0x0010, 0x0020,)", TagPattern(0x00100020)),
        (" (0010,0020) ", TagPattern(0x00100020)),
        ("00100020", TagPattern(0x00100020)),
        ("PatientID", TagPattern(0x00100020)),
        ("(60xx,3000)", TagPattern(0x60003000, 0xFF00FFFF)),
        ("(0x6000, 0x3000, 0xFF00, 0xFFFF)", TagPattern(0x60003000, 0xFF00FFFF)),
        ("(0x60AB, 0x3000, 0xFF00, 0xFFFF)", TagPattern(0x60003000, 0xFF00FFFF)),
        ("(0x5000, 0x0, 0xFF00, 0x0)", TagPattern(0x50000000, 0xFF000000)),
        (
            '(0029,"SIEMENS CSA HEADER",10)',
            TagPattern(0x00290010, 0xFFFF00FF, "SIEMENS CSA HEADER"),
        ),
    ],
)
def test_tags(text: str, pattern: TagPattern) -> None:
    assert told_rule(text, "keep", (), "-t") == (
        pattern,
        Rule(Action.KEEP, "-t", told=True),
    )


@pytest.mark.parametrize(
    ("name", "arguments", "rule"),
    [
        ("replace", (), Rule(Action.REPLACE, "-t", told=True)),
        ("empty", (), Rule(Action.EMPTY, "-t", told=True)),
        ("delete", (), Rule(Action.DELETE, "-t", told=True)),
        ("keep", (), Rule(Action.KEEP, "-t", told=True)),
        ("clean", (), Rule(Action.CLEAN, "-t", told=True)),
        ("replace_UID", (), Rule(Action.REPLACE_UID, "-t", told=True)),
        ("replaceUID", (), Rule(Action.REPLACE_UID, "-t", told=True)),
        ("empty_or_replace", (), Rule(Action.EMPTY_OR_REPLACE, "-t", told=True)),
        ("emptyOrReplace", (), Rule(Action.EMPTY_OR_REPLACE, "-t", told=True)),
        ("delete_or_empty", (), Rule(Action.DELETE_OR_EMPTY, "-t", told=True)),
        ("deleteOrReplace", (), Rule(Action.DELETE_OR_REPLACE, "-t", told=True)),
        (
            "delete_or_empty_or_replace",
            (),
            Rule(Action.DELETE_OR_EMPTY_OR_REPLACE, "-t", told=True),
        ),
        ("deleteOrEmplyOrReplace", (), Rule(Action.DELETE_OR_EMPTY_OR_REPLACE, "-t", told=True)),
        (
            "regexp",
            ("0701$", "0000"),
            Rule(Action.REGEXP, "-t", told=True, find="0701$", value="0000"),
        ),
        ("regexp", ("(a)b", r"\1"), Rule(Action.REGEXP, "-t", told=True, find="(a)b", value=r"\1")),
        ("regexp", ("a", ""), Rule(Action.REGEXP, "-t", told=True, find="a")),
        (
            "replace_with_value",
            ("A B",),
            Rule(Action.REPLACE_WITH_VALUE, "-t", told=True, value="A B"),
        ),
        ("shift_date", (), Rule(Action.SHIFT_DATE, "-t", told=True)),
        ("shift_date", ("-30",), Rule(Action.SHIFT_DATE, "-t", told=True, number=-30)),
        ("hash", (), Rule(Action.HASH, "-t", told=True)),
        ("hash", ("8",), Rule(Action.HASH, "-t", told=True, number=8)),
        ("pseudonym", (), Rule(Action.PSEUDONYM, "-t", told=True)),
    ],
)
def test_actions(name: str, arguments: tuple[str, ...], rule: Rule) -> None:
    assert told_rule(PATIENT_ID, name, arguments, "-t")[1] == rule


def test_every_action_of_the_table_can_be_named() -> None:
    values = {"find": "a", "replace": "b", "value": "c", "days": "1", "length": "8", "width": "5"}
    for action, names in ARGUMENTS.items():
        arguments = [values[name] for name in names]
        pattern, rule = told_rule("(0010,1010)", action, arguments, "-t")
        assert pattern == TagPattern(0x00101010)
        assert rule.told


def test_a_rounded_age() -> None:
    rule = told_rule("PatientAge", "round_age", ["10"], "-t")[1]
    assert rule == Rule(Action.ROUND_AGE, "-t", told=True, number=10)


@pytest.mark.parametrize(
    ("tag", "action"),
    [
        ("SOPInstanceUID", Action.REPLACE_UID),  # never kept because it is of type 1
        ("ReferencedImageSequence", Action.DELETE_OR_EMPTY_OR_REPLACE_UID),
        ("PatientID", Action.DELETE_OR_EMPTY_OR_REPLACE),
        ("(0008,xxxx)", Action.DELETE_OR_EMPTY_OR_REPLACE),
        ('(0029,"A",10)', Action.DELETE_OR_EMPTY_OR_REPLACE),
    ],
)
def test_only_sequences_are_kept_for_the_uids_in_them(tag: str, action: Action) -> None:
    name = "delete_or_empty_or_replace_UID"
    assert told_rule(tag, name, (), "-t")[1] == Rule(action, "-t", told=True)


@pytest.mark.parametrize(
    ("line", "tag", "rule"),
    [
        ("'(0x0010, 0x0020)' keep", 0x00100020, Rule(Action.KEEP, "-t", told=True)),
        (
            "'(0x0008, 0x0020)' 'regexp' '0701$' '0000'",
            0x00080020,
            Rule(Action.REGEXP, "-t", told=True, find="0701$", value="0000"),
        ),
    ],
)
def test_the_documented_command_lines_of_dicom_anonymizer(line: str, tag: int, rule: Rule) -> None:
    name, action, *arguments = shlex.split(line)
    assert told_rule(name, action, arguments, "-t") == (TagPattern(tag), rule)


@pytest.mark.parametrize("action", ["delete", "empty", "replace"])
def test_private_elements_may_go_by_their_number(action: str) -> None:
    assert told_rule("(0x0029, 0x1010)", action, (), "-t")[0] == TagPattern(0x00291010)


@pytest.mark.parametrize(
    ("tag", "action", "arguments", "words"),
    [
        (PATIENT_ID, "kepe", (), "no action kepe. Did you mean keep? Actions: replace, empty,"),
        (PATIENT_ID, "ActionName", (), "no action ActionName. "),
        (PATIENT_ID, "", (), "no action"),
        (PATIENT_ID, "look_up", (), "no action"),
        (PATIENT_ID, "function", (), "no action"),
        (PATIENT_ID, "keep", ("x",), "keep was given too many arguments. It takes none."),
        (PATIENT_ID, "regexp", ("a",), "too few arguments. It takes FIND and REPLACE."),
        (PATIENT_ID, "regexp", ("a", "b", "c"), "given too many arguments"),
        (PATIENT_ID, "replace_with_value", (), "It takes VALUE."),
        (PATIENT_ID, "hash", ("8", "8"), "or nothing, as in hash LENGTH"),
        (PATIENT_ID, "hash", ("0",), "0 is no number of length for hash"),
        (PATIENT_ID, "hash", ("eight",), "a whole number, 1 to 64"),
        (PATIENT_ID, "hash", ("٣",), "is no number"),
        (PATIENT_ID, "shift_date", ("0",), "but 0"),
        (PATIENT_ID, "shift_date", ("1000000000",), "is no number of days"),
        ("PatientAge", "round_age", ("-5",), "is no number of width"),
        ("StudyTime", "shift_date", ("5",), "a time of day does not move by days"),
        ("PatientWeight", "round_age", ("5",), "only ages (VR AS)"),
        (PATIENT_ID, "regexp", ("(", ""), "( is not a regular expression"),
        (PATIENT_ID, "regexp", ("a", r"\1"), "the replacement does not go with"),
        (PATIENT_ID, "regexp", ("(a+)+", ""), "could take very long"),
        ("PatientIdd", "keep", (), "PatientIdd is not a tag"),
        ("(16, 32)", "keep", (), "is not a tag"),
        ("(0x10, 0x20, 0xFF)", "keep", (), "is not a tag"),
        ("x" * 1000, "keep", (), "… is not a tag"),
        ("(0x0029, 0x1010)", "keep", (), "Name the creator"),
        ("(0x0029, 0x1010)", "hash", (), "Name the creator"),
        ("ReferencedImageSequence", "hash", (), "this is a sequence"),
    ],
)
def test_refused(tag: str, action: str, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(DeidError) as caught:
        told_rule(tag, action, arguments, "-t")
    assert words in caught.value.sentence()
    assert caught.value.sentence().startswith("-t: ")
    assert len(caught.value.message) < 150
