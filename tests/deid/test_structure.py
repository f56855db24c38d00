"""Files that are cut, lie about their lengths, or demand too much."""

from __future__ import annotations

import zlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Literal

import pydicom
import pytest

from anontui.deid import Limits, Policy, Reason
from tests.deid.build import (
    BIG,
    DEFLATED,
    EXPLICIT,
    FORMS,
    IMPLICIT,
    POLICY,
    E,
    Form,
    done,
    encode,
    file_of,
    image,
    part10,
    run,
)

SEQUENCE = 0x00189006


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_cut_at_any_byte(form: Form, tmp_path: Path) -> None:
    nested = [[E(SEQUENCE, "SQ", [[E(0x00080070, "LO", b"maker")]])], []]
    data = file_of(E(SEQUENCE, "SQ", nested), form=form)
    assert run(data, tmp_path)[0].status == "done"
    for length in range(len(data)):
        outcome, _ = run(data[:length], tmp_path)
        assert outcome.status != "done", length


def test_cut_encapsulated_pixel_data(tmp_path: Path) -> None:
    data = encapsulated()
    assert run(data, tmp_path)[0].status == "done"
    for length in range(data.index(b"\xe0\x7f"), data.index(b"\xfc\xff\xfc\xff")):
        assert run(data[:length], tmp_path)[0].status == "quarantined", length


def encapsulated(syntax: str = "1.2.840.10008.1.2.4.50") -> bytes:
    """Two frames, whose bytes hold a sequence delimiter to trip over."""
    fragment = b"\xfe\xff\xdd\xe0\0\0\0\0" + bytes(range(16))
    table = b"\0\0\0\0\x20\0\0\0"
    value = b"".join(
        b"\xfe\xff\0\xe0" + len(part).to_bytes(4, "little") + part
        for part in (table, fragment, fragment)
    )
    body = encode(image()[:-1], Form(EXPLICIT))
    head = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff"
    trailer = encode([E(0xFFFCFFFC, "OB", b"trailer")], Form(EXPLICIT))
    return part10(body + head + value + b"\xfe\xff\xdd\xe0\0\0\0\0" + trailer, syntax)


@pytest.mark.parametrize("syntax", [EXPLICIT, "none"])
def test_compressed_in_an_unknown_way(syntax: str, tmp_path: Path) -> None:
    data = encapsulated() if syntax == "none" else encapsulated(syntax)
    bare = data[data.index(b"\x08\0\x16\0") :]
    outcome, _ = run(bare if syntax == "none" else data, tmp_path)
    assert outcome.code is Reason.TRANSFER_SYNTAX


@pytest.mark.parametrize("levels", [1, 60, 200, 5000])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_deep_nesting_is_bounded(levels: int, form: Form, tmp_path: Path) -> None:
    body = b""
    for _ in range(levels):
        body = nested(body, form)
    whole = encode(image(), form) + body
    outcome, _ = run(part10(whole, form.syntax), tmp_path)
    assert outcome.code is (Reason.TOO_DEEP if levels > 64 else None), outcome


def nested(body: bytes, form: Form) -> bytes:
    """``body`` inside one more sequence; behind the pixel data, to be simple."""
    item = E(SEQUENCE, "SQ", [[E(0x00104000, "LT", b"@")]])
    marked = encode([item], form)
    inner = encode([E(0x00104000, "LT", b"@")], form)
    at = marked.index(inner)
    if form.undefined:
        return marked[:at] + body + marked[at + len(inner) :]
    order: Literal["big", "little"] = "big" if form.syntax == BIG else "little"
    head = 8 if form.implicit else 12
    sizes = (len(body) + 8).to_bytes(4, order), len(body).to_bytes(4, order)
    return marked[: head - 4] + sizes[0] + marked[head : head + 4] + sizes[1] + body


def test_deep_nesting_in_unknown_vr(tmp_path: Path) -> None:
    body = b""
    for _ in range(5000):
        body = nested(body, Form(IMPLICIT))
    whole = encode(image(), Form(EXPLICIT))
    unknown = encode([E(SEQUENCE, "UN", body[8:])], Form(EXPLICIT))
    dataset = done(part10(unknown + whole, EXPLICIT), tmp_path)
    assert SEQUENCE not in dataset


def test_bomb_is_not_inflated(tmp_path: Path) -> None:
    policy = Policy.basic(limits=Limits(inflated_bytes=1 << 20))
    body = encode(image(E(0x7FE00010, "OW", bytes(64 << 20))), Form(DEFLATED))
    outcome, _ = run(part10(body, DEFLATED), tmp_path, policy=policy)
    assert outcome.code is Reason.TOO_LARGE


def test_limits_of_size_and_number(tmp_path: Path) -> None:
    data = file_of()
    small = replace(POLICY, limits=Limits(file_bytes=len(data) - 1))
    assert run(data, tmp_path, policy=small)[0].code is Reason.TOO_LARGE
    few = replace(POLICY, limits=Limits(elements=10))
    assert run(data, tmp_path, policy=few)[0].code is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Reason.NOT_DICOM),
        (b"x", Reason.NOT_DICOM),
        (b"A text about nothing. " * 40, Reason.NOT_DICOM),
        (bytes(128) + b"DICM", Reason.NOT_DICOM),
        (b"text" * 32 + b"DICM and more text, more text", Reason.NOT_DICOM),
        (bytes(128) + b"DICM\x02\0", Reason.TRUNCATED),
        (part10(b"", EXPLICIT), Reason.TRUNCATED),
        (bytes(4096), Reason.NOT_DICOM),
        (b"\x08\0text that begins like a group", Reason.NOT_DICOM),
    ],
)
def test_what_is_not_dicom(data: bytes, code: Reason, tmp_path: Path) -> None:
    assert run(data, tmp_path)[0].code is code


@pytest.mark.parametrize("zeros", [1, 7, 8, 2001])
def test_zeros_behind_the_last_element_go(zeros: int, tmp_path: Path) -> None:
    data = file_of()
    assert run(data + bytes(zeros), tmp_path) == run(data, tmp_path)


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
@pytest.mark.parametrize("how", ["bare", "meta without preamble", "meta without transfer syntax"])
def test_missing_file_meta(syntax: str, how: str, tmp_path: Path) -> None:
    body = encode(image(), Form(syntax))
    data = {
        "bare": body,
        "meta without preamble": part10(body, syntax)[132:],
        "meta without transfer syntax": bytes(128)
        + b"DICM"
        + encode([E(0x00020013, "SH", b"WRITER")], Form(EXPLICIT))
        + body,
    }[how]
    dataset = done(data, tmp_path)
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert dataset.PixelData == bytes(range(1, 9))
    assert dataset.Rows == 2


@pytest.mark.parametrize(("declared", "real"), [(IMPLICIT, EXPLICIT), (EXPLICIT, IMPLICIT)])
def test_wrong_transfer_syntax_is_put_right(declared: str, real: str, tmp_path: Path) -> None:
    dataset = done(part10(encode(image(), Form(real)), declared), tmp_path)
    assert dataset.file_meta.TransferSyntaxUID == real


def test_transfer_syntax_that_is_no_uid(tmp_path: Path) -> None:
    outcome, _ = run(part10(encode(image(), Form(EXPLICIT)), "Lindqvist"), tmp_path)
    assert outcome.code is Reason.TRANSFER_SYNTAX
    assert "Lindqvist" not in outcome.reason


def test_private_transfer_syntax_is_kept(tmp_path: Path) -> None:
    private = "1.2.276.0.999.7"
    _, result = run(part10(encode(image(), Form(EXPLICIT)), private), tmp_path)
    assert pydicom.dcmread(BytesIO(result)).file_meta.TransferSyntaxUID == private


def test_implicit_items_in_an_explicit_file(tmp_path: Path) -> None:
    inner = encode([E(0x00080070, "LO", b"maker"), E(0x00281052, "DS", b"1")], Form(IMPLICIT))
    item = b"\xfe\xff\0\xe0" + len(inner).to_bytes(4, "little") + inner
    sequence = encode([E(SEQUENCE, "OB", item)], Form(EXPLICIT)).replace(b"OB", b"SQ", 1)
    whole = encode(image(), Form(EXPLICIT))
    dataset = done(part10(sequence + whole, EXPLICIT), tmp_path)
    (kept,) = dataset[SEQUENCE].value
    assert (kept.Manufacturer, kept.RescaleIntercept) == ("maker", 1)


@pytest.mark.parametrize(
    "broken",
    [
        b"\xfe\xff\0\xe0\0\0\0\0",
        b"\xfe\xff\x0d\xe0\0\0\0\0",
        b"\x09\0\x10\0QQ\0\0",
        b"\x18\0\x06\x90SQ\0\0\x08\0\0\0\x08\0\x16\0UI\0\0",
        b"\x18\0\x06\x90SQ\0\0\x0a\0\0\0\xfe\xff\0\xe0\0\0\0\0ab",
        b"\x18\0\x06\x90SQ\0\0\xff\xff\xff\xff",
        b"\x08\0\x70\0LO\xff\xff",
        b"\0\0\0\0\0\0\0\0x",
    ],
)
def test_broken_structure(broken: bytes, tmp_path: Path) -> None:
    data = file_of() + broken
    outcome, _ = run(data, tmp_path)
    assert outcome.code in (Reason.MALFORMED, Reason.TRUNCATED)


def test_deflated_stream_that_is_none(tmp_path: Path) -> None:
    good = file_of(form=Form(DEFLATED))
    assert run(good[:-20] + b"\xff" * 20, tmp_path)[0].status == "quarantined"
    zipped = part10(b"", DEFLATED)[:-2] + zlib.compress(encode(image(), Form(EXPLICIT)))
    assert run(zipped, tmp_path)[0].status == "quarantined"
