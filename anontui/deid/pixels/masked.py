"""Blacking out rectangles of an image, everything else in it left as it was.

Importing this needs the extra ``pixels`` (numpy and decoders); without it a
:class:`~anontui.errors.DeidError` says so. Nothing else in the engine imports it at start-up.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import RLELossless

from anontui.deid.engine.quiet import quiet
from anontui.deid.engine.source import EXPLICIT_BIG, EXPLICIT_LITTLE, NATIVE
from anontui.deid.pixels.codestream import Header, jpeg_2000_header, jpeg_header
from anontui.deid.pixels.image import (
    LENGTHS,
    NUMBER_OF_FRAMES,
    OFFSETS,
    PHOTOMETRIC,
    PIXEL_DATA,
    PLANAR,
    Image,
)
from anontui.deid.refusal import Reason, Refused
from anontui.deid.rules.pixelrules import Box
from anontui.deid.rules.tags import tag_text
from anontui.errors import DeidError

try:
    import imagecodecs
    import numpy as np
    from jpeg_ls.CharLS import decode_pixel_data, encode_pixel_data
    from numpy.typing import NDArray
except ImportError as error:
    raise DeidError(
        "Pixel data cannot be cleaned without the decoders for them",
        advice="Install them with: pip install 'anontui[pixels]'",
        cause=f"no module {error.name}",
    ) from error

Pixels: TypeAlias = NDArray[Any]  # of unsigned integers

JPEG_LS_LOSSLESS = "1.2.840.10008.1.2.4.80"
_NO_OFFSETS = struct.pack("<HHL", 0xFFFE, 0xE000, 0)
# What decoders make of them: chroma at every pixel, and the inverse of JPEG 2000's own transform
_DECODED = {"YBR_FULL_422": "YBR_FULL", "YBR_ICT": "RGB", "YBR_RCT": "RGB"}


@dataclass(frozen=True)
class Masked:
    """An image's pixel data with its boxes blacked out.

    Parameters
    ----------
    transfer_syntax
        Of the result: the source's if that is native, else JPEG-LS Lossless, or Explicit VR
        Little Endian for what JPEG-LS cannot hold exactly.
    pixel_data
        The new value of ``tag``. Native in the byte order of ``transfer_syntax``; encapsulated
        as its Basic Offset Table and items, one for each frame, without the sequence delimiter.
    encapsulated
        Whether ``pixel_data`` is encapsulated.
    changed
        Attributes that must change with it, tag to their new value in bytes, little endian;
        ``None`` for those that must go. They are Photometric Interpretation (YBR_FULL for
        YBR_FULL_422, RGB for YBR_ICT and YBR_RCT, and what the frames' own markers say if the
        data set contradicts them), Planar Configuration and the Extended Offset Table.
    tag
        (7FE0,0010), or (7FE0,0008) or (7FE0,0009) if the image has floats.
    vr
        What ``pixel_data`` must be written as.
    """

    transfer_syntax: str
    pixel_data: bytes
    encapsulated: bool
    changed: Mapping[int, bytes | None]
    tag: int = PIXEL_DATA
    vr: str = "OB"


def masked(
    dataset: Dataset,
    transfer_syntax: str,
    boxes: Sequence[Box],
    *,
    largest_frame: int = 256 << 20,
    largest_image: int = 4 << 30,
) -> Masked:
    """Black out boxes in every frame of an image.

    Native pixel data are changed in place; no byte outside the boxes changes. Compressed
    frames are decoded one at a time, without color conversion. Black is the lowest value that
    the bits stored can have (the highest for MONOCHROME1, the darkest entry of a palette, zero
    for floats). A box's bits that are not stored, an embedded overlay's, are blacked out too.

    Parameters
    ----------
    dataset
        The image, as it was read. It is not changed.
    transfer_syntax
        What its pixel data are encoded as.
    boxes
        In pixels; what lies outside the image is cut off.
    largest_frame, largest_image
        Bytes of a frame and of all frames, decoded: more is refused.

    Raises
    ------
    Refused
        If there are no whole pixel data, they are too large or cannot be decoded, or the
        attributes that describe them are wrong.
    """
    with quiet():
        image = Image.of(dataset)
        if image.frame_bytes > largest_frame:
            raise Refused(Reason.TOO_LARGE, f"more than {largest_frame} bytes a frame")
        if image.frame_bytes * image.frames > largest_image:
            raise Refused(Reason.TOO_LARGE, f"more than {largest_image} bytes decoded")
        inside = [box for box in (_cut(box, image) for box in boxes) if box is not None]
        if transfer_syntax in NATIVE:
            pixels = _native(image, inside, big=transfer_syntax == EXPLICIT_BIG)
            return Masked(transfer_syntax, pixels, False, {}, image.tag, image.vr)
        if not inside:
            return Masked(transfer_syntax, image.value, True, {})
        return _recompressed(image, transfer_syntax, inside)


def _cut(box: Box, image: Image) -> Box | None:
    left, top = max(box.left, 0), max(box.top, 0)
    right, bottom = min(box.right, image.columns), min(box.bottom, image.rows)
    return Box(left, top, right, bottom) if left < right and top < bottom else None


# --- native ---------------------------------------------------------------------------------


def _native(image: Image, boxes: Sequence[Box], *, big: bool) -> bytes:
    samples = image.frame_samples * image.frames
    if image.photometric == "YBR_FULL_422":
        samples = samples // 3 * 2
    size = (samples * image.allocated + 7) // 8
    data = bytearray(image.value)
    in_words = big and image.vr == "OW" and image.allocated <= 8 and not len(data) % 2
    if in_words:  # bytes are swapped in pairs (PS3.5 section 7.3)
        np.frombuffer(data, "u2").byteswap(inplace=True)
    if len(data) < size:
        raise Refused(Reason.PIXEL_DATA)
    if data[size:].strip(b"\0"):  # no box says where it shows what
        raise Refused(Reason.PIXEL_DATA, "more than the frames need")
    if image.allocated == 1:
        _mask_bits(data, image, boxes)
    else:
        kind = np.dtype(f"u{image.allocated // 8}").newbyteorder(">" if big else "<")
        _mask_native(np.frombuffer(data, kind, samples), image, boxes)
    if in_words:
        np.frombuffer(data, "u2").byteswap(inplace=True)
    return bytes(data)


def _mask_native(pixels: Pixels, image: Image, boxes: Sequence[Box]) -> None:
    black = image.black(image.photometric, image.allocated)
    size = (image.frames, image.rows, image.columns)
    if image.photometric == "YBR_FULL_422":
        _mask_pairs(pixels.reshape(*size[:2], -1, 4), black, boxes)
        return
    if image.planar and image.samples > 1:
        planes = pixels.reshape(image.frames, image.samples, *size[1:])
        pixels = planes.transpose(0, 2, 3, 1)
    else:
        pixels = pixels.reshape(*size, image.samples)
    for frame in pixels:
        _mask(frame, black, boxes)


def _mask(frame: Pixels, black: tuple[int, ...], boxes: Sequence[Box]) -> None:
    for box in boxes:
        frame[box.top : box.bottom, box.left : box.right] = black


def _mask_pairs(pairs: Pixels, black: tuple[int, ...], boxes: Sequence[Box]) -> None:
    """Two pixels are stored as Y Y Cb Cr (PS3.3 section C.7.6.3.1.2).

    Chroma goes only where both are inside: it is also that of the one outside.
    """
    for box in boxes:
        rows = pairs[:, box.top : box.bottom]
        first, end = (box.left + 1) // 2, box.right // 2
        rows[:, :, first : (box.right + 1) // 2, 0] = black[0]
        rows[:, :, box.left // 2 : end, 1] = black[0]
        if first < end:
            rows[:, :, first:end, 2:] = black[1:]


def _mask_bits(data: bytearray, image: Image, boxes: Sequence[Box]) -> None:
    """Eight pixels a byte, the first in its lowest bit; frames need not begin with a byte."""
    black = image.black(image.photometric, 1)
    pixels = image.rows * image.columns
    for number in range(image.frames):
        first, skipped = divmod(number * pixels, 8)
        frame = np.frombuffer(data, "u1", (skipped + pixels + 7) // 8, first)
        bits = np.unpackbits(frame, bitorder="little")
        shape = (image.rows, image.columns, 1)
        _mask(bits[skipped : skipped + pixels].reshape(shape), black, boxes)
        frame[:] = np.packbits(bits, bitorder="little")


# --- compressed -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """A decoded frame: rows by columns by samples, in the lowest ``bits`` of unsigned numbers.

    A ``loose`` one has its cells as they were, with bits that are not Bits Stored.
    """

    pixels: Pixels
    bits: int
    photometric: str
    loose: bool = False


class _DoesNotFit(Exception):
    """JPEG-LS cannot hold a frame exactly."""


def decoded(image: Image, syntax: str, number: int) -> Frame:
    """Decode one frame, counted from 0.

    Raises
    ------
    Refused
        If it cannot be decoded.
    """
    decode = _DECODERS.get(syntax)
    if decode is None or image.photometric == "FLOAT" or image.allocated == 1:
        raise Refused(Reason.UNDECODABLE, "transfer syntax")
    sources = _sources(image)
    with quiet():
        source = next(islice(sources, number, None), None)
        if source is None:
            raise Refused(Reason.PIXEL_DATA, "it has no such frame")
        return _decoded(source, image, decode)


def _recompressed(image: Image, syntax: str, boxes: Sequence[Box]) -> Masked:
    decode = _DECODERS.get(syntax)
    if decode is None or image.photometric == "FLOAT" or image.allocated == 1:
        raise Refused(Reason.UNDECODABLE, "transfer syntax")
    try:
        frames, photometric = _coded(image, decode, boxes, _jpeg_ls)
        result, encapsulated = JPEG_LS_LOSSLESS, True
        value = _encapsulated(frames)
    except _DoesNotFit:
        frames, photometric = _coded(image, decode, boxes, _plain)
        result, encapsulated = EXPLICIT_LITTLE, False
        value = b"".join(frames)
        value += b"\0" * (len(value) % 2)
    if len(value) >= 0xFFFFFFFF:
        raise Refused(Reason.TOO_LARGE, "more than 4 GiB of pixel data")
    changed: dict[int, bytes | None] = {}
    if photometric != image.photometric:
        changed[PHOTOMETRIC] = photometric.encode() + b" " * (len(photometric) % 2)
    if image.samples > 1:
        changed[PLANAR] = struct.pack("<H", 0)
    if image.offsets is not None:
        changed |= {OFFSETS: None, LENGTHS: None}
    vr = "OB" if encapsulated or image.allocated == 8 else "OW"
    return Masked(result, value, encapsulated, changed, vr=vr)


def _coded(
    image: Image,
    decode: Callable[[bytes, Image], Frame],
    boxes: Sequence[Box],
    encode: Callable[[Frame, Image], bytes],
) -> tuple[list[bytes], str]:
    """All frames, and what they have in common: their photometric interpretation."""
    coded: list[bytes] = []
    kinds = set()
    for source in _sources(image):
        frame = _decoded(source, image, decode)
        kinds.add((frame.photometric, frame.bits))
        if len(kinds) > 1:
            raise Refused(Reason.UNDECODABLE, "frames of different kinds")
        _mask(frame.pixels, image.black(frame.photometric, frame.bits), boxes)
        coded.append(encode(frame, image))
    return coded, kinds.pop()[0]


def _sources(image: Image) -> Iterator[bytes]:
    """The frames as they stand in the file, as many as it says."""
    count = 0
    try:
        found = generate_frames(
            image.value, number_of_frames=image.frames, extended_offsets=image.offsets
        )
        for source in found:
            count += 1
            if count > image.frames:
                break
            yield source
    except Exception as error:  # noqa: BLE001 - of hostile offsets pydicom makes anything at all
        raise Refused(Reason.UNDECODABLE, type(error).__name__) from None
    if count != image.frames:
        raise Refused(Reason.PIXEL_DATA, f"not as many frames as {tag_text(NUMBER_OF_FRAMES)} says")


def _decoded(source: bytes, image: Image, decode: Callable[[bytes, Image], Frame]) -> Frame:
    try:
        frame = decode(source, image)
    except (Refused, _DoesNotFit):
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise anything at all on hostile bytes
        raise Refused(Reason.UNDECODABLE, type(error).__name__) from None
    if frame.pixels.shape != (image.rows, image.columns, image.samples):
        raise Refused(Reason.UNDECODABLE, "frames of another size")
    return frame


def _jpeg(source: bytes, image: Image) -> Frame:
    header = _believed(jpeg_header(source), image)
    space = "RGB" if image.samples == 3 else None  # the same in and out: nothing is converted
    pixels = imagecodecs.jpeg8_decode(source, colorspace=space, outcolorspace=space)
    return _frame(pixels, image, header, image.allocated if image.shift else image.stored)


def _jpeg_ls_decoded(source: bytes, image: Image) -> Frame:
    header = _believed(jpeg_header(source), image)
    buffer, info = decode_pixel_data(source)
    pixels = np.frombuffer(buffer, "u1" if header.precision <= 8 else "<u2")
    in_planes = info["components"] > 1 and info["interleave_mode"] == 0
    return _frame(_arranged(pixels, image, in_planes=in_planes), image, header)


def _jpeg_2000(source: bytes, image: Image) -> Frame:
    header = _believed(jpeg_2000_header(source), image)
    pixels = imagecodecs.jpeg2k_decode(source, verbose=0, numthreads=1)
    return _frame(pixels, image, header)


def _rle(source: bytes, image: Image) -> Frame:
    """By pydicom's own decoder, which is Python: hostile bytes cannot crash it."""
    buffer, _ = get_decoder(RLELossless).as_buffer(
        encapsulate([source], has_bot=False),
        index=0,
        decoding_plugin="pydicom",
        rows=image.rows,
        columns=image.columns,
        samples_per_pixel=image.samples,
        number_of_frames=1,
        bits_allocated=image.allocated,
        bits_stored=image.stored,
        pixel_representation=int(image.signed),
        photometric_interpretation=image.photometric,
        planar_configuration=image.planar,
        pixel_keyword="PixelData",
    )
    raw = np.frombuffer(buffer, f"<u{image.allocated // 8}")
    pixels = _arranged(raw, image, in_planes=True)
    photometric = _DECODED.get(image.photometric, image.photometric)
    narrow = _resized(pixels, image.stored, image.stored, signed=image.signed)
    whole = _resized(narrow, image.stored, image.allocated, signed=image.signed)
    if image.shift == 0 and np.array_equal(whole, pixels):
        return Frame(narrow, image.stored, photometric)
    return Frame(pixels.copy(), image.allocated, photometric, loose=True)


_JPEG_FAMILY = "1.2.840.10008.1.2.4"
_DECODERS: dict[str, Callable[[bytes, Image], Frame]] = {
    **dict.fromkeys((f"{_JPEG_FAMILY}.{n}" for n in (50, 51, 57, 70)), _jpeg),
    **dict.fromkeys((f"{_JPEG_FAMILY}.{n}" for n in (80, 81)), _jpeg_ls_decoded),
    **dict.fromkeys((f"{_JPEG_FAMILY}.{n}" for n in (90, 91, 201, 202, 203)), _jpeg_2000),
    str(RLELossless): _rle,
}


def _believed(header: Header, image: Image) -> Header:
    expected = (image.rows, image.columns, image.samples)
    if (header.rows, header.columns, header.samples) != expected:
        raise Refused(Reason.UNDECODABLE, "frames of another size")
    if not 0 < header.precision <= image.allocated:
        raise Refused(Reason.UNDECODABLE, "samples of another size")
    return header


def _arranged(pixels: Pixels, image: Image, *, in_planes: bool) -> Pixels:
    if in_planes:
        planes = pixels.reshape(image.samples, image.rows, image.columns)
        return planes.transpose(1, 2, 0)
    return pixels.reshape(image.rows, image.columns, image.samples)


def _frame(decoded: Pixels, image: Image, header: Header, precision: int | None = None) -> Frame:
    """A frame in as many bits as are stored, or as its own header says if that is more.

    ``precision`` is how many bits of a sample count; JPEG 2000 and JPEG-LS tell it themselves.
    """
    precision = precision or header.precision
    bits = image.allocated if image.shift else max(precision, image.stored)
    pixels = decoded.view(f"u{decoded.itemsize}")
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    photometric = header.photometric or image.photometric
    return Frame(
        _resized(pixels, precision, bits, signed=image.signed),
        bits,
        _DECODED.get(photometric, photometric),
        loose=image.shift > 0,
    )


def _resized(pixels: Pixels, bits: int, wanted: int, *, signed: bool) -> Pixels:
    """A copy with samples of ``wanted`` bits, their sign carried on from the last of ``bits``."""
    kind = next(size for size in (8, 16, 32, 64) if size >= max(wanted, bits))
    result = pixels.astype(f"u{kind // 8}", order="C")
    result &= (1 << bits) - 1
    if signed and wanted > bits:
        sign = result.dtype.type(1 << (bits - 1))
        result ^= sign
        result -= sign
        result &= (1 << wanted) - 1
    return result


def _jpeg_ls(frame: Frame, image: Image) -> bytes:
    if frame.loose or not 2 <= frame.bits <= 16:
        raise _DoesNotFit
    try:
        coded = encode_pixel_data(
            frame.pixels.tobytes(),
            rows=image.rows,
            columns=image.columns,
            samples_per_pixel=image.samples,
            bits_stored=frame.bits,
            planar_configuration=0,
        )
    except RuntimeError:  # no smaller than native, as a few pixels or noise may be
        raise _DoesNotFit from None
    return bytes(coded)


def _plain(frame: Frame, image: Image) -> bytes:
    whole = _resized(frame.pixels, frame.bits, image.allocated, signed=image.signed)
    return whole.astype(f"<u{image.allocated // 8}", copy=False).tobytes()


def _encapsulated(frames: Sequence[bytes]) -> bytes:
    """Items with their Basic Offset Table (PS3.5 section A.4), one for each frame."""
    padded = [frame + b"\0" * (len(frame) % 2) for frame in frames]
    starts = [0]
    for frame in padded:
        starts.append(starts[-1] + 8 + len(frame))
    table = _NO_OFFSETS
    if starts[-1] <= 0xFFFFFFFF:
        offsets = struct.pack(f"<{len(padded)}L", *starts[:-1])
        table = struct.pack("<HHL", 0xFFFE, 0xE000, len(offsets)) + offsets
    heads = (struct.pack("<HHL", 0xFFFE, 0xE000, len(frame)) for frame in padded)
    parts = (part for pair in zip(heads, padded, strict=True) for part in pair)
    return b"".join((table, *parts))
