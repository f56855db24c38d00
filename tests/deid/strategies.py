"""Hypothesis makes data sets: every row of the table, every VR, character set and form."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st
from pydicom.charset import convert_encodings, encode_string
from pydicom.datadict import dictionary_VR

from tests.deid.build import (
    CT,
    EXPLICIT,
    FORMS,
    JPEG,
    MIXED_FORMS,
    E,
    Form,
    Fragments,
    Odd,
    encode,
    image,
    part10,
)
from tests.deid.test_table import ROWS, SOP_CLASSES, UNIQUE

ALL_FORMS = {**FORMS, **MIXED_FORMS}
# terms of (0008,0005) with what can be written in them
CHARACTER_SETS = {
    "": "Plain text 42",
    "ISO_IR 100": "Grüße à Zoë çÿ",
    "ISO_IR 144": "Люксембург",
    "ISO_IR 192": "Straße 山田 ☃ Zoë",
    "\\ISO 2022 IR 87": "Yamada 山田 太郎",
    "ISO 2022 IR 13\\ISO 2022 IR 87": "ﾔﾏﾀﾞ 山田",
    "\\ISO 2022 IR 149": "Hong 김희중",
    "GB18030": "王小东 表 Wang",  # 表 ends in a byte that looks like a backslash in some sets
    "ISO_IR 999": "unknown set",
}
TEXT_VRS = ["LO", "SH", "ST", "LT", "UC", "UT", "PN"]

# what no row of the table names: kept attributes of every VR, curious ones, and none at all
_BESIDE = {
    0x00080000: "UL", 0x00080008: "CS", 0x00080064: "CS", 0x00080070: "LO", 0x00080100: "SH",
    0x00081090: "LO", 0x00181020: "LO", 0x00180015: "CS", 0x00180050: "DS", 0x00180060: "DS",
    0x00181060: "DS", 0x00181151: "IS", 0x00189423: "LO", 0x00189087: "FD", 0x00189073: "FD",
    0x00189461: "FL", 0x00200011: "IS", 0x00200013: "IS", 0x00200032: "DS", 0x00201041: "DS",
    0x00280008: "IS", 0x00280009: "AT", 0x00280106: "US", 0x00280120: "US", 0x00281050: "DS",
    0x00281052: "DS", 0x00281055: "LO", 0x00281101: "US", 0x00281201: "OW", 0x00282000: "OB",
    0x00280303: "CS", 0x00120062: "CS", 0x00283003: "LO", 0x00287FE0: "UR", 0x00081199: "SQ",
    0x00186020: "SL", 0x00186018: "UL", 0x00189219: "SS", 0x00720082: "SV", 0x00720083: "UV",
    0x00080120: "UR", 0x00081F1F: "LO", 0x0040A30A: "DS", 0x0040A161: "FD", 0x00540081: "US",
    0x50002500: "LO", 0x501E3000: "OW", 0x60000010: "US", 0x60000022: "LO", 0x60000040: "CS",
    0x60000050: "SS", 0x60003000: "OW", 0x60021500: "LO", 0x60020040: "CS", 0x7FE10010: "LO",
    0x7FE11001: "OB", 0xFFFCFFFC: "OB", 0x00090010: "LO", 0x00090011: "LO", 0x00091001: "LO",
    0x00091002: "UN", 0x00091003: "SQ", 0x00091101: "DS", 0x00E10010: "LO", 0x00E11021: "DS",
    0x00E11099: "LO", 0x70530010: "LO", 0x70531000: "DS", 0x70531009: "DS", 0x00250011: "UT",
}  # fmt: skip
_PRIVATE_BLOCK = [0x00090010, 0x00091001, 0x00091002, 0x00091003, 0x00E10010, 0x00E11021]
_CREATORS = [b"ACME 1.0", b"ELSCINT1", b"Philips PET Private Group", b"", b"Lindqvist"]
_SEQUENCES = [0x00189006, 0x00540016, 0x00081140, 0x0040A730, 0x00400275, 0x00089215, 0x00081199]
_PIXELS = {
    0x00280002,
    0x00280010,
    0x00280011,
    0x00280100,
    0x00280008,
    *range(0x7FE00000, 0x7FE10000),
}
_NUMBERS = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "AT": 4, "FD": 8, "UV": 8, "SV": 8}
_TAGS = sorted({*ROWS, *_BESIDE} - _PIXELS - {0x00080005, *UNIQUE})


class Made(NamedTuple):
    """A data set and how it is written."""

    elements: dict[int, E]
    form: Form
    sop_class: str
    padding: bytes = b""

    def file(self) -> bytes:
        whole = [self.elements[tag] for tag in sorted(self.elements)]
        body = encode(whole, self.form) + self.padding
        return part10(body, self.form.syntax, sop_class=self.sop_class)


def vr_of(tag: int) -> str:
    if tag in _BESIDE:
        return _BESIDE[tag]
    try:
        return dictionary_VR(tag).split(" or ")[0]
    except KeyError:
        return "LO"


def text(term: str) -> st.SearchStrategy[bytes]:
    """Texts as a character set writes them, some of which repeat an identity."""
    encodings = convert_encodings(term.split("\\")) if term != "ISO_IR 999" else ["latin-1"]
    alphabet = CHARACTER_SETS[term]
    words = st.sampled_from(
        ["", " ", "CT CHEST W/CONTRAST", "thorax 12", "AX 2.5MM", "for Tova", "20240229", "a\\b"]
    )
    free = st.text(alphabet=alphabet + "\\^= ", max_size=12)
    return st.one_of(words, free, st.just(alphabet)).map(
        lambda chosen: bytes(encode_string(chosen, encodings))
    )


_DATES = st.sampled_from(
    [b"20240229", b"19991231", b"2024", b"20241301", b"", b"20240101\\20240102", b"notadate", b" "]
)
_DATETIMES = st.sampled_from(
    [b"20240229235959.5+0100", b"2024", b"202402", b"20240229", b"99991231235959", b"junk", b""]
)
_TIMES = st.sampled_from(
    [b"235959.999999", b"12", b"1200", b"999999", b"", b"120000\\130000", b"x"]
)
_AGES = st.sampled_from([b"045Y", b"090Y", b"089Y", b"1200D", b"999M", b"45", b"", b"old!"])
_DECIMALS = st.sampled_from([b"1.5", b"-0.5\\+1e3", b" 7 ", b"", b"1,5", b"007\0", b"\\"])
_UIDS = st.sampled_from(
    [
        b"1.2.3.4",
        b"1.2.3\\1.2.4",
        b"1.2.840.10008.1.2",
        b"",
        b"1.2.9\0",
        b"not a uid",
        b"1.2.999.77",
    ]
)
_CODES = st.sampled_from(
    [b"CT", b"HEAD", b"ORIGINAL\\PRIMARY", b" R", b"R", b"", b"lower case", b"\xe9"]
)
_URIS = st.sampled_from([b"http://example.org/x", b"", b"urn:oid:1.2.3"])


@st.composite
def numbers(draw: st.DrawFn, vr: str) -> bytes:
    size = _NUMBERS[vr]
    value = draw(st.binary(min_size=0, max_size=3 * size))
    is_whole = draw(st.integers(0, 9)) > 0
    return value[: len(value) // size * size] if is_whole else value


def value_of(vr: str, term: str) -> st.SearchStrategy[bytes]:
    """Values of a VR, most of them valid."""
    if vr in _NUMBERS:
        return numbers(vr)
    return {
        "DA": _DATES, "DT": _DATETIMES, "TM": _TIMES, "AS": _AGES, "DS": _DECIMALS,
        "IS": _DECIMALS, "UI": _UIDS, "CS": _CODES, "AE": _CODES, "UR": _URIS,
    }.get(vr) or (text(term) if vr in TEXT_VRS else st.binary(max_size=24))  # fmt: skip


@st.composite
def elements(draw: st.DrawFn, tag: int, term: str, depth: int) -> E:
    """An element; a few of them odd in length or written as another VR."""
    vr = vr_of(tag)
    if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
        return E(tag, "LO", draw(st.sampled_from(_CREATORS)))
    if vr == "SQ":
        if depth <= 0:
            return E(tag, vr, [])
        count = draw(st.integers(0, 2))
        return E(tag, vr, [draw(items(term, depth - 1)) for _ in range(count)])
    value = draw(value_of(vr, term))
    chance = draw(st.integers(0, 39))
    if chance == 0:
        vr = draw(st.sampled_from(["UN", "LO", "UT", "OB", "DS", "CS"]))
    return E(tag, vr, Odd(value) if chance in (1, 2) else value)


@st.composite
def items(draw: st.DrawFn, term: str, depth: int) -> list[E]:
    """An item; now and then with a character set of its own."""
    if draw(st.integers(0, 9)) == 0:
        term = draw(st.sampled_from(sorted(CHARACTER_SETS)))
        own = [E(0x00080005, "CS", term.encode())]
    else:
        own = []
    tags = draw(st.lists(st.sampled_from(_TAGS), max_size=6, unique=True))
    if depth and draw(st.booleans()):
        tags.append(draw(st.sampled_from([tag for tag in _SEQUENCES if tag not in tags])))
    return sorted([*own, *(draw(elements(tag, term, depth)) for tag in tags)])


_SYNTAXES = [*ALL_FORMS.values(), Form(EXPLICIT), Form(EXPLICIT), Form(JPEG), Form(JPEG)]


@st.composite
def data_sets(draw: st.DrawFn, *, most: int = 24, depth: int = 3) -> Made:
    """An instance."""
    form = draw(st.sampled_from(_SYNTAXES))
    sop_class = draw(st.sampled_from([CT, CT, CT, *SOP_CLASSES.values()]))
    term = draw(st.sampled_from(sorted(CHARACTER_SETS)))
    extra = {} if term == "" else {0x00080005: E(0x00080005, "CS", term.encode())}
    tags = draw(st.lists(st.sampled_from(_TAGS), max_size=most, unique=True))
    tags += [
        tag
        for tag in draw(st.lists(st.sampled_from(_SEQUENCES), max_size=2, unique=True))
        if tag not in tags
    ]
    if draw(st.integers(0, 2)) == 0:
        tags += [tag for tag in _PRIVATE_BLOCK if tag not in tags]
    extra |= {tag: draw(elements(tag, term, depth)) for tag in tags}
    whole = {element.tag: element for element in image(*extra.values(), sop_class=sop_class)}
    if form.syntax == JPEG:
        fragments = draw(st.lists(st.binary(max_size=40).map(even), min_size=1, max_size=3))
        whole[0x7FE00010] = E(0x7FE00010, "OB", Fragments((b"", *fragments)))
    if draw(st.integers(0, 9)) == 0:  # a header longer than what is read at once
        whole[0x00282000] = E(0x00282000, "OB", draw(st.sampled_from([70_000, 140_000])) * b"i")
    padding = bytes(draw(st.sampled_from([0, 0, 0, 2, 8, 300])))
    return Made(whole, form, sop_class, padding)


def even(value: bytes) -> bytes:
    return value + bytes(len(value) % 2)
