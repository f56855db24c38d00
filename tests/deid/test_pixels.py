"""Boxes blacked out: nothing else changes, and nothing hostile passes."""

from __future__ import annotations

import importlib.util
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended, parse_basic_offsets
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.encoders.base import get_encoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import UID

from anontui.deid.engine.source import EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, NATIVE
from anontui.deid.pixels.masked import JPEG_LS_LOSSLESS, Masked, masked
from anontui.deid.refusal import Reason, Refused
from anontui.deid.rules.pixelrules import Box
from tests.deid.test_corpus import FILES

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

Array = NDArray[Any]
BASELINE = "1.2.840.10008.1.2.4.50"
EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
RLE = "1.2.840.10008.1.2.5"
TWELVE_BITS = {"JPEG-lossy.dcm", "JPGExtended.dcm"}  # pydicom has no decoder for them, dcmtk has
UNREADABLE = {
    "JPEG2000-embedded-sequence-delimiter.dcm": Reason.UNDECODABLE,
    "MR_truncated.dcm": Reason.PIXEL_DATA,
    "badVR.dcm": Reason.INVALID_VALUE,
    "emri_small_jpeg_2k_lossless_too_short.dcm": Reason.PIXEL_DATA,
    "rtplan_truncated.dcm": Reason.PIXEL_DATA,
}


@cache
def images() -> dict[str, Path]:
    found = {}
    for path in FILES:
        try:
            dataset = pydicom.dcmread(path, specific_tags=["PixelData", "Rows"])
        except Exception:  # noqa: BLE001 - no DICOM file at all
            continue
        if (
            "PixelData" in dataset
            and "Rows" in dataset
            and hasattr(dataset.file_meta, "TransferSyntaxUID")
        ):
            found[path.name] = path
    return found


def box_of(dataset: Dataset) -> Box:
    """One that begins and ends within pairs, words and bytes."""
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    return Box(1, 1, max(2, columns // 2 | 1), max(2, rows // 3))


def applied(source: Dataset, result: Masked) -> Dataset:
    """A data set with its pixels replaced."""
    dataset = deepcopy(source)
    for tag, value in result.changed.items():
        if value is None:
            del dataset[tag]
        else:
            text = value.decode().strip() if tag == 0x00280004 else struct.unpack("<H", value)[0]
            dataset[tag].value = text
    dataset.add_new(result.tag, result.vr, result.pixel_data)
    dataset[result.tag].is_undefined_length = result.encapsulated
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(result.transfer_syntax)
    return dataset


def frames_of(dataset: Dataset, *, raw: bool = True) -> Array:
    """Frames by rows by columns by samples, as pydicom and its decoders see them."""
    pixels, about = get_decoder(dataset.file_meta.TransferSyntaxUID).as_array(dataset, raw=raw)
    count = int(about["number_of_frames"])
    return pixels.reshape(count, dataset.Rows, dataset.Columns, -1)


def inside(frames: Array, box: Box) -> Array:
    return frames[:, box.top : box.bottom, box.left : box.right]


def check(before: Array, after: Array, box: Box, black: Sequence[int]) -> None:
    assert after.shape == before.shape
    assert after.dtype.newbyteorder("=") == before.dtype.newbyteorder("=")
    assert (inside(after, box) == list(black)).all()
    expected = before.copy()
    inside(expected, box)[:] = list(black)
    assert np.array_equal(after, expected)


def black_of(dataset: Dataset) -> list[int]:
    bits, signed = int(dataset.BitsStored), bool(dataset.PixelRepresentation)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    match dataset.PhotometricInterpretation:
        case "MONOCHROME1":
            return [high]
        case "PALETTE COLOR":
            colors = apply_color_lut(np.arange(1 << bits), dataset).astype("i8")
            return [int(np.argmin(colors @ [299, 587, 114]))]
        case "YBR_FULL":
            return [0, 1 << bits - 1, 1 << bits - 1]
    return [low] * int(dataset.SamplesPerPixel)


@pytest.mark.parametrize("name", sorted(set(images()) - TWELVE_BITS))
def test_every_image_that_can_be_read(name: str) -> None:
    source = pydicom.dcmread(images()[name])
    syntax = source.file_meta.TransferSyntaxUID
    box = box_of(source)
    if name in UNREADABLE:
        with pytest.raises(Refused) as refused:
            masked(source, str(syntax), [box])
        assert refused.value.reason is UNREADABLE[name]
        return
    result = masked(source, str(syntax), [box])
    after = applied(source, result)
    if syntax in NATIVE:
        assert (result.transfer_syntax, result.changed) == (str(syntax), {})
    else:
        assert result.transfer_syntax in (JPEG_LS_LOSSLESS, EXPLICIT_LITTLE)
        assert after.get("PlanarConfiguration", 0) == 0
    assert after.get("NumberOfFrames") == source.get("NumberOfFrames")
    if source.PhotometricInterpretation == "YBR_FULL_422" and syntax in NATIVE:
        return  # pairs of pixels share their chroma, see below
    check(frames_of(source), frames_of(after), box, black_of(after))
    # what the frames' own markers said of their colors is not lost with them
    colors = inside(frames_of(after, raw=False), box)
    inside(shown := frames_of(source, raw=False), box)[:] = colors
    assert np.array_equal(shown, frames_of(after, raw=False))


@pytest.mark.parametrize("name", sorted(TWELVE_BITS))
def test_twelve_bit_jpeg(name: str, tmp_path: Path) -> None:
    source = pydicom.dcmread(images()[name])
    subprocess.run(["dcmdjpeg", images()[name], tmp_path / "native.dcm"], check=True)
    after = applied(source, masked(source, EXTENDED, [box := box_of(source)]))
    check(frames_of(pydicom.dcmread(tmp_path / "native.dcm")), frames_of(after), box, [0])


def test_the_photometric_interpretation_changes_only_where_it_must() -> None:
    changes = set()
    for name, path in images().items():
        source = pydicom.dcmread(path)
        if name in UNREADABLE or source.file_meta.TransferSyntaxUID in NATIVE:
            continue
        result = masked(source, str(source.file_meta.TransferSyntaxUID), [Box(0, 0, 1, 1)])
        if (changed := result.changed.get(0x00280004)) is not None:
            changes.add((str(source.PhotometricInterpretation), changed.decode().strip()))
    assert changes == {("YBR_FULL_422", "YBR_FULL"), ("YBR_ICT", "RGB"), ("YBR_RCT", "RGB")}


# --- generated images -------------------------------------------------------------------------


def image_of(frames: Array, syntax: str = EXPLICIT_LITTLE, **attributes: Any) -> Dataset:
    """An image from frames by rows by columns by samples; pixel data are the test's."""
    count, rows, columns, samples = frames.shape
    dataset = Dataset()
    dataset.SamplesPerPixel = samples
    dataset.PhotometricInterpretation = "MONOCHROME2" if samples == 1 else "RGB"
    if samples > 1:
        dataset.PlanarConfiguration = 0
    dataset.NumberOfFrames = count
    dataset.Rows, dataset.Columns = rows, columns
    bits = 8 * frames.itemsize
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.PixelRepresentation = 0
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    if "HighBit" not in attributes:
        dataset.HighBit = dataset.BitsStored - 1
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return dataset


def ultrasound(count: int = 6) -> Array:
    """A colour cine loop: a sector with flow in it, and a banner with text-like blocks."""
    noise = np.random.default_rng(7)
    frames = np.zeros((count, 96, 128, 3), "u1")
    frames[:, 30:90, 20:110] = noise.integers(0, 90, (count, 60, 90, 1))
    frames[:, 50:70, 50:80, 0] = noise.integers(120, 255, (count, 20, 30))
    frames[:, 2:10, 4:90:3] = 230
    return frames


def jpeg(frame: Array, subsampling: str) -> bytes:
    code = imagecodecs.jpeg8_encode(frame, level=95, colorspace="RGB", subsampling=subsampling)
    return bytes(code)


def jpeg_2000(frame: Array, *, transformed: bool) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(frame, level=0, codecformat="J2K", mct=transformed))


def coded(frames: Array, encode: Callable[[Array], bytes]) -> list[bytes]:
    return [encode(np.ascontiguousarray(frame)) for frame in frames]


def rle(frame: Array) -> bytes:
    source = image_of(frame[np.newaxis])
    source.PixelData = frame.tobytes()
    return bytes(get_encoder(UID(RLE)).encode(source, index=0, encoding_plugin="pydicom"))


ULTRASOUNDS: dict[str, tuple[str, str, Callable[[Array], bytes]]] = {
    "baseline, chroma halved": (BASELINE, "YBR_FULL_422", lambda f: jpeg(f, "422")),
    "baseline, chroma quartered": (BASELINE, "YBR_FULL_422", lambda f: jpeg(f, "420")),
    "baseline, full chroma": (BASELINE, "YBR_FULL", lambda f: jpeg(f, "444")),
    "jpeg 2000, transformed": (
        JPEG_2000_LOSSLESS,
        "YBR_RCT",
        lambda f: jpeg_2000(f, transformed=True),
    ),
    "jpeg 2000": (
        JPEG_2000_LOSSLESS,
        "RGB",
        lambda f: jpeg_2000(f, transformed=False),
    ),
    "rle": (RLE, "RGB", rle),
}


@pytest.mark.parametrize("kind", ULTRASOUNDS)
@pytest.mark.parametrize("fragments", [1, 2])
@pytest.mark.parametrize("table", ["none", "basic", "extended"])
def test_colour_ultrasound(kind: str, fragments: int, table: str) -> None:
    syntax, photometric, encode = ULTRASOUNDS[kind]
    frames = ultrasound()
    source = image_of(frames, syntax, PhotometricInterpretation=photometric)
    codes = coded(frames, encode)
    if table == "extended":
        if fragments > 1:
            return  # it has no place for them (PS3.3 section C.7.6.3.1.8)
        value, source.ExtendedOffsetTable, source.ExtendedOffsetTableLengths = encapsulate_extended(
            codes
        )
        source.PixelData = value
    else:
        if table == "none" and fragments > 1 and syntax == RLE:
            return  # nothing tells where a frame begins
        source.PixelData = encapsulate(
            codes, fragments_per_frame=fragments, has_bot=table == "basic"
        )
    source["PixelData"].VR = "OB"
    source["PixelData"].is_undefined_length = True
    box = Box(0, 0, 101, 13)
    result = masked(source, syntax, [box])
    after = applied(source, result)
    assert result.transfer_syntax == JPEG_LS_LOSSLESS
    assert after.NumberOfFrames == 6
    assert "ExtendedOffsetTable" not in after
    assert "ExtendedOffsetTableLengths" not in after
    first = 8 + 4 * after.NumberOfFrames  # behind the table's own item
    for offset in parse_basic_offsets(result.pixel_data):
        at = first + offset
        assert result.pixel_data[at : at + 4] == b"\xfe\xff\x00\xe0"
        assert result.pixel_data[at + 8 : at + 10] == b"\xff\xd8"
    middle = 128 if photometric.startswith("YBR_FULL") else 0
    check(frames_of(source), frames_of(after), box, [0, middle, middle])
    if syntax != BASELINE:
        assert np.array_equal(frames_of(after)[:, 13:], frames[:, 13:])
    assert masked(source, syntax, [box]) == result


@st.composite
def natives(draw: st.DrawFn) -> tuple[Dataset, Array, Box]:
    """Native images of every layout, with the frames that they hold."""
    bits = draw(st.sampled_from([8, 16, 32]))
    samples = draw(st.sampled_from([1, 3]))
    syntax = draw(st.sampled_from([IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG]))
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 9)), draw(st.integers(1, 9)), samples)
    noise = np.random.default_rng(draw(st.integers(0, 99)))
    frames = noise.integers(0, 1 << bits, shape, f"u{bits // 8}")
    names = ["MONOCHROME1", "MONOCHROME2"] if samples == 1 else ["RGB", "YBR_FULL"]
    source = image_of(
        frames,
        syntax,
        PhotometricInterpretation=draw(st.sampled_from(names)),
        PixelRepresentation=draw(st.sampled_from([0, 1])) if samples == 1 else 0,
        BitsStored=draw(st.integers(bits // 2, bits)),
    )
    stored = frames
    if samples == 3 and draw(st.booleans()):
        source.PlanarConfiguration = 1
        stored = frames.transpose(0, 3, 1, 2)
    order = ">" if syntax == EXPLICIT_BIG else "<"
    value = stored.astype(f"{order}u{bits // 8}").tobytes()
    value += b"\0" * (len(value) % 2)
    in_words = bits > 8 or syntax == IMPLICIT_LITTLE or draw(st.booleans())
    if in_words and bits == 8 and syntax == EXPLICIT_BIG:
        value = np.frombuffer(value, "u2").byteswap().tobytes()
    source.add_new(0x7FE00010, "OW" if in_words else "OB", value)
    left, top = draw(st.integers(-2, 9)), draw(st.integers(-2, 9))
    box = Box(left, top, left + draw(st.integers(1, 12)), top + draw(st.integers(1, 12)))
    return source, frames, box


@given(natives())
def test_native_images_are_exact(case: tuple[Dataset, Array, Box]) -> None:
    source, frames, box = case
    syntax = str(source.file_meta.TransferSyntaxUID)
    result = masked(source, syntax, [box])
    after = applied(source, result)
    assert len(result.pixel_data) == len(source.PixelData)
    cut = Box(max(box.left, 0), max(box.top, 0), max(box.right, 0), max(box.bottom, 0))
    check(frames_of(source), frames_of(after), cut, black_of(source))
    if frames[:, cut.top : cut.bottom, cut.left : cut.right].size == 0:
        assert result.pixel_data == source.PixelData


@given(st.integers(0, 8), st.integers(1, 8), st.integers(0, 99))
def test_pairs_keep_the_chroma_of_a_pixel_outside(left: int, width: int, seed: int) -> None:
    pairs = np.random.default_rng(seed).integers(1, 127, (2, 3, 4, 4), "u1")
    source = image_of(np.zeros((2, 3, 8, 3), "u1"), PhotometricInterpretation="YBR_FULL_422")
    source.add_new(0x7FE00010, "OB", pairs.tobytes())
    box = Box(left, 1, left + width, 2)
    after = frames_of(applied(source, masked(source, EXPLICIT_LITTLE, [box])))
    before = frames_of(source)
    outside = np.ones(before.shape, bool)
    inside(outside, box)[:] = False
    assert np.array_equal(after[outside], before[outside])
    assert not inside(after, box)[..., 0].any()
    first, end = (left + 1) // 2 * 2, min(left + width, 8) // 2 * 2
    assert (after[:, 1, first:end] == [0, 128, 128]).all()


@given(st.integers(1, 4), st.integers(1, 11), st.integers(1, 11), st.integers(0, 99))
def test_single_bits(count: int, rows: int, columns: int, seed: int) -> None:
    bits = np.random.default_rng(seed).integers(0, 2, (count, rows, columns, 1), "u1")
    source = image_of(bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    source.add_new(0x7FE00010, "OB", packed + b"\0" * (len(packed) % 2))
    box = Box(1, 0, 5, 2)
    after = applied(source, masked(source, EXPLICIT_LITTLE, [box]))
    check(bits, frames_of(after), box, [0])


@pytest.mark.parametrize(
    ("tag", "kind", "vr"), [(0x7FE00008, "f4", "OF"), (0x7FE00009, "f8", "OD")]
)
def test_floats(tag: int, kind: str, vr: str) -> None:
    frames = np.random.default_rng(1).normal(size=(2, 5, 7, 1)).astype(kind)
    source = image_of(frames)
    for keyword in ("BitsStored", "HighBit", "PixelRepresentation"):
        delattr(source, keyword)
    source.add_new(tag, vr, frames.tobytes())
    result = masked(source, EXPLICIT_LITTLE, [box := Box(2, 1, 4, 3)])
    assert (result.tag, result.vr) == (tag, vr)
    after = np.frombuffer(result.pixel_data, kind).reshape(frames.shape)
    check(frames, after, box, [0])


def test_planes_become_pixels_when_recompressed() -> None:
    frames = ultrasound(2)
    source = image_of(frames, RLE, PlanarConfiguration=1)
    source.PixelData = encapsulate(coded(frames, rle))
    result = masked(source, RLE, [box := Box(0, 0, 50, 9)])
    assert result.changed == {0x00280006: b"\0\0"}
    check(frames, frames_of(applied(source, result)), box, [0, 0, 0])


def test_colors_are_what_the_frames_say_when_the_data_set_contradicts_them() -> None:
    code = FRAME[:2] + b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + FRAME[2:]
    source = compressed(BASELINE, [code], PlanarConfiguration=0)
    source.PhotometricInterpretation = "RGB"
    result = masked(source, BASELINE, [Box(0, 0, 9, 9)])
    assert result.changed[0x00280004] == b"YBR_FULL"


def test_signed_samples_survive_every_way_of_storing_them() -> None:
    frames = np.random.default_rng(3).integers(-2048, 2048, (2, 16, 16, 1), "i2")
    source = image_of(frames, RLE, BitsStored=12, PixelRepresentation=1)
    source.PixelData = encapsulate(coded(frames.view("u2"), rle))
    result = masked(source, RLE, [box := Box(0, 0, 4, 4)])
    assert result.encapsulated
    check(frames, frames_of(applied(source, result)), box, [-2048])


def test_bits_that_are_not_stored_stay() -> None:
    frames = np.random.default_rng(3).integers(0, 1 << 16, (2, 16, 16, 1), "u2")
    source = image_of(frames, RLE, BitsStored=12)
    source.PixelData = encapsulate(coded(frames, rle))
    result = masked(source, RLE, [box := Box(0, 0, 4, 4)])
    assert (result.transfer_syntax, result.encapsulated) == (EXPLICIT_LITTLE, False)
    check(frames, np.frombuffer(result.pixel_data, "<u2").reshape(frames.shape), box, [0])


def test_a_palette_is_blacked_out_with_its_darkest_entry() -> None:
    frames = np.full((1, 4, 4, 1), 9, "u1")
    source = image_of(frames, PhotometricInterpretation="PALETTE COLOR")
    entries = np.full(256, 200, "<u2")
    entries[77] = 3
    for color in ("Red", "Green", "Blue"):
        setattr(source, f"{color}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(source, f"{color}PaletteColorLookupTableData", entries.tobytes())
    source.add_new(0x7FE00010, "OB", frames.tobytes())
    after = applied(source, masked(source, EXPLICIT_LITTLE, [box := Box(0, 0, 2, 2)]))
    check(frames, frames_of(after), box, [77])


def test_a_compressed_image_without_a_box_stays_as_it_is() -> None:
    source = pydicom.dcmread(images()["examples_ybr_color.dcm"])
    result = masked(source, BASELINE, [Box(320, 0, 400, 10)])
    assert result == Masked(BASELINE, bytes(source.PixelData), True, {})


# --- hostile --------------------------------------------------------------------------------


def compressed(syntax: str, codes: list[bytes], **attributes: Any) -> Dataset:
    frames = ultrasound(len(codes))
    source = image_of(frames, syntax, PhotometricInterpretation="YBR_FULL", **attributes)
    source.PixelData = encapsulate(codes)
    return source


def refusal(source: Dataset, **limits: int) -> Reason:
    syntax = str(source.file_meta.TransferSyntaxUID)
    with pytest.raises(Refused) as refused:
        masked(source, syntax, [Box(0, 0, 9, 9)], **limits)
    return refused.value.reason


FRAME = jpeg(ultrasound(1)[0], "444")


def test_more_than_the_limits_is_refused_before_it_is_allocated() -> None:
    bomb = compressed(BASELINE, [FRAME], Rows=65535, Columns=65535)
    assert refusal(bomb) is Reason.TOO_LARGE
    many = compressed(BASELINE, [FRAME], NumberOfFrames=2_000_000_000)
    assert refusal(many) is Reason.TOO_LARGE
    one = compressed(BASELINE, [FRAME])
    assert refusal(one, largest_frame=96 * 128 * 3 - 1) is Reason.TOO_LARGE
    assert refusal(one, largest_image=96 * 128 * 3 - 1) is Reason.TOO_LARGE
    assert masked(one, BASELINE, [], largest_frame=96 * 128 * 3)


@pytest.mark.parametrize("kind", ["baseline, full chroma", "jpeg 2000"])
def test_a_frame_that_declares_another_size_never_reaches_a_decoder(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    syntax, _, encode = ULTRASOUNDS[kind]
    code = bytearray(encode(ultrasound(1)[0]))
    if syntax == BASELINE:
        at = code.index(b"\xff\xc0") + 5
        code[at : at + 4] = struct.pack(">HH", 65535, 65535)
    else:
        at = code.index(b"\xff\x51") + 6
        code[at : at + 8] = struct.pack(">LL", 1 << 30, 1 << 30)
    reached: list[str] = []
    for name in ("jpeg8_decode", "jpeg2k_decode"):
        monkeypatch.setattr(imagecodecs, name, lambda *_, **__: reached.append(syntax))
    assert refusal(compressed(syntax, [bytes(code)])) is Reason.UNDECODABLE
    assert not reached


@pytest.mark.parametrize("kind", ULTRASOUNDS)
def test_a_truncated_frame_is_refused(kind: str) -> None:
    syntax, _, encode = ULTRASOUNDS[kind]
    code = encode(ultrasound(1)[0])
    for size in (1, 7, 20, len(code) // 4, len(code) // 2, len(code) - 3):
        source = compressed(syntax, [FRAME if syntax == BASELINE else code, code[:size]])
        assert refusal(source) in (Reason.TRUNCATED, Reason.UNDECODABLE)


def test_a_count_of_frames_that_lies_is_refused() -> None:
    for told in (1, 2, 4):
        source = compressed(BASELINE, [FRAME] * 3, NumberOfFrames=told)
        assert refusal(source) in (Reason.PIXEL_DATA, Reason.UNDECODABLE)
    source = image_of(ultrasound(2))
    source.add_new(0x7FE00010, "OB", ultrasound(3).tobytes())
    assert refusal(source) is Reason.PIXEL_DATA  # nobody has looked at the third
    source.PixelData = ultrasound(1).tobytes()
    assert refusal(source) is Reason.PIXEL_DATA


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("Rows", 0),
        ("Columns", None),
        ("BitsAllocated", 12),
        ("BitsAllocated", None),
        ("BitsStored", 0),
        ("BitsStored", 9),
        ("HighBit", 3),
        ("SamplesPerPixel", 1),
        ("SamplesPerPixel", 4),
        ("PlanarConfiguration", 2),
        ("NumberOfFrames", 0),
        ("PhotometricInterpretation", "PALETTE COLOR"),
        ("PhotometricInterpretation", "HSV"),
        ("PhotometricInterpretation", None),
    ],
)
def test_attributes_that_contradict_each_other_are_refused(keyword: str, value: object) -> None:
    source = image_of(ultrasound(1))
    source.add_new(0x7FE00010, "OB", ultrasound(1).tobytes())
    assert masked(source, EXPLICIT_LITTLE, [Box(0, 0, 9, 9)])
    setattr(source, keyword, value)
    assert refusal(source) is Reason.INVALID_VALUE


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.100", "1.2.3", ""])
def test_a_transfer_syntax_without_a_decoder_is_refused(syntax: str) -> None:
    with pytest.raises(Refused) as refused:
        masked(compressed(BASELINE, [FRAME]), syntax, [Box(0, 0, 9, 9)])
    assert refused.value.reason is Reason.UNDECODABLE


FUZZED = [
    "SC_rgb_small_odd_jpeg.dcm",
    "JPGExtended.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "MR_small_RLE.dcm",
]


@pytest.mark.parametrize("name", FUZZED)
def test_mutated_pixel_data_are_masked_or_refused(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    source = pydicom.dcmread(images()[name])
    syntax = str(source.file_meta.TransferSyntaxUID)
    value = bytes(source.PixelData)
    outcomes = set()
    for seed in range(300):
        dice = random.Random(seed)
        mutated = bytearray(value)
        for _ in range(dice.choice([1, 2, 8])):
            at = dice.randrange(min(dice.choice([40, 300, len(value)]), len(value)))
            mutated[at] = dice.randrange(256)
        source.PixelData = bytes(mutated[: dice.choice([len(value), dice.randrange(len(value))])])
        try:
            masked(source, syntax, [Box(0, 0, 2, 2)])
            outcomes.add("masked")
        except Refused:
            outcomes.add("refused")
    assert outcomes == {"masked", "refused"}
    assert capfd.readouterr() == ("", "")  # no library talks onto the screen


def test_what_is_refused_names_nobody() -> None:
    source = compressed(BASELINE, [FRAME])
    source.PhotometricInterpretation = "Lindqvist^Tova"
    source.PatientName = "Lindqvist^Tova"
    with pytest.raises(Refused) as refused:
        masked(source, BASELINE, [Box(0, 0, 9, 9)])
    assert "Lindqvist" not in f"{refused.value.sentence()} {refused.value!r}"


# --- the extra ------------------------------------------------------------------------------


def python(code: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return run.stdout


def test_without_the_extra_an_error_says_what_to_install() -> None:
    for name in ("numpy", "imagecodecs", "jpeg_ls"):
        told = python(
            f"import sys; sys.modules[{name!r}] = None\n"
            "from anontui.errors import DeidError\n"
            "try:\n    import anontui.deid.pixels.masked\n"
            "except DeidError as error:\n    print(error.sentence())"
        )
        assert "pip install 'anontui[pixels]'" in told


def test_decoders_are_not_imported_at_start_up() -> None:
    assert importlib.util.find_spec("imagecodecs")
    told = python(
        "import sys, anontui.deid, anontui.deid.rules.pixelrules\n"
        "import anontui.deid.engine.filters, anontui.cli\n"
        "print({'imagecodecs', 'anontui.deid.pixels.masked'} & set(sys.modules))"
    )
    assert told.strip() == "set()"
