"""The header section of deid's recipes."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from anontui.deid.readers.recipe import read_recipe
from anontui.deid.rules.actions import Action, AnyRule, Rule
from anontui.deid.rules.policy import Policy
from anontui.deid.rules.tags import TagPattern
from anontui.errors import DeidError

LINE = 5  # of what stands below the head
HEAD = "FORMAT dicom\n\n# a comment\n%header\n"


def read(folder: Path, body: str) -> list[tuple[TagPattern, AnyRule]]:
    path = folder / "deid.dicom"
    path.write_text(HEAD + body, encoding="utf-8")
    return read_recipe(path)


def told(action: Action, **details: object) -> Rule:
    return Rule(action, f"deid.dicom line {LINE}", told=True, **details)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "tag", "rule"),
    [
        ("KEEP PatientSex", 0x00100040, told(Action.KEEP)),
        ("KEEP patientsex # a comment", 0x00100040, told(Action.KEEP)),
        ("KEEP (0010,0040)", 0x00100040, told(Action.KEEP)),
        ("KEEP 00100040", 0x00100040, told(Action.KEEP)),
        ("BLANK StudyDescription", 0x00081030, told(Action.EMPTY)),
        ("REMOVE StudyDescription # why", 0x00081030, told(Action.DELETE)),
        ("JITTER StudyDate -30", 0x00080020, told(Action.SHIFT_DATE, number=-30)),
        (
            "REPLACE StudyDescription a new one # why",
            0x00081030,
            told(Action.REPLACE_WITH_VALUE, value="a new one"),
        ),
        (
            "REPLACE  StudyDescription\tDr. A's",
            0x00081030,
            told(Action.REPLACE_WITH_VALUE, value="Dr. A's"),
        ),
        (
            "ADD IssuerOfPatientID STARR",
            0x00100021,
            told(Action.REPLACE_WITH_VALUE, value="STARR", insert=True),
        ),
    ],
)
def test_actions(line: str, tag: int, rule: Rule, tmp_path: Path) -> None:
    assert read(tmp_path, line) == [(TagPattern(tag), rule)]


def test_private_elements_by_their_creator(tmp_path: Path) -> None:
    [(pattern, _)] = read(tmp_path, 'KEEP (0033,"MITRA OBJECT UTF8 ATTRIBUTES 1.0",1E)')
    assert pattern == TagPattern(0x0033001E, 0xFFFF00FF, "MITRA OBJECT UTF8 ATTRIBUTES 1.0")


@pytest.mark.parametrize(
    ("field", "among", "not_among"),
    [
        ("contains:Physician", {0x00080090, 0x00081048}, {0x00100020}),
        ("contains:patient.s", {0x00100010}, {0x00080090}),  # names have it, keywords do not
        ("contains:^Patient.*(Name|Sex)$", {0x00100010, 0x00100040}, {0x00100030}),
        ("startswith:PatientTelephone", {0x00102154}, {0x00101040}),
        ("endswith:Date", {0x00080020}, {0x00080030, 0x0008002A}),
        ("endswith:time", {0x00080030, 0x0008002A}, {0x00080020}),
        ("contains:(0032,", {0x00324000}, {0x00100020}),
        ("select:VR:PN", {0x00100010, 0x00080090}, {0x00100020}),
        ("select:group:0x0032", {0x00324000}, {0x00100010}),
        ("except:Patient", {0x00080080}, {0x00100010}),
        ("contains:UID", {0x00081155}, {0x00080016, 0x00080018, 0x0020000D, 0x0020000E}),
    ],
)
def test_expanders(field: str, among: set[int], not_among: set[int], tmp_path: Path) -> None:
    if field == "contains:(0032,":
        field = r"contains:\(0032,"
    rules = read(tmp_path, f"REMOVE {field}")
    tags = {pattern.tag for pattern, _ in rules}
    assert among <= tags
    assert not not_among & tags
    assert {rule for _, rule in rules} == {told(Action.DELETE)}


def test_only_dates_jitter(tmp_path: Path) -> None:
    tags = {pattern.tag for pattern, _ in read(tmp_path, "JITTER contains:Study 5")}
    assert 0x00080020 in tags
    assert not {0x00080030, 0x00081030} & tags


def test_expanders_find_repeating_groups(tmp_path: Path) -> None:
    rules = read(tmp_path, "REMOVE contains:OverlayData")
    assert TagPattern(0x60003000, 0xFF00FFFF) in [pattern for pattern, _ in rules]


def actions(policy: Policy, *tags: int) -> list[Action]:
    rules = [policy.rule(tag, {}) for tag in tags]
    return [rule.action for rule in rules if isinstance(rule, Rule)]


def test_precedence_is_not_order(tmp_path: Path) -> None:
    lines = [
        "KEEP StudyDate",
        "REPLACE SeriesDate 20000101",
        "JITTER AcquisitionDate 5",
        "REMOVE endswith:Date",
        "BLANK endswith:Date",
    ]
    policy = Policy.build(rules=read(tmp_path, "\n".join(lines)))
    assert actions(policy, 0x00080020, 0x00080021, 0x00080022, 0x00080023) == [
        Action.KEEP,
        Action.REPLACE_WITH_VALUE,
        Action.SHIFT_DATE,
        Action.DELETE,
    ]


def test_remove_all(tmp_path: Path) -> None:
    policy = Policy.build(rules=read(tmp_path, "KEEP Modality\nREMOVE ALL\nADD PatientID X"))
    assert actions(policy, 0x00080060, 0x00080070, 0x00100010, 0x00080018, 0x00280010) == [
        Action.KEEP,
        Action.DELETE,
        Action.DELETE,
        Action.REPLACE_UID,
        Action.KEEP,
    ]
    assert policy.inserted == {0x00100020: "X"}


def test_empty_sections_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deid.dicom"
    path.write_text("FORMAT dicom\r\n%filter graylist\r\n\r\n%labels\r\n# none\r\n%header\r\n")
    assert read_recipe(path) == []


def test_rules_can_be_pickled(tmp_path: Path) -> None:
    rules = read(tmp_path, "REMOVE contains:Name\nJITTER StudyDate 3")
    assert pickle.loads(pickle.dumps(rules)) == rules


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("REPLACE PatientID var:id", "a value that a program makes is not supported"),
        ("ADD PatientID func:generate_id", "a value that a program makes"),
        ("REPLACE StudyInstanceUID deid_func:pydicom_uuid prefix=1", "that a program makes"),
        ("JITTER StudyDate var:jitter", "that a program makes"),
        ("REMOVE PatientID func:is_it", "that a program makes"),
        ("REMOVE PatientID now", "REMOVE takes no value"),
        ("REPLACE PatientID", "REPLACE needs a value"),
        ("REPLACE PatientID # new", "REPLACE needs a value"),
        ("JITTER StudyDate 0", "0 is no number of days"),
        ("JITTER StudyDate soon", "soon is no number of days"),
        ("KEEP", "KEEP names no attribute"),
        ("KEEP ALL", "KEEP ALL is not supported"),
        ("BLANK all", "BLANK all is not supported"),
        ("KEEP NoSuchName", "NoSuchName is not a tag"),
        ("KEEP fields:names", "fields:names is not supported"),
        ("REMOVE values:names", "values:names is not supported"),
        ("REMOVE select:VM:1", "select:vm:1 is not supported"),
        ("REMOVE contains:NoSuchName", "contains:NoSuchName means no attribute"),
        ("REMOVE contains:(a+)+", "could take very long"),
        ("REMOVE contains:(", "not a regular expression"),
        ("KEEP (0033,101E)", "Name the creator"),
        ("ADD contains:Trial X", "ADD takes one attribute"),
        ("ADD StudyInstanceUID 1.2.3", "only an attribute that holds text can be added"),
        ("LABEL Something", "LABEL is no action"),
        ("keep PatientID", "keep is no action"),
        ("REMOVE jitter", "jitter is not a tag"),
        ("%filter dangerous\nLABEL Burned in", "line 6: the section %filter is not supported"),
        ("%fields names\nFIELD PatientID", "line 6: the section %fields is not supported"),
        ("%pixels", "there is no section %pixels"),
        ("FORMAT nifti", "only recipes for DICOM"),
        ("'", "is no action"),
        ("KEEP 'PatientID", "names no attribute"),
    ],
)
def test_refused(line: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DeidError) as caught:
        read(tmp_path, line)
    number = LINE + line.count("\n")
    assert caught.value.sentence().startswith(f"deid.dicom line {number}: ")
    assert words.removeprefix(f"line {number}: ") in caught.value.sentence()


def test_actions_stand_in_a_section(tmp_path: Path) -> None:
    path = tmp_path / "deid.dicom"
    path.write_text("FORMAT dicom\nKEEP PatientID\n")
    with pytest.raises(DeidError, match=r"deid.dicom line 2: no section is open"):
        read_recipe(path)
