"""Policy files, and the files that they name."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest

from anontui.deid.readers import policyfile
from anontui.deid.readers.policyfile import read_policy
from anontui.deid.rules.actions import Action, Rule
from anontui.deid.rules.options import Option
from anontui.deid.rules.policy import Filters, Limits, Policy
from anontui.deid.rules.tags import TagPattern
from anontui.errors import DeidError


def write(folder: Path, text: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_is_the_basic_profile(tmp_path: Path) -> None:
    for text in ("", "# nothing\n", "---\n", "options:\nrules:\nfilters:\nwhite_list:\nscript:\n"):
        policy, basic = read_policy(write(tmp_path, text)), Policy.basic()
        assert (policy.options, policy.told, policy.rules) == (basic.options, (), basic.rules)
        assert (policy.filters, policy.limits) == (Filters(), Limits())


def test_everything(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "anon.script").write_text(
        '<script><e en="T" t="00100020" n="">@lookup(this,ptid)</e>\n'
        '<e en="T" t="00081030" n="">@keep()</e>\n'
        '<k en="T" t="safeprivateelements">x</k></script>'
    )
    (tmp_path / "lookup.txt").write_text("ptid/A=B")
    (tmp_path / "deid.dicom").write_text("FORMAT dicom\n%header\nREMOVE StudyDescription\n")
    (tmp_path / "in" / "rules.json").write_text('{"(0x0008, 0x1030)": "empty"}')
    (tmp_path / "opted-out.txt").write_text("P-1\r\n\r\n P-2 \n")
    text = """
options: [clean descriptors, retain-uids]
script: anon.script
lookup: lookup.txt
recipe: deid.dicom
dictionary: in/rules.json
rules:
  (0008,0080): keep
  00080020: {action: regexp, find: 0701$, replace: "0000"}
  PatientAge:
    action: round_age
    width: 10
  StudyID: {action: replace_with_value, value: 007}
white_list:
  0008,1030: [CT CHEST W/CONTRAST, no]
  SeriesDescription: one
clean_by: scrub
keep_private: no
shift_time: Yes
filters:
  burned_in: off
  required: [StudyDate, "(0010,0040)"]
  sop_classes: [CT Image Storage, mrimagestorage, 1.2.840.10008.5.1.4.1.1.7, 1.2.3]
  opt_out: opted-out.txt
limits: {depth: 16, file_bytes: 1000}
"""
    policy = read_policy(write(tmp_path, text))
    assert policy.options == {
        Option.CLEAN_DESCRIPTORS,
        Option.RETAIN_UIDS,
        Option.RETAIN_SAFE_PRIVATE,
    }
    assert [(pattern, rule.because) for pattern, rule in policy.told if isinstance(rule, Rule)] == [
        (TagPattern(0x00100020), "anon.script line 1"),
        (TagPattern(0x00081030), "anon.script line 2"),
        (TagPattern(0x00081030), "deid.dicom line 3"),
        (TagPattern(0x00081030), "rules.json line 1"),
        (TagPattern(0x00080080), "policy.yaml line 8"),
        (TagPattern(0x00080020), "policy.yaml line 9"),
        (TagPattern(0x00101010), "policy.yaml line 10"),
        (TagPattern(0x00200010), "policy.yaml line 13"),
    ]
    assert policy.told[-1][1] == Rule(
        Action.REPLACE_WITH_VALUE, "policy.yaml line 13", told=True, value="007"
    )
    assert policy.white_list.values == {
        0x00081030: frozenset({"ct chest w/contrast", "no"}),
        0x0008103E: frozenset({"one"}),
    }
    assert (policy.clean_by, policy.keep_private, policy.shift_time) == ("scrub", False, True)
    assert policy.filters == dataclasses.replace(
        Filters(),
        burned_in=False,
        required=frozenset({0x00080020, 0x00100040}),
        sop_classes=frozenset(
            {
                "1.2.840.10008.5.1.4.1.1.2",
                "1.2.840.10008.5.1.4.1.1.4",
                "1.2.840.10008.5.1.4.1.1.7",
                "1.2.3",
            }
        ),
        opt_out=frozenset({"P-1", "P-2"}),
    )
    assert policy.limits == dataclasses.replace(Limits(), depth=16, file_bytes=1000)
    assert "P-1" not in repr(policy)
    copy = pickle.loads(pickle.dumps(policy))
    assert (copy.told, copy.filters, copy.options) == (policy.told, policy.filters, policy.options)
    assert copy.told[0][1].table == {"A": "B"}


def test_the_example_of_the_documentation_is_read(tmp_path: Path) -> None:
    documented = str(policyfile.__doc__)
    lines = [line[4:] for line in documented.splitlines() if line.startswith("    ")]
    named = ("script:", "recipe:", "dictionary:", "white_list:", "pixel_rules:", "  opt_out:")
    text = "\n".join(line for line in lines if not line.startswith(named))
    policy = read_policy(write(tmp_path, text))
    assert len(policy.told) == 2
    assert policy.clean_by == "scrub"


def test_every_setting_can_be_set(tmp_path: Path) -> None:
    switches = [field.name for field in dataclasses.fields(Filters) if field.default is True]
    text = "filters:\n" + "".join(f"  {name}: no\n" for name in switches) + "limits:\n"
    text += "".join(f"  {field.name}: 7\n" for field in dataclasses.fields(Limits))
    policy = read_policy(write(tmp_path, text))
    assert len(switches) >= 9
    assert not any(getattr(policy.filters, name) for name in switches)
    assert policy.limits == Limits(7, 7, 7, 7)


def test_a_white_list_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "white.json").write_text('{"0008,1030": ["CT, Chest"]}')
    policy = read_policy(write(tmp_path, "white_list: white.json\nkeep_private: true\n"))
    assert policy.white_list.has(0x00081030, "ct  chest")
    assert policy.keep_private


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- a", 1, "'name: value' is expected"),
        ("just text", 1, "'name: value' is expected"),
        ("rules: }\n", 1, "not YAML"),
        ("a: b: c", 1, "not YAML"),
        ("options: &a [x]\nrules: *a", 2, "an alias (*) is not allowed"),
        ("clean_by: !!python/object:os.system x", 1, "a tag (!) is not allowed"),
        ("filters: !x {}", 1, "a tag (!) is not allowed"),
        ("clean_by: remove\nclean_by: scrub", 2, "a name is given twice"),
        ("---\n{}\n---\n{}", 3, "more than one document"),
        ("options: [[[[[[[[[[x]]]]]]]]]]", 1, "nested too deep"),
        ("[a]: b", 1, "a text is expected"),
        ("\nrule: {}", 2, "there is no rule. Did you mean rules? Known: options, script"),
        ("options: [retain-uid]", 1, "There is no option retain-uid"),
        ("options:\n- retain-uids\n- nothing", 3, "There is no option nothing"),
        ("options: {a: b}", 1, "a list is expected"),
        ("options:\n- [x]", 2, "one text is expected"),
        ("clean_by: scrub\noptions: [clean-recognizable-visual-features]", 2, "cannot be cleaned"),
        ("options: [retain-full-dates, retain-modified-dates]", 1, "both kept and shifted"),
        ("options: [clean-pixel-data]", 1, "without pixel rules"),
        ("rules: [keep]", 1, "'name: value' is expected"),
        ("rules:\n  PatientID: kepe", 2, "Did you mean keep?"),
        ("rules:\n  PatientIdd: keep", 2, "not a tag"),
        ("rules:\n  PatientID: {action: hash, width: 5}", 2, "does not take these"),
        ("rules:\n  PatientID: {value: 5}", 2, "the action is missing"),
        ("rules:\n  PatientID: [keep]", 2, "an action is expected"),
        ("rules:\n  PatientID:", 2, "there is no action"),
        ('rules:\n  "(0029,1010)": keep', 2, "Name the creator"),
        ("white_list: {PatientIdd: [a]}", 1, "not a tag"),
        ("white_list:\n  (0008,xxxx): [a]", 2, "single attributes"),
        ("white_list:\n  PatientID: {a: b}", 2, "a list is expected"),
        ("clean_by: wash", 1, "remove or scrub"),
        ("keep_private: perhaps", 1, "perhaps is neither yes nor no"),
        ("shift_time: [yes]", 1, "one text is expected"),
        ("filters: {burned: no}", 1, "Did you mean burned_in?"),
        ("filters:\n  burned_in: never", 2, "neither yes nor no"),
        ('filters: {required: ["(0008,xxxx)"]}', 1, "one attribute is expected"),
        ("filters: {required: [(0010,0020)]}", 1, "the tag is cut in two"),
        ("filters: {required: [Nothing]}", 1, "not a tag"),
        ("filters: {sop_classes: [CT Image]}", 1, "there is no SOP class CT Image"),
        ("filters: {opt_out: none.txt}", 1, "there is no file none.txt"),
        ("limits: {depth: 0}", 1, "depth is no such number. Write one from 1 to 64."),
        ("limits: {depth: 65}", 1, "Write one from 1 to 64."),
        ("limits: {elements: many}", 1, "elements is no such number"),
        ("limits: {width: 1}", 1, "there is no width"),
        ("script: none.script", 1, "there is no file none.script"),
        ("script: [a]", 1, "one text is expected"),
        ("dictionary: .", 1, "there is no file ."),
        ('recipe: "a\\0b"', 1, "there is no file a?b"),
        ("white_list: none.json", 1, "there is no file"),
        ("pixel_rules: [none.json]", 1, "there is no file none.json"),
        ("lookup: policy.yaml", 1, "it is for a script"),
    ],
)
def test_refused(text: str, line: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(DeidError) as caught:
        read_policy(write(tmp_path, text))
    assert caught.value.sentence().startswith(f"policy.yaml line {line}: ")
    assert words in caught.value.sentence()


@pytest.mark.parametrize(
    ("name", "key", "text", "where"),
    [
        ("rules.json", "dictionary", '{\n"PatientID": "kepe"}', "rules.json line 2"),
        ("a.script", "script", "<script>\n<x/></script>", "a.script line 2"),
        ("deid.dicom", "recipe", "%header\nKEEP Nothing", "deid.dicom line 2"),
        ("white.json", "white_list", '{\n"PatientID": "a"}', "white.json line 2"),
    ],
)
def test_errors_name_the_file_they_are_in(
    name: str, key: str, text: str, where: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DeidError) as caught:
        read_policy(write(tmp_path, f"{key}: {name}"))
    assert caught.value.sentence().startswith(f"{where}: ")


def test_a_script_that_removes_private_elements_and_a_policy_that_keeps_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.script").write_text('<script><r en="T" t="privategroups"/></script>')
    with pytest.raises(DeidError, match=r"policy.yaml line 2: .*the script removes them"):
        read_policy(write(tmp_path, "script: a.script\nkeep_private: yes"))
