"""Pictures to look at: what pydicom decodes is what is shown, and nothing hostile does harm."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.pixels.processing import (
    apply_color_lut,
    apply_modality_lut,
    convert_color_space,
)
from pydicom.pixels.utils import pixel_array

from anontui.deid.engine.source import parse
from anontui.deid.pixels import viewer
from anontui.deid.pixels.picture import picture
from anontui.deid.pixels.view import Picture
from anontui.deid.pixels.viewer import Viewer
from anontui.deid.rules.pixelrules import Box
from anontui.deid.rules.policy import Limits
from anontui.errors import DeidError, UsageError
from tests import ultrasound

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def _file(name: str) -> Path:
    return Path(str(get_testdata_file(name)))


def _seen(name: str, frame: int = 0, most: int = 1024) -> Picture:
    return picture(parse(_file(name).read_bytes(), Limits()), frame, most=most)


def _array(found: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.frombuffer(found.pixels, np.uint8).reshape(found.height, found.width, found.samples)


COLORS = [
    "SC_rgb_small_odd.dcm",  # RGB, native
    "SC_rgb_rle.dcm",
    "SC_rgb_expb_16bit.dcm",  # big endian
    "examples_ybr_color.dcm",  # JPEG baseline, 30 frames
    "SC_rgb_jpeg_dcmtk.dcm",  # YBR_FULL
    "SC_ybr_full_422_uncompressed.dcm",
    "JPEG2000_UNC.dcm",
]


@pytest.mark.parametrize("name", COLORS)
def test_colours_are_those_that_pydicom_decodes(name: str) -> None:
    dataset = dcmread(_file(name))
    raw = pixel_array(dataset, raw=True, index=0)
    space = dataset.PhotometricInterpretation
    if dataset.SamplesPerPixel == 3:
        expected = convert_color_space(raw, "YBR_FULL", "RGB") if space[:3] == "YBR" else raw
        expected = (expected >> (dataset.BitsStored - 8)).astype(int)
        shown = _array(_seen(name)).astype(int)
        assert np.abs(shown - expected).max() <= 2
    else:
        assert _seen(name).samples == 1


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm"]
)
def test_grey_goes_through_the_first_window_or_our_own(name: str) -> None:
    dataset = dcmread(_file(name))
    values = apply_modality_lut(pixel_array(dataset), dataset).astype(float)
    shown = _array(_seen(name))[:, :, 0]
    if "WindowCenter" in dataset:  # PS3.3 section C.11.2.1.2.1
        center, width = float(dataset.WindowCenter), float(dataset.WindowWidth)
        expected = ((values - (center - 0.5)) / (width - 1) + 0.5).clip(0, 1) * 255
        assert np.abs(shown - expected).max() <= 1
    else:
        assert (shown.min(), shown.max()) == (0, 255)
    order = np.argsort(values, axis=None, kind="stable")
    assert (np.diff(shown.flatten()[order].astype(int)) >= 0).all()


def test_a_palette_is_looked_up() -> None:
    name = "examples_palette.dcm"
    dataset = dcmread(_file(name))
    expected = apply_color_lut(pixel_array(dataset), dataset)
    expected = expected >> 8 if expected.dtype == np.uint16 else expected
    assert (_array(_seen(name)) == expected).all()


def test_frames_differ_and_bits_are_pixels() -> None:
    name = "liver.dcm"  # one bit a pixel
    frames = pixel_array(dcmread(_file(name)))
    for number in range(3):
        assert ((_array(_seen(name, number))[:, :, 0] > 0) == (frames[number] > 0)).all()
    with pytest.raises(DeidError, match="pixel data"):
        _seen(name, 3)


def test_a_large_image_is_made_smaller_and_tells_its_size() -> None:
    found = _seen("CT_small.dcm", most=50)
    assert (found.rows, found.columns, found.step) == (128, 128, 3)
    assert (found.width, found.height) == (43, 43)
    whole = _array(_seen("CT_small.dcm"))
    assert np.abs(_array(found).astype(int) - whole[::3, ::3]).max() <= 4  # its window differs


def test_monochrome1_is_bright_where_the_value_is_low() -> None:
    dataset = dcmread(_file("CT_small.dcm"))
    parsed = parse(_file("CT_small.dcm").read_bytes(), Limits())
    before = _array(picture(parsed))
    dataset.PhotometricInterpretation = "MONOCHROME1"
    buffer = BytesIO()
    dataset.save_as(buffer)
    after = _array(picture(parse(buffer.getvalue(), Limits())))
    assert np.abs(after.astype(int) + before - 255).max() <= 1


# --- in a process of its own


def test_a_viewer_shows_frame_after_frame_with_facts(tmp_path: Path) -> None:
    path = ultrasound.write(tmp_path / "Jansen" / "us.dcm", frames=2)
    with Viewer(path) as looking:
        first, second = looking.look(0), looking.look(1)
        process = looking._process
        assert process is not None
        assert "Jansen" not in Path(f"/proc/{process.pid}/cmdline").read_text()
    assert first.picture.pixels == ultrasound.pixels(0)
    assert second.picture.pixels == ultrasound.pixels(1)
    facts = dict(first.facts)
    assert facts["kind"] == "Ultrasound Multi-frame Image Storage"
    assert (facts["manufacturer"], facts["bits"]) == ("Invented Devices", "8")
    assert process.poll() is not None


@pytest.mark.parametrize("content", [b"", b"no DICOM", b"\0" * 128 + b"DICM" + b"\xff" * 400])
def test_what_is_no_picture_is_told_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with Viewer(path) as looking, pytest.raises(DeidError) as told:
        looking.look()
    assert told.value.message


def test_a_pipe_or_a_missing_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing"):
        with Viewer(tmp_path / name) as looking, pytest.raises(DeidError):
            looking.look()


def test_a_process_that_dies_or_hangs_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ultrasound.write(tmp_path / "us.dcm")
    with Viewer(path) as looking:
        looking.look()
        process = looking._process
        assert process is not None
        process.kill()
        process.wait()
        with pytest.raises(DeidError, match="cannot be shown"):
            looking.look()
        looking.look()  # another process
    monkeypatch.setattr(viewer, "SECONDS", 0.0)
    with Viewer(path) as looking, pytest.raises(DeidError, match="cannot be shown"):
        looking.look()


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,0,1,1", "0,0,0,5", "-1,0,5,5"])
def test_what_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no box"):
        Box.told(text)


def test_a_box_is_told_by_its_corner_and_size() -> None:
    assert Box.told("8, 6,200,20") == Box(8, 6, 208, 26)
