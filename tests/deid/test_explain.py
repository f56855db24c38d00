"""What would happen to each element, told truly; and what two files do not have in common."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from anontui.deid import Action, Deidentifier, Policy, Reason, Rule
from anontui.deid.rules.tags import tag_pattern
from anontui.deid.run.explain import Explained, differences, explain
from anontui.errors import DeidError
from tests.deid.build import BIG, FORMS, KEY, PSEUDONYM, E, Form, file_of

NAMES = ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "reportsi.dcm", "MR_small_bigendian.dcm")


def told(path: Path, policy: Policy | None = None) -> list[Explained]:
    engine = Deidentifier(policy or Policy.basic(), KEY, PSEUDONYM)
    outcome, elements = explain(engine, path)
    assert outcome.status == "done", outcome.reason
    return elements


def places(dataset: Dataset, place: str = "") -> set[tuple[str, str]]:
    found = set()
    for element in dataset:
        tag = f"({element.tag.group:04X},{element.tag.element:04X})"
        found.add((place, tag))
        if element.VR == "SQ":
            for number, item in enumerate(element.value, start=1):
                found |= places(item, f"{place} {tag}[{number}]".strip())
    return found


@pytest.mark.parametrize("name", NAMES)
def test_it_tells_what_happens(name: str, tmp_path: Path) -> None:
    """Against the file that the run itself makes, element by element, at every depth."""
    path = Path(str(get_testdata_file(name)))
    engine = Deidentifier(Policy.basic(), KEY, PSEUDONYM)
    assert engine.file(path, tmp_path / "new", sync=False).status == "done"
    old, new = pydicom.dcmread(path), pydicom.dcmread(tmp_path / "new")
    elements = told(path)
    here = {(element.place, element.tag) for element in elements if element.after is not None}
    made = {row.tag for row in elements if row.vr == "SQ" and row.action.startswith("replace")}
    assert here == {pair for pair in places(new) if pair[0].partition("[")[0] not in made}
    gone = {(element.place, element.tag) for element in elements if element.after is None}
    assert not gone & places(new) and gone <= places(old)
    for element in elements:
        assert element.because
        if element.place or element.after is None or element.vr not in ("DA", "CS", "UI", "PN"):
            continue
        value = new[element.tag.strip("()").replace(",", "")].value
        parts = value if isinstance(value, MultiValue) else [value or ""]
        assert element.after == "\\".join(map(str, parts)), element.tag
    keys = [(element.place.split(), element.tag) for element in elements if not element.place]
    assert keys == sorted(keys)


def test_sequences_come_before_what_is_in_them(tmp_path: Path) -> None:
    inner = E(0x00189006, "SQ", [[E(0x00081155, "UI", b"1.2.9")]])
    (tmp_path / "a").write_bytes(file_of(E(0x00189006, "SQ", [[], [inner]])))
    rows = [row for row in told(tmp_path / "a") if "0018,9006" in row.tag + row.place]
    assert [(row.place, row.tag) for row in rows] == [
        ("", "(0018,9006)"),
        ("(0018,9006)[2]", "(0018,9006)"),
        ("(0018,9006)[2] (0018,9006)[1]", "(0008,1155)"),
    ]
    assert (rows[0].before, rows[0].after) == ("<sequence of 50 bytes>", "<2 items>")
    assert [row.is_changed for row in rows] == [False, False, True]
    assert rows[2].before == "1.2.9" and rows[2].after != "1.2.9"


@pytest.mark.parametrize("form", [FORMS["explicit"], Form(BIG)], ids=["little", "big"])
def test_values_are_readable(form: Form, tmp_path: Path) -> None:
    data = file_of(
        E(0x00080005, "CS", b"ISO_IR 100"),
        E(0x00080070, "LO", "Mäker".encode("latin-1")),
        E(0x00180050, "DS", b"1.5 "),
        E(0x00189087, "FD", bytes(8)),
        form=form,
    )
    (tmp_path / "a").write_bytes(data)
    rows = {row.name: row for row in told(tmp_path / "a")}
    assert rows["Manufacturer"].before == rows["Manufacturer"].after == "Mäker"
    assert rows["Rows"].before == "2" and rows["BitsAllocated"].after == "16"
    assert rows["SliceThickness"].before == "1.5" and rows["DiffusionBValue"].before == "0"
    assert rows["PixelData"].before == "<8 bytes>" and not rows["PixelData"].is_changed
    name = rows["PatientName"]
    assert (name.before, name.after, name.is_changed) == ("Lindqvist^Tova", "Pseudo^Seven", True)
    removed = rows["PatientIdentityRemoved"]
    assert (removed.before, removed.after) == (None, "YES")


def test_rules_of_the_user_are_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(file_of(E(0x00200010, "SH", b"7")))
    rule = Rule(Action.REPLACE_WITH_VALUE, "rules.json line 3", told=True, value="8")
    rows = told(tmp_path / "a", Policy.build(rules=[(tag_pattern("StudyID"), rule)]))
    (row,) = (row for row in rows if row.name == "StudyID")
    assert (row.action, row.because, row.before, row.after) == (
        "replace_with_value", "rules.json line 3", "7", "8"
    )  # fmt: skip


def test_invalid_values_are_told_as_removed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(file_of(E(0x00180050, "DS", b"Lindqvist")))
    (row,) = (row for row in told(tmp_path / "a") if row.name == "SliceThickness")
    assert (row.action, row.after, row.is_changed) == ("delete_invalid", None, True)


def test_file_that_is_held(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(file_of(E(0x00280301, "CS", b"YES")))
    outcome, elements = explain(Deidentifier(Policy.basic(), KEY, PSEUDONYM), tmp_path / "a")
    assert outcome.code is Reason.BURNED_IN and elements == []


def test_differences(tmp_path: Path) -> None:
    nest = E(0x00189006, "SQ", [[E(0x00180050, "DS", b"1")], [E(0x00180050, "DS", b"2")]])
    other = E(0x00189006, "SQ", [[E(0x00180050, "DS", b"1")], [E(0x00180050, "DS", b"3")]])
    pixels = E(0x7FE00010, "OW", bytes(8))
    (tmp_path / "a").write_bytes(file_of(nest, E(0x00080070, "LO", b"Maker ")))
    (tmp_path / "b").write_bytes(file_of(other, pixels, E(0x00200010, "SH", b"7")))
    found = {(row.place, row.name): (row.before, row.after) for row in differences(
        tmp_path / "a", tmp_path / "b")}  # fmt: skip
    assert found == {
        ("", "Manufacturer"): ("Maker", None),
        ("", "StudyID"): (None, "7"),
        ("(0018,9006)[2]", "SliceThickness"): ("2", "3"),
        ("", "PixelData"): ("<8 bytes>", "<8 bytes>"),
    }
    assert differences(tmp_path / "a", tmp_path / "a") == []


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_how_a_file_is_written_is_no_difference_of_its_data(form: Form, tmp_path: Path) -> None:
    nest = E(0x00189006, "SQ", [[E(0x00180050, "DS", b"1"), E(0x00280010, "US", 7)]])
    (tmp_path / "a").write_bytes(file_of(nest))
    (tmp_path / "b").write_bytes(file_of(nest, form=form))
    found = differences(tmp_path / "a", tmp_path / "b")
    meta = {"TransferSyntaxUID", "FileMetaInformationGroupLength"}
    assert {row.name for row in found} <= meta


@pytest.mark.parametrize("data", [None, b"", b"text", file_of()[:-1] + b"x" * 9])
def test_files_that_cannot_be_compared(data: bytes | None, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(file_of())
    if data is not None:
        (tmp_path / "b").write_bytes(data)
    with pytest.raises(DeidError) as caught:
        differences(tmp_path / "a", tmp_path / "b")
    assert "Lindqvist" not in caught.value.sentence()
