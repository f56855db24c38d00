from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from anontui.deid import Filters, Policy, Reason
from tests.deid.build import FORMS, E, Form, encode, file_of, image, part10, run

STORAGE = "1.2.840.10008.5.1.4.1.1"
MR = f"{STORAGE}.4"

HELD = {
    "burned_in": (MR, [E(0x00280301, "CS", b"YES")]),
    "secondary_capture": (f"{STORAGE}.7", []),
    "ultrasound": (f"{STORAGE}.6.1", []),
    "encapsulated_document": (f"{STORAGE}.104.1", []),
    "dose_report": (f"{STORAGE}.88.67", []),
    "screen": (MR, [E(0x0008103E, "LO", b"Patient Protocol")]),
    "embedded_overlay": (MR, [E(0x60020102, "US", 12)]),
    "identity_left": (MR, [E(0x00189423, "LO", b"Lindqvist")]),
}


def test_each_filter_is_tried() -> None:
    told = {"required", "sop_classes", "opt_out", "patient_conflict"}
    assert set(HELD) == {field.name for field in fields(Filters)} - told


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", HELD)
def test_filter_holds_what_it_names_and_can_be_turned_off(
    name: str, form: Form, tmp_path: Path
) -> None:
    sop_class, extra = HELD[name]
    data = file_of(*extra, form=form, sop_class=sop_class)
    outcome, _ = run(data, tmp_path)
    assert (outcome.status, outcome.code) == ("quarantined", Reason(name))
    assert not outcome.sop_instance_uid
    without: dict[str, Any] = {name: False}
    off = Policy.basic(filters=replace(Filters(), **without))
    assert run(data, tmp_path, policy=off)[0].status == "done"


@pytest.mark.parametrize(
    ("sop_class", "extra", "code"),
    [
        (f"{STORAGE}.7.4", [], Reason.SECONDARY_CAPTURE),
        (f"{STORAGE}.3.1", [], Reason.ULTRASOUND),
        (f"{STORAGE}.6.2", [], Reason.ULTRASOUND),
        (MR, [E(0x00080060, "CS", b"US")], Reason.ULTRASOUND),
        (f"{STORAGE}.104.2", [], Reason.ENCAPSULATED_DOCUMENT),
        (MR, [E(0x00080008, "CS", b"DERIVED\\SECONDARY\\SCREEN SAVE")], Reason.SCREEN),
        (MR, [E(0x0008103E, "LO", b"Dose Report")], Reason.SCREEN),
        (MR, [E(0x00280301, "CS", b"NO")], None),
        (MR, [E(0x60000102, "US", 0)], None),
        (f"{STORAGE}.77.1.4", [], None),
        (f"{STORAGE}.66.4", [], None),
    ],
)
def test_what_a_filter_covers(
    sop_class: str, extra: list[E], code: Reason | None, tmp_path: Path
) -> None:
    assert run(file_of(*extra, sop_class=sop_class), tmp_path)[0].code is code


@pytest.mark.parametrize("tag", [0x00080016, 0x00080018, 0x0020000D, 0x0020000E])
@pytest.mark.parametrize("how", ["empty", "absent"])
def test_instance_without_a_required_uid(tag: int, how: str, tmp_path: Path) -> None:
    elements = [
        element for element in image(E(tag, "UI", b"")) if how == "empty" or element.tag != tag
    ]
    outcome, _ = run(
        part10(encode(elements, FORMS["explicit"]), FORMS["explicit"].syntax), tmp_path
    )
    assert outcome.code is Reason.MISSING_UID


def test_sop_class_that_is_no_uid(tmp_path: Path) -> None:
    outcome, _ = run(file_of(E(0x00080016, "UI", b"Lindqvist")), tmp_path)
    assert outcome.code is Reason.MISSING_UID
    assert "Lindqvist" not in outcome.reason


def test_color_palette_needs_no_study(tmp_path: Path) -> None:
    palette = f"{STORAGE}.39.1".replace(".5.1.4.1.1.39.1", ".5.1.4.39.1")
    elements = [E(0x00080016, "UI", palette.encode()), E(0x00080018, "UI", b"1.2.3.4")]
    data = part10(encode(elements, FORMS["explicit"]), FORMS["explicit"].syntax, sop_class=palette)
    outcome, _ = run(data, tmp_path)
    assert (outcome.status, outcome.study_instance_uid) == ("done", "")


@pytest.mark.parametrize("where", ["meta", "records", "class"])
def test_dicomdir_is_rejected(where: str, tmp_path: Path) -> None:
    directory = "1.2.840.10008.1.3.10"
    explicit = FORMS["explicit"]
    data = {
        "meta": part10(encode(image(), explicit), explicit.syntax, sop_class=directory),
        "records": file_of(E(0x00041220, "SQ", [])),
        "class": file_of(sop_class=directory),
    }[where]
    outcome, _ = run(data, tmp_path)
    assert (outcome.status, outcome.code) == ("rejected", Reason.DICOMDIR)


PIXELS = 0x7FE00010
YBR_422 = [E(0x00280002, "US", 3), E(0x00280004, "CS", b"YBR_FULL_422")]  # 2 of 3 are stored


@pytest.mark.parametrize(
    ("extra", "ok"),
    [
        ([E(PIXELS, "OW", bytes(8))], True),
        ([E(PIXELS, "OW", bytes(10))], True),  # a longer one is padding
        ([E(PIXELS, "OW", bytes(6))], False),
        ([E(0x00280008, "IS", b"3"), E(PIXELS, "OW", bytes(24))], True),
        ([E(0x00280008, "IS", b"3"), E(PIXELS, "OW", bytes(22))], False),
        ([E(0x00280002, "US", 3), E(PIXELS, "OW", bytes(24))], True),
        ([E(0x00280002, "US", 3), E(PIXELS, "OW", bytes(22))], False),
        ([E(0x00280100, "US", 1), E(0x00280010, "US", 3), E(PIXELS, "OB", bytes(2))], True),
        ([*YBR_422, E(PIXELS, "OW", bytes(16))], True),
        ([*YBR_422, E(PIXELS, "OW", bytes(14))], False),
    ],
)  # fmt: skip
def test_pixel_data_are_long_enough(extra: list[E], ok: bool, tmp_path: Path) -> None:
    assert run(file_of(*extra), tmp_path)[0].code is (None if ok else Reason.PIXEL_DATA)


def test_image_without_pixel_data(tmp_path: Path) -> None:
    elements = [element for element in image() if element.tag != PIXELS]
    explicit = FORMS["explicit"]
    outcome, _ = run(part10(encode(elements, explicit), explicit.syntax), tmp_path)
    assert outcome.code is Reason.PIXEL_DATA
