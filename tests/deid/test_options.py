"""Every option's column of Table E.1-1, alone and in the usual combinations.

What is expected comes from the data file and from the tables written out here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from importlib import resources
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from anontui.deid import Action, Option, Policy, Rule, WhiteList, tag_pattern
from anontui.deid.values.dates import offset_of
from anontui.errors import DeidError
from tests.deid.build import CT, FORMS, KEY, PERMISSIVE, E, file_of
from tests.deid.executors import Pair
from tests.deid.policies import COMBINATIONS, OPTIONS
from tests.deid.test_table import (
    CANARY,
    CANARY_UID,
    PLAIN_SEQUENCE,
    PROFILE,
    PSEUDONYMS,
    ROWS,
    TYPED_SEQUENCE,
    TYPES,
    UNIQUE,
    expected,
    types_of,
    violation,
    vr_of,
)

SAFE = json.loads(
    (resources.files("anontui.deid") / "data" / "ps3.15-safe-private.json").read_text()
)["rows"]

# option: its column of the table, and what results say of it
COLUMNS = {
    Option.CLEAN_GRAPHICS: ("cleanGraphOpt", "113103"),
    Option.CLEAN_STRUCTURED_CONTENT: ("cleanStructContOpt", "113104"),
    Option.CLEAN_DESCRIPTORS: ("cleanDescOpt", "113105"),
    Option.RETAIN_FULL_DATES: ("rtnLongFullDatesOpt", "113106"),
    Option.RETAIN_MODIFIED_DATES: ("rtnLongModifDatesOpt", "113107"),
    Option.RETAIN_PATIENT_CHARACTERISTICS: ("rtnPatCharsOpt", "113108"),
    Option.RETAIN_DEVICE_IDENTITY: ("rtnDevIdOpt", "113109"),
    Option.RETAIN_UIDS: ("rtnUIDsOpt", "113110"),
    Option.RETAIN_SAFE_PRIVATE: ("rtnSafePrivOpt", "113111"),
    Option.RETAIN_INSTITUTION_IDENTITY: ("rtnInstIdOpt", "113112"),
}
CASES: dict[str, list[Option]] = {**{str(option): [option] for option in OPTIONS}, **COMBINATIONS}
CODES = {
    int(row["id"], 16): row
    for row in PROFILE["rows"]
    if re.fullmatch("[0-9a-f]{8}", row["id"], re.IGNORECASE)
}
DAYS = offset_of(KEY, "MRN-190284", shift_time=False).days
DATES = {"DA": b"20240229", "TM": b"101112.5", "DT": b"20240229101112.5+0100"}
VALUES = {**DATES, "UI": CANARY_UID, "AS": b"045Y", "US": b"\x07\0", "DS": b"1.75", "CS": b"CODE"}


def shifted(value: bytes, vr: str) -> bytes:
    if vr == "TM":
        return value
    text = value.decode()
    day = date(int(text[:4]), int(text[4:6]), int(text[6:8])) + timedelta(DAYS)
    return (f"{day:%Y%m%d}" + text[8:]).encode()


def planted(tag: int) -> E:
    vr = vr_of(tag)
    if vr == "SQ":
        return E(tag, vr, [[E(0x00081155, "UI", CANARY_UID), E(0x00104000, "LT", CANARY)]])
    return E(tag, vr, VALUES.get(vr, CANARY))


def wanted(tag: int, types: dict[str, str] | None, options: list[Option], *, listed: bool) -> str:
    """What the columns say; a K goes before a C, but no true date stands beside shifted ones."""
    if tag in PSEUDONYMS or tag < 0x00080000:
        return expected(tag, types)
    row, vr = CODES.get(tag, {}), vr_of(tag)
    said = {row.get(COLUMNS[option][0]): option for option in options}
    modified = COLUMNS[Option.RETAIN_MODIFIED_DATES][0]
    if Option.RETAIN_MODIFIED_DATES in options and modified in row and vr in DATES:
        return "shifted"
    if "K" in said:
        return "items" if vr == "SQ" else "kept"
    if "C" in said:
        if vr == "SQ":
            return "items"
        if listed:
            return "kept"
    return expected(tag, types)


def problem(dataset: Dataset, tag: int, want: str, *, uids_stay: bool, comment: str | None) -> str:
    if want not in ("kept", "shifted", "items"):
        found = violation(dataset, tag, want) if want != "clean" else ""
        return "" if want == "uid" and tag in UNIQUE else found
    if tag not in dataset:
        return "absent"
    vr = vr_of(tag)
    if want == "items":
        (item,) = dataset[tag].value
        instance = str(item.ReferencedSOPInstanceUID).encode()
        good = item.get("PatientComments") == comment and (instance == CANARY_UID) is uids_stay
        return "" if good else "not clean items"
    value = (dataset.get_item(tag).value or b"").rstrip(b" \0")
    original = VALUES.get(vr, CANARY).rstrip(b" \0")
    if want == "shifted":
        original = shifted(original, vr)
    return "" if value == original else f"{value!r} is not {want}"


def problems(
    dataset: Dataset, types: dict[str, str] | None, options: list[Option], *, listed: bool
) -> dict[str, str]:
    found = {}
    uids_stay = Option.RETAIN_UIDS in options
    comment = CANARY.decode() if listed and Option.CLEAN_DESCRIPTORS in options else None
    for tag in ROWS:
        if tag in UNIQUE:
            continue
        want = wanted(tag, types, options, listed=listed)
        if wrong := problem(dataset, tag, want, uids_stay=uids_stay, comment=comment):
            found[f"{tag:08X} {vr_of(tag)} {ROWS[tag]} {want}"] = wrong
    return found


def policy_of(options: list[Option], *, listed: bool) -> Policy:
    texts = {
        tag: frozenset({CANARY.decode().lower(), "code"})
        for tag, row in CODES.items()
        if "C" in row.values() and vr_of(tag) not in ("SQ", *DATES)
    }
    # what is listed is cleaned, whatever the options: so only what these options clean is
    said = {COLUMNS[option][0] for option in options}
    texts = {
        tag: values
        for tag, values in texts.items()
        if "C" in {CODES[tag].get(column) for column in said}
    }
    return Policy.build(
        options=options,
        white_list=WhiteList(texts) if listed else None,
        filters=replace(PERMISSIVE.filters, identity_left=False),  # what is planted is no identity
    )


@pytest.mark.parametrize("listed", [False, True], ids=["nothing listed", "listed"])
@pytest.mark.parametrize("name", CASES)
def test_every_row_at_the_top(name: str, listed: bool, tmp_path: Path) -> None:
    options = CASES[name]
    pair = Pair(policy_of(options, listed=listed), tmp_path)
    for sop_class in (CT, "1.2.276.0.999.1"):
        extra = [planted(tag) for tag in ROWS if tag not in (*UNIQUE, 0x00100020)]
        data = file_of(*extra, sop_class=sop_class)
        outcome = pair.same(data)
        assert outcome.status == "done", outcome.reason
        dataset = pydicom.dcmread(BytesIO(pair.result))
        assert not problems(dataset, types_of(sop_class), options, listed=listed)


@pytest.mark.parametrize("sequence", [TYPED_SEQUENCE, PLAIN_SEQUENCE])
@pytest.mark.parametrize("name", CASES)
def test_every_row_inside_sequences(name: str, sequence: int, tmp_path: Path) -> None:
    from pydicom.datadict import dictionary_keyword

    options = CASES[name]
    pair = Pair(policy_of(options, listed=False), tmp_path)
    nest = E(PLAIN_SEQUENCE, "SQ", [[E(sequence, "SQ", [[planted(tag) for tag in ROWS]])]])
    for form in ("explicit", "implicit, undefined lengths"):
        data = file_of(nest, form=FORMS[form])
        outcome = pair.same(data)
        assert outcome.status == "done", outcome.reason
        dataset = pydicom.dcmread(BytesIO(pair.result))
        (item,) = dataset[PLAIN_SEQUENCE].value[0][sequence].value
        types = TYPES["nested"].get(dictionary_keyword(sequence))
        assert not problems(item, types, options, listed=False)


@pytest.mark.parametrize("name", CASES)
def test_what_a_result_claims(name: str, tmp_path: Path) -> None:
    options = CASES[name]
    pair = Pair(policy_of(options, listed=False), tmp_path)
    data = file_of()
    pair.same(data)
    dataset = pydicom.dcmread(BytesIO(pair.result))
    items = dataset.DeidentificationMethodCodeSequence
    assert [item.CodeValue for item in items] == [
        "113100",
        *sorted(COLUMNS[option][1] for option in options),
    ]
    assert {item.CodingSchemeDesignator for item in items} == {"DCM"}
    assert all(0 < len(item.CodeMeaning) <= 64 for item in items)
    assert dataset.PatientIdentityRemoved == "YES"
    times = "REMOVED"
    if Option.RETAIN_FULL_DATES in options:
        times = "UNMODIFIED"
    elif Option.RETAIN_MODIFIED_DATES in options:
        times = "MODIFIED"
    assert dataset.LongitudinalTemporalInformationModified == times


def test_options_that_cannot_be_had() -> None:
    for options in (
        [Option.CLEAN_VISUAL_FEATURES],
        [Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES],
        [Option.CLEAN_PIXEL_DATA],  # without pixel rules
    ):
        with pytest.raises(DeidError):
            Policy.build(options=options)


def test_dates_that_no_row_names_follow_the_option(tmp_path: Path) -> None:
    own = [E(0x00144076, "DA", b"20240229"), E(0x00080404, "DT", b"20240229")]
    own.append(E(0x00143077, "TM", b"1011"))
    assert not {element.tag for element in own} & set(ROWS)
    for options in ([], [Option.RETAIN_FULL_DATES], [Option.RETAIN_MODIFIED_DATES]):
        pair = Pair(policy_of(options, listed=False), tmp_path)
        data = file_of(*own)
        pair.same(data)
        dataset = pydicom.dcmread(BytesIO(pair.result))
        for tag, vr, value in own:
            if not options:
                assert tag not in dataset
                continue
            is_moved = options == [Option.RETAIN_MODIFIED_DATES]
            assert isinstance(value, bytes)
            want = shifted(value, vr) if is_moved else value
            assert dataset.get_item(tag).value == want


AGES = {
    b"045Y": b"045Y",
    b"089Y": b"089Y",
    b"090Y": b"090Y",
    b"104Y": b"090Y",
    b"999Y": b"090Y",
    b"999M": b"999M",  # 83 years
    b"012W": b"012W",
    b"999D": b"999D",
    b"45": b"",
    b"old!": b"",
    b"": b"",
    b"-01Y": b"",
}


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("depth", [0, 1])
def test_old_age_is_capped(age: bytes, depth: int, tmp_path: Path) -> None:
    pair = Pair(policy_of([Option.RETAIN_PATIENT_CHARACTERISTICS], listed=False), tmp_path)
    element = E(0x00101010, "AS", age)
    data = file_of(E(PLAIN_SEQUENCE, "SQ", [[element]]) if depth else element)
    pair.same(data)
    dataset = pydicom.dcmread(BytesIO(pair.result))
    place = dataset[PLAIN_SEQUENCE].value[0] if depth else dataset
    assert place.get_item(0x00101010).value == AGES[age]


@pytest.mark.parametrize("option", [Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES])
@pytest.mark.parametrize("value", [b"CANARY", b"20241301", b"202402", b"20240230", b"2024.02.29"])
@pytest.mark.parametrize("depth", [0, 1])
def test_malformed_dates_are_emptied(
    option: Option, value: bytes, depth: int, tmp_path: Path
) -> None:
    pair = Pair(policy_of([option], listed=False), tmp_path)
    element = E(0x00080020, "DA", value)
    data = file_of(E(PLAIN_SEQUENCE, "SQ", [[element]]) if depth else element)
    pair.same(data)
    dataset = pydicom.dcmread(BytesIO(pair.result))
    place = dataset[PLAIN_SEQUENCE].value[0] if depth else dataset
    assert place.get_item(0x00080020).value in (b"", None)


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        (b"CT CHEST W/CONTRAST", True),
        (b" ct  chest-w/contrast. ", False),  # "chestw/contrast"
        (b"ct chest  w/contrast.", True),
        (b"CT CHEST W/CONTRAST for Mr X", False),
        (b"thorax", True),
        (b"", False),
    ],
)
def test_white_list(text: bytes, stays: bool, tmp_path: Path) -> None:
    """A value that is not listed is removed, or what the attribute's type asks for."""
    listed = WhiteList({0x00081030: frozenset({"ct chest w/contrast", "thorax"})})
    pair = Pair(Policy.build(white_list=listed, filters=PERMISSIVE.filters), tmp_path)
    data = file_of(E(0x00081030, "LO", text))
    pair.same(data)
    dataset = pydicom.dcmread(BytesIO(pair.result))
    if stays:
        assert dataset.get_item(0x00081030).value.rstrip() == text.rstrip()
    else:
        assert 0x00081030 not in dataset


def test_each_of_several_values_must_be_listed(tmp_path: Path) -> None:
    listed = WhiteList({0x00081030: frozenset({"thorax", "abdomen"})})
    pair = Pair(Policy.build(white_list=listed, filters=PERMISSIVE.filters), tmp_path)
    for text, stays in ((b"thorax\\abdomen", True), (b"thorax\\Tova", False)):
        data = file_of(E(0x00081030, "LO", text))
        pair.same(data)
        assert (text in pair.result) is stays


# --- private elements

Value = bytes | Sequence[Sequence[E]]


def block(number: int, creator: str, group: int, *elements: tuple[int, str, Value]) -> list[E]:
    made = [E(group << 16 | number, "LO", creator.encode())]
    for element, vr, value in elements:
        made.append(E(group << 16 | number << 8 | element, vr, value))
    return made


VALUES_BY_VR: dict[str, Value] = {
    "SQ": [[E(0x00081155, "UI", CANARY_UID), E(0x00104000, "LT", CANARY)]],
    **dict.fromkeys(("SS", "US"), bytes(2)),
    **dict.fromkeys(("FL", "SL", "UL"), bytes(4)),
    "FD": bytes(8),
    "DS": b"1.5",
    "IS": b"7 ",
    "OB": b"ob",
    "OW": b"ow",
    "UI": CANARY_UID,
    "DA": b"20240229",
    "DT": b"20240229",
    "TM": b"1011",
}


def safe_by_creator() -> dict[tuple[str, int], dict[int, str]]:
    """Creator and group to the last two digits of the elements and their VRs."""
    found: dict[tuple[str, int], dict[int, str]] = {}
    for row in SAFE:
        group, element = row["tag"].strip("()").split(",")
        vr = row["vr"].split(" or ")[0] or "LO"
        found.setdefault((row["creator"], int(group, 16)), {})[int(element[2:], 16)] = vr
    return found


@pytest.mark.parametrize("form", ["explicit", "implicit", "undefined lengths", "big endian"])
@pytest.mark.parametrize("depth", [0, 1])
def test_every_safe_private_row(form: str, depth: int, tmp_path: Path) -> None:
    """Kept in its creator's block, whichever that is; removed in anybody else's."""
    pair = Pair(policy_of([Option.RETAIN_SAFE_PRIVATE], listed=False), tmp_path)
    assert len(SAFE) == 130
    for n, ((creator, group), rows) in enumerate(safe_by_creator().items()):
        number = (0x10, 0x11, 0xE3)[n % 3]
        for name, stays in ((creator, True), ("SOMEBODY ELSE", False)):
            values = [(element, vr, VALUES_BY_VR.get(vr, b"text")) for element, vr in rows.items()]
            own = block(number, name, group, *values, (0xFE, "LO", b"not safe"))
            nested = [E(PLAIN_SEQUENCE, "SQ", [own])]
            data = file_of(*(nested if depth else own), form=FORMS[form])
            outcome = pair.same(data)
            assert outcome.status == "done", outcome.reason
            result = pair.result
            dataset = pydicom.dcmread(BytesIO(result))
            place = dataset[PLAIN_SEQUENCE].value[0] if depth else dataset
            private = {int(tag) for tag in list(place.keys()) if tag.is_private}
            kept = {element.tag for element in own[:-1]} if stays else set()
            assert private == kept, (creator, name)
            assert b"not safe" not in result
            assert b"SOMEBODY" not in result


def test_creators_stay_only_where_used(tmp_path: Path) -> None:
    pair = Pair(policy_of([Option.RETAIN_SAFE_PRIVATE], listed=False), tmp_path)
    used = block(0x10, "ELSCINT1", 0x00E1, (0x21, "DS", b"1.5"), (0x99, "LO", b"unsafe"))
    unused = block(0x11, "ELSCINT1", 0x00E1, (0x99, "LO", b"unsafe"))
    lonely = block(0x12, "ELSCINT1", 0x00E1)
    twice = block(0x13, "ELSCINT1", 0x00E1, (0x50, "DS", b"2.5"))
    data = file_of(*used, *unused, *lonely, *twice)
    pair.same(data)
    dataset = pydicom.dcmread(BytesIO(pair.result))
    private = [int(tag) for tag in list(dataset.keys()) if tag.is_private]
    assert private == [0x00E10010, 0x00E10013, 0x00E11021, 0x00E11350]


def test_keep_private(tmp_path: Path) -> None:
    pair = Pair(Policy.build(keep_private=True, filters=PERMISSIVE.filters), tmp_path)
    kept = block(0x10, "ACME", 0x0009, (0x01, "LO", b"text"), (0x02, "OB", b"\1\2\3\4"))
    nested = E(PLAIN_SEQUENCE, "SQ", [kept])
    item = [E(0x00100010, "PN", b"Lindqvist^Tova"), E(0x00081155, "UI", CANARY_UID)]
    sequence = E(0x00091003, "SQ", [item])
    data = file_of(*kept, nested, sequence)
    assert pair.same(data).status == "done"
    dataset = pydicom.dcmread(BytesIO(pair.result))
    for place in (dataset, dataset[PLAIN_SEQUENCE].value[0]):
        assert place.get_item(0x00090010).value == b"ACME"
        assert place.get_item(0x00091001).value == b"text"
        assert place.get_item(0x00091002).value == b"\1\2\3\4"
    (inner,) = dataset[0x00091003].value
    assert inner.PatientName == "Pseudo^Seven"
    assert str(inner.ReferencedSOPInstanceUID).startswith("2.25.")


def test_keep_private_still_holds_an_identity(tmp_path: Path) -> None:
    pair = Pair(Policy.build(keep_private=True, filters=PERMISSIVE.filters), tmp_path)
    for elements in (
        block(0x10, "ACME", 0x0009, (0x01, "LO", b"for Tova")),
        block(0x10, "ACME", 0x0009, (0x01, "UN", b"..MRN-190284..")),
        block(0x10, "Lindqvist", 0x0009, (0x01, "LO", b"text")),
    ):
        outcome = pair.same(file_of(*elements))
        assert outcome.code == "identity_left", elements


def test_private_element_told_by_creator(tmp_path: Path) -> None:
    rule = (tag_pattern('(0009,"ACME 1.0",01)'), Rule(Action.KEEP, "a test", told=True))
    pair = Pair(Policy.build(rules=[rule], filters=PERMISSIVE.filters), tmp_path)
    for number in (0x10, 0x42):
        own = block(number, "ACME 1.0", 0x0009, (0x01, "LO", b"kept"), (0x02, "LO", b"gone"))
        other = block(number + 1, "OTHER", 0x0009, (0x01, "LO", b"gone"))
        data = file_of(*own, *other)
        pair.same(data)
        dataset = pydicom.dcmread(BytesIO(pair.result))
        private = [int(tag) for tag in list(dataset.keys()) if tag.is_private]
        assert private == [0x00090000 | number, 0x00090001 | number << 8]
    with pytest.raises(DeidError):
        Policy.build(rules=[(tag_pattern("(0009,1001)"), Rule(Action.KEEP, "a test", told=True))])


# --- overlays


def test_clean_graphics_keeps_only_regions(tmp_path: Path) -> None:
    pair = Pair(policy_of([Option.CLEAN_GRAPHICS], listed=False), tmp_path)

    def overlay(group: int, kind: bytes) -> list[E]:
        return [
            E(group << 16 | 0x0010, "US", 2),
            E(group << 16 | 0x0011, "US", 2),
            E(group << 16 | 0x0022, "LO", CANARY),
            E(group << 16 | 0x0040, "CS", kind),
            E(group << 16 | 0x1500, "LO", CANARY),
            E(group << 16 | 0x3000, "OW", b"\1\2"),
            E(group << 16 | 0x4000, "LT", CANARY),
        ]

    data = file_of(*overlay(0x6000, b"R"), *overlay(0x6002, b"G"), *overlay(0x6004, b""))
    pair.same(data)
    result = pair.result
    assert CANARY not in result
    dataset = pydicom.dcmread(BytesIO(result))
    left = [int(tag) for tag in list(dataset.keys()) if tag.group >> 8 == 0x60]
    assert left == [0x60000010, 0x60000011, 0x60000040, 0x60003000]
