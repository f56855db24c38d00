"""Every row of Table E.1-1, at every depth, in every way to write it.

What is expected comes from the data files alone, by a table written out here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.datadict import dictionary_keyword, dictionary_VR
from pydicom.dataset import Dataset

from tests.deid.build import CT, FORMS, PERMISSIVE, E, Form, file_of, run

_DATA = resources.files("anontui.deid") / "data"
PROFILE = json.loads((_DATA / "ps3.15-table-e1-1.json").read_text())
TYPES = json.loads((_DATA / "ps3.3-attribute-types.json").read_text())

# code: (type 1, type 2, type 3, type not known)
EXPECTED = {
    "X": ("absent", "absent", "absent", "absent"),
    "Z": ("dummy", "empty", "empty", "empty"),
    "D": ("dummy", "dummy", "dummy", "dummy"),
    "U": ("uid", "uid", "uid", "uid"),
    "X/Z": ("dummy", "empty", "absent", "empty"),
    "X/D": ("dummy", "dummy", "absent", "dummy"),
    "Z/D": ("dummy", "empty", "empty", "dummy"),
    "X/Z/D": ("dummy", "empty", "absent", "dummy"),
    "X/Z/U*": ("clean", "clean", "clean", "clean"),
}
CANARY = b"CANARY"
CANARY_UID = b"1.2.999.777777"
PSEUDONYMS = {0x00100010: "Pseudo^Seven", 0x00100020: "PSEUDO-7"}
UNIQUE = (0x00080018, 0x0020000D, 0x0020000E)  # those the file needs at its top

TYPED_SEQUENCE = 0x00540016  # Radiopharmaceutical Information: types of items are known
PLAIN_SEQUENCE = 0x00189006  # MR Imaging Modifier: they are not
SOP_CLASSES = {
    "CT": CT,
    "enhanced MR": "1.2.840.10008.5.1.4.1.1.4.1",
    "RT plan": "1.2.840.10008.5.1.4.1.1.481.5",
    "comprehensive SR": "1.2.840.10008.5.1.4.1.1.88.33",
    "presentation state": "1.2.840.10008.5.1.4.1.1.11.1",
    "tomotherapy": "1.2.840.10008.5.1.4.1.1.481.14",
    "private": "1.2.276.0.999.1",
}


def rows() -> dict[int, str]:
    found = {}
    for row in PROFILE["rows"] + PROFILE["newer"]:
        group, element = row["tag"].strip("()").upper()[:9].split(",")
        if "X" not in group + element and group != "GGGG":
            found[int(group + element, 16)] = row["basicProfile"]
    return found


ROWS = rows()


def vr_of(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "LO"  # rows newer than the dictionary


def planted(tag: int) -> E:
    vr = vr_of(tag)
    if vr == "SQ":
        item = [E(0x00081155, "UI", CANARY_UID), E(0x00104000, "LT", CANARY)]
        return E(tag, vr, [item])
    if vr == "UI":
        return E(tag, vr, CANARY_UID)
    return E(tag, vr, CANARY + b"\0\0" if vr in ("US", "OB", "UN") else CANARY)


def types_of(sop_class: str) -> dict[str, str] | None:
    iod = TYPES["sop"].get(sop_class)
    return TYPES["top"][iod] if iod else None


def expected(tag: int, types: dict[str, str] | None) -> str:
    if tag < 0x00080000:
        return "absent"  # command set, file meta and directory are no part of a data set
    if tag in PSEUDONYMS:
        return "pseudonym"
    kind = "?" if types is None else {k.upper(): v for k, v in types.items()}.get(f"{tag:08X}", "3")
    column = {"1": 0, "2": 1, "3": 2, "?": 3}[kind[0]]
    found = EXPECTED[ROWS[tag]][column]
    return "uid" if found == "dummy" and vr_of(tag) == "UI" else found


def violation(dataset: Dataset, tag: int, want: str) -> str:
    """What is wrong with an attribute; empty if nothing is."""
    if want == "absent":
        return "kept" if tag in dataset else ""
    if tag not in dataset:
        return "absent"
    element = dataset[tag]
    if vr_of(tag) != element.VR:
        return f"VR {element.VR}"
    value = element.value
    match want:
        case "empty":
            good = element.is_empty
        case "dummy":
            good = not element.is_empty and "CANARY" not in str(element)
        case "uid":
            good = str(value).startswith("2.25.") and len(str(value)) > 30
        case "clean":
            uids = [item.get("ReferencedSOPInstanceUID", "2.25.") for item in value]
            good = bool(uids) and all(uid.startswith("2.25.") for uid in uids)
        case _:
            good = str(value) == PSEUDONYMS[tag]
    return "" if good else f"not {want}"


def violations(
    dataset: Dataset, types: dict[str, str] | None, tags: Iterable[int] = ROWS
) -> dict[str, str]:
    return {
        f"{tag:08X} {ROWS[tag]}": problem
        for tag in tags
        if (problem := violation(dataset, tag, expected(tag, types)))
    }


def read(result: bytes) -> Dataset:
    assert CANARY not in result
    assert CANARY_UID not in result
    return pydicom.dcmread(BytesIO(result))


def test_the_table_is_whole() -> None:
    assert len(PROFILE["rows"]) == 621
    assert len(PROFILE["newer"]) == 35
    assert len(ROWS) == 621 + 35 - 4  # private attributes, curves and two overlay rows
    assert (PROFILE["edition"], PROFILE["newer_edition"]) == ("2024e", "2026c")
    assert set(ROWS.values()) == set(EXPECTED)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("sop_class", SOP_CLASSES.values(), ids=SOP_CLASSES)
def test_every_row_at_the_top(sop_class: str, form: Form, tmp_path: Path) -> None:
    extra = [planted(tag) for tag in ROWS if tag not in UNIQUE]
    outcome, result = run(
        file_of(*extra, form=form, sop_class=sop_class), tmp_path, policy=PERMISSIVE
    )
    assert outcome.status == "done", outcome.reason
    assert not violations(read(result), types_of(sop_class))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("sequence", [TYPED_SEQUENCE, PLAIN_SEQUENCE])
def test_every_row_inside_sequences(sequence: int, depth: int, form: Form, tmp_path: Path) -> None:
    nest = E(sequence, "SQ", [[planted(tag) for tag in ROWS], [planted(tag) for tag in ROWS]])
    for _ in range(depth - 1):
        nest = E(PLAIN_SEQUENCE, "SQ", [[nest]])
    outcome, result = run(file_of(nest, form=form), tmp_path)
    assert outcome.status == "done", outcome.reason
    dataset = read(result)
    for _ in range(depth - 1):
        (dataset,) = dataset[PLAIN_SEQUENCE].value
    types = TYPES["nested"].get(dictionary_keyword(sequence))
    assert (types is None) is (sequence == PLAIN_SEQUENCE)
    items = dataset[sequence].value
    assert len(items) == 2
    for item in items:
        assert not violations(item, types)
    assert items[0] == items[1]
