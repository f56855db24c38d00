"""The fast executor learns from the files before: no file may come out otherwise for it.

A series is many similar files through one engine. Each result is compared with that of an
engine that has seen nothing else.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deid.build import CT, FORMS, E, Form, Fragments, encode, part10
from tests.deid.executors import IS_NIGHT, Pair
from tests.deid.policies import POLICIES
from tests.deid.strategies import data_sets, elements

Elements = Mapping[int, E]

MR = b"1.2.840.10008.5.1.4.1.1.4"
INSERTED = {
    0x00100010: E(0x00100010, "PN", b"Lindqvist^Tova"),
    0x00100020: E(0x00100020, "LO", b"MRN-190284"),
    0x00120062: E(0x00120062, "CS", b"NO"),
    0x00120063: E(0x00120063, "LO", b"another program"),
    0x00120064: E(0x00120064, "SQ", [[E(0x00080100, "SH", b"113107")]]),
    0x00280303: E(0x00280303, "CS", b"UNMODIFIED"),
}


def slice_of(number: int) -> dict[int, E]:
    """One slice of a series: what differs stands between what does not."""
    reference = [E(0x00081150, "UI", CT.encode()), E(0x00081155, "UI", b"1.2.3.9")]
    whole = [
        E(0x00080005, "CS", b"ISO_IR 100"),
        E(0x00080008, "CS", b"ORIGINAL\\PRIMARY"),
        E(0x00080012, "DA", b"20240229"),
        E(0x00080016, "UI", CT.encode()),
        E(0x00080018, "UI", f"1.2.3.4.{number}".encode()),
        E(0x00080020, "DA", b"20240229"),
        E(0x00080023, "DA", f"202402{number % 28 + 1:02}".encode()),
        E(0x00080030, "TM", b"101112"),
        E(0x00080033, "TM", f"1011{number % 60:02}".encode()),
        E(0x00080050, "SH", b"ACC-4711"),
        E(0x00080060, "CS", b"CT"),
        E(0x00080070, "LO", b"Maker"),
        E(0x00080080, "LO", b"St. Elsewhere"),
        E(0x00081030, "LO", b"CT CHEST W/CONTRAST"),
        E(0x0008103E, "LO", b"thorax"),
        E(0x00081140, "SQ", [reference, reference]),
        E(0x00090010, "LO", b"ACME 1.0"),
        E(0x00091001, "LO", b"secret"),
        E(0x00091002, "LO", f"{number}".encode()),
        E(0x00091003, "LO", b"secret"),
        E(0x00100010, "PN", b"Lindqvist^Tova"),
        E(0x00100020, "LO", b"MRN-190284"),
        E(0x00100030, "DA", b"19020304"),
        E(0x00100040, "CS", b"F"),
        E(0x00101010, "AS", b"045Y"),
        E(0x00180015, "CS", b"CHEST"),
        E(0x00180050, "DS", b"2.5"),
        E(0x00180060, "DS", b"120"),
        E(0x00181151, "IS", f"{200 + number % 3}".encode()),
        E(0x00181160, "SH", b"NONE"),
        E(0x00189423, "LO", b"protocol 7"),
        E(0x0020000D, "UI", b"1.2.3"),
        E(0x0020000E, "UI", b"1.2.3.1"),
        E(0x00200011, "IS", b"2"),
        E(0x00200013, "IS", f"{number}".encode()),
        E(0x00200052, "UI", b"1.2.3.7"),
        E(0x00201040, "LO", b""),
        E(0x00201041, "DS", f"{number}.5".encode()),
        E(0x00280002, "US", 1),
        E(0x00280004, "CS", b"MONOCHROME2"),
        E(0x00280010, "US", 2),
        E(0x00280011, "US", 2),
        E(0x00280100, "US", 16),
        E(0x00280103, "US", 0),
        E(0x00280106, "US", number % 7),
        E(0x00281050, "DS", b"40"),
        E(0x00281052, "DS", b"-1024"),
        E(0x00283003, "LO", b"explained"),
        E(0x00400275, "SQ", [[E(0x00400007, "LO", b"thorax")], []]),
        E(0x00540081, "US", 1),
        E(0x00E10010, "LO", b"ELSCINT1"),
        E(0x00E11018, "LO", f"{number}".encode()),
        E(0x00E11021, "DS", b"1.5"),  # safe, and so is the next
        E(0x00E11050, "DS", b"2.5"),
        E(0x7FE00010, "OW", bytes([number % 256]) * 8),
        E(0x7FE10010, "LO", b"ACME 1.0"),
    ]
    return {element.tag: element for element in whole}


def written(slice_: Elements, form: Form, *, moved: int = 0) -> bytes:
    """A file; with one element, of tag ``moved``, before the one that it should stand behind."""
    tags = sorted(slice_)
    if moved in slice_:
        at = tags.index(moved)
        tags[max(at - 1, 0) : at + 1] = reversed(tags[max(at - 1, 0) : at + 1])
    body = encode([slice_[tag] for tag in tags], form)
    return part10(body, form.syntax)


def longer(element: E) -> E:
    if isinstance(element.value, bytes):
        more = {"UI": b".1", "DA": b"9", "TM": b"1", "DS": b"0", "IS": b"1", "AS": b"Y"}
        return element._replace(value=element.value + more.get(element.vr, b" more"))
    if isinstance(element.value, int):
        return element._replace(value=element.value + 1)
    if isinstance(element.value, Fragments):
        return element
    return element._replace(value=[*element.value, [E(0x00081155, "UI", b"1.2.3.10")]])


def shorter(element: E) -> E:
    if isinstance(element.value, int | Fragments):
        return element
    return element._replace(value=element.value[:-1])


EDITS: dict[str, Callable[[dict[int, E], int], None]] = {
    "changes": lambda s, tag: s.update({tag: longer(s[tag])}),
    "becomes shorter": lambda s, tag: s.update({tag: shorter(s[tag])}),
    "becomes empty": lambda s, tag: s.update(
        {tag: s[tag]._replace(value=b"" if s[tag].vr != "SQ" else [])}
    ),
    "disappears": lambda s, tag: s.pop(tag) and None,
    "appears before": lambda s, tag: s.setdefault(tag - 1, E(tag - 1, "LO", b"new")) and None,
    "appears behind": lambda s, tag: s.setdefault(tag + 1, E(tag + 1, "LO", b"new")) and None,
    "repeats the name": lambda s, tag: s.update(
        {tag: s[tag]._replace(value=b"for Tova") if isinstance(s[tag].value, bytes) else s[tag]}
    ),
}
SERIES_FORMS = [name for name in FORMS if name not in ("big endian", "deflated")]


@pytest.mark.parametrize("edit", [*EDITS, "moves"])
@pytest.mark.parametrize("form", ["explicit", "implicit, undefined lengths"])
def test_one_element_of_one_file(edit: str, form: str, tmp_path: Path) -> None:
    """For each element: three files to learn from, one where it differs, then the old and it."""
    for tag in list(slice_of(0))[:: 1 if IS_NIGHT else 4]:
        pair = Pair(POLICIES["everything that stays" if tag & 1 else "basic"], tmp_path)
        for number in range(7):
            slice_ = slice_of(number)
            if number in (3, 5, 6) and edit in EDITS:
                EDITS[edit](slice_, tag)
            moved = tag if edit == "moves" and number in (3, 5, 6) else 0
            pair.same(written(slice_, FORMS[form], moved=moved))
        assert pair.ways["fast"] >= 4, hex(tag)


@pytest.mark.parametrize("tag", INSERTED)
@pytest.mark.parametrize("pattern", ["0001011", "1110100", "1111111", "0000000"])
def test_what_is_put_in_comes_and_goes(tag: int, pattern: str, tmp_path: Path) -> None:
    """The source has the attribute itself, in some of its files."""
    pair = Pair(POLICIES["basic"], tmp_path)
    for number, has_it in enumerate(pattern):
        slice_ = slice_of(number)
        slice_.pop(tag, None)
        if has_it == "1":
            slice_[tag] = INSERTED[tag]
        pair.same(written(slice_, FORMS["explicit"]))
    assert pair.ways["fast"] == len(pattern)


KINDS: dict[str, Callable[[dict[int, E]], None]] = {
    "patient": lambda s: s.update(
        {
            0x00100010: E(0x00100010, "PN", b"Okafor^Chi"),
            0x00100020: E(0x00100020, "LO", b"MRN-77"),
        }
    ),
    "name only": lambda s: s.update({0x00100010: E(0x00100010, "PN", b"Explained^By")}),
    "SOP class": lambda s: s.update({0x00080016: E(0x00080016, "UI", MR)}),
    "character set": lambda s: s.update(
        {
            0x00080005: E(0x00080005, "CS", b"ISO_IR 192"),
            0x00080070: E(0x00080070, "LO", "Zoë".encode()),
        }
    ),
    "no character set": lambda s: s.pop(0x00080005) and None,
    "no patient": lambda s: s.pop(0x00100020) and None,
    "burned in": lambda s: s.update({0x00280301: E(0x00280301, "CS", b"YES")}),
    "screen save": lambda s: s.update({0x0008103E: E(0x0008103E, "LO", b"Patient Protocol")}),
    "size": lambda s: s.update({0x00280010: E(0x00280010, "US", 3)}),
    "creator": lambda s: s.update({0x00E10010: E(0x00E10010, "LO", b"OTHER")}),
    "no creator": lambda s: s.pop(0x00E10010) and None,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "policy", ["basic", "everything that stays", "private kept", "scrub", "told"]
)
def test_another_kind_of_file_between(kind: str, policy: str, tmp_path: Path) -> None:
    pair = Pair(POLICIES[policy], tmp_path)
    for number, is_other in enumerate("000100110"):
        slice_ = slice_of(number)
        if is_other == "1":
            KINDS[kind](slice_)
        pair.same(written(slice_, FORMS["explicit"]))
    assert pair.ways["fast"] > 4


def test_learning_again(tmp_path: Path) -> None:
    """Most of a series changes; what varied before stays the same, and some of it stays."""
    pair = Pair(POLICIES["basic"], tmp_path)
    for number in range(12):
        slice_ = slice_of(number)
        for tag in (0x00280102, 0x00280106):  # before what is put in, (0028,0303)
            slice_[tag] = E(tag, "US", min(number, 4))
        if number >= 4:
            for tag in (0x00080008, 0x00080070, 0x00100030, 0x00180015, 0x00181160, 0x00200011):
                slice_[tag] = longer(slice_[tag])
        pair.same(written(slice_, FORMS["explicit"]))
    assert pair.ways["fast"] == 12


@pytest.mark.parametrize("policy", ["basic", "research", "private kept", "scrub"])
@pytest.mark.parametrize("seed", range(400 if IS_NIGHT else 3))
def test_long_series_that_changes(policy: str, seed: int, tmp_path: Path) -> None:
    """Again and again other elements vary, are constant, are missing; so it is learned again."""
    pair = Pair(POLICIES[policy], tmp_path)
    chance = random.Random(seed)
    form = FORMS[SERIES_FORMS[seed % len(SERIES_FORMS)]]
    fixed = {0x00080005, 0x00080016, 0x00100020, 0x7FE00010}
    fixed |= {0x00280002, 0x00280010, 0x00280011, 0x00280100}
    ways: dict[int, str] = {}
    for number in range(40):
        slice_ = slice_of(number) | (INSERTED if number % 25 > 20 else {})
        if number % 6 == 0:
            odds = chance.choice([("same",), ("same", "varies"), ("same", "other", "missing")])
            ways = {tag: chance.choice(odds) for tag in slice_ if tag not in fixed}
        for tag, way in ways.items():
            element = slice_.get(tag)
            if element is None:
                continue
            if way == "missing" and tag >> 16 != 0x20 and tag != 0x00080018:
                del slice_[tag]
            elif way == "other" or (way == "varies" and number % 2):
                slice_[tag] = longer(element)
            elif tag != 0x00080018:
                slice_[tag] = slice_of(0).get(tag, element)
        pair.same(written(slice_, form))
    assert pair.ways["fast"] > 25, pair.ways


@settings(max_examples=10_000 if IS_NIGHT else 60)
@given(data=st.data())
def test_any_series(data: st.DataObject) -> None:
    """Some made file, and then others that differ from it or from the one before in a little."""
    policy = data.draw(st.sampled_from(["basic", "told", "private kept", "everything that stays"]))
    made = data.draw(data_sets(most=14, depth=1))
    with tempfile.TemporaryDirectory() as folder:
        pair = Pair(POLICIES[policy], Path(folder))
        current = dict(made.elements)
        for _ in range(data.draw(st.integers(3, 9))):
            pair.same(made._replace(elements=current).file())
            if data.draw(st.booleans()):
                continue
            tag = data.draw(st.sampled_from(sorted(current)))
            match data.draw(st.integers(0, 3)):
                case 0:
                    current = dict(made.elements)
                case 1:
                    current = {key: value for key, value in current.items() if key != tag}
                case 2:
                    current = {**current, tag: longer(current[tag])}
                case _:
                    other = data.draw(st.sampled_from([*INSERTED, 0x00080070, 0x00189423]))
                    current = {**current, other: data.draw(elements(other, "", 1))}
