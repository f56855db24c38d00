"""Both executors make the same of every file: outcome and bytes.

The fast one remembers from file to file; the slow one starts anew for each.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings

from anontui.deid import Deidentifier, Pseudonym, Reason
from tests.deid.build import (
    BIG,
    CT,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    JPEG,
    KEY,
    PERMISSIVE,
    PSEUDONYM,
    E,
    Form,
    Fragments,
    Odd,
    encode,
    file_of,
    image,
    part10,
)
from tests.deid.executors import IS_NIGHT, Pair, counted
from tests.deid.policies import POLICIES
from tests.deid.strategies import ALL_FORMS, CHARACTER_SETS, Made, data_sets
from tests.deid.test_corpus import FILES

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

SLOW_FORMS = {"big endian", "deflated"}
SLOW_POLICIES = {"choice", "time shifted"}
KEPT_SEQUENCE = 0x00189006
KEPT_TEXT = 0x00283003  # Modality LUT Explanation


BY_DAY = ["basic", "everything that stays", "scrub"]


@pytest.mark.parametrize("policy", POLICIES if IS_NIGHT else BY_DAY)
def test_corpus(policy: str, tmp_path: Path) -> None:
    pair = Pair(POLICIES[policy], tmp_path)
    for path in FILES:
        if path.stat().st_size < 30_000 or policy == "basic" or IS_NIGHT:
            pair.same(path.read_bytes())
    assert pair.ways.total() > 40


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=1500 if IS_NIGHT else 10)
@given(made=data_sets())
def test_made_data_sets(policy: str, made: Made) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Pair(POLICIES[policy], Path(folder)).same(made.file())


# --- the fast way is really gone


def plain(form: Form) -> bytes:
    """What a scanner writes: private groups, sequences, dates, and a text in every VR."""
    code = [E(0x00080100, "SH", b"T-D3000"), E(0x00080102, "SH", b"SRT")]
    reference = [E(0x00081150, "UI", CT.encode()), E(0x00081155, "UI", b"1.2.3.9")]
    return file_of(
        E(0x00080005, "CS", b"ISO_IR 100"),
        E(0x00080008, "CS", b"ORIGINAL\\PRIMARY"),
        E(0x00080020, "DA", b"20240229"),
        E(0x00080030, "TM", b"101112.5"),
        E(0x00080070, "LO", b"Maker"),
        E(0x00080090, "PN", "Müller^Zoë".encode("latin-1")),
        E(0x00081030, "LO", b"CT CHEST W/CONTRAST"),
        E(0x0008103E, "LO", "Schädel 2,5".encode("latin-1")),
        E(0x00081140, "SQ", [reference, reference]),
        E(0x00082218, "SQ", [code]),
        E(0x00090010, "LO", b"ACME 1.0"),
        E(0x00091001, "LO", b"secret"),
        E(0x00101010, "AS", b"045Y"),
        E(0x00180050, "DS", b"2.5"),
        E(0x00189423, "LO", b"protocol 7"),
        E(0x00200013, "IS", b"7"),
        E(0x00200052, "UI", b"1.2.3.7"),
        E(0x00281050, "DS", b"40\\400"),
        E(0x00400275, "SQ", [[E(0x00400007, "LO", b"thorax")], []]),
        E(0x7FE10010, "LO", b"ACME 1.0"),
        form=form,
    )


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("form", ALL_FORMS)
def test_plain_files_go_the_fast_way(policy: str, form: str, tmp_path: Path) -> None:
    """Otherwise all the other comparisons here would compare the slow one with itself."""
    pair = Pair(POLICIES[policy], tmp_path)
    for _ in range(3):
        assert pair.same(plain(ALL_FORMS[form])).status == "done"
    is_slow = form in SLOW_FORMS or policy in SLOW_POLICIES
    assert pair.ways == {"slow" if is_slow else "fast": 3}


def test_most_of_the_corpus_goes_the_fast_way(tmp_path: Path) -> None:
    pair = Pair(PERMISSIVE, tmp_path)
    for path in FILES:
        pair.fast(path.read_bytes())
    assert pair.ways["fast"] > 70, pair.ways


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
def test_received_instances(syntax: str) -> None:
    body = encode(image(), Form(syntax))
    if syntax == DEFLATED:
        body = part10(body, syntax)  # as WADO-RS sends it: a whole file
        syntax = ""
    results = []
    for fast in (True, False):
        with counted() as slow_runs:
            engine = Deidentifier(PERMISSIVE, KEY, PSEUDONYM, fast=fast)
            results.append(engine.instance(body, syntax))
        assert bool(slow_runs) is (not fast or syntax not in (IMPLICIT, EXPLICIT))
    assert results[0] == results[1]
    assert results[0][0].status == "done"
    assert results[0][1][128:132] == b"DICM"


# --- what is easy to get wrong

TRAPS: dict[str, Callable[[Form], bytes]] = {
    "what is put in is there already": lambda form: file_of(
        E(0x00120062, "CS", b"NO"),
        E(0x00120063, "LO", b"another program"),
        E(0x00120064, "SQ", [[E(0x00080100, "SH", b"113107")]]),
        E(0x00280303, "CS", b"UNMODIFIED"),
        form=form,
    ),
    "a name that touches the next tag": lambda form: file_of(
        E(KEPT_TEXT, "LO", b"for Tova"), E(0x00540081, "US", 1), form=form
    ),
    "a name that touches its length": lambda form: file_of(
        E(0x00284000, "LT", b"Tova" + b" " * (0x3132 - 4)), form=form
    ),
    "a name inside a word": lambda form: file_of(E(KEPT_TEXT, "LO", b"Tovarich"), form=form),
    "a name that folds to ASCII": lambda form: file_of(
        E(0x00080005, "CS", b"ISO_IR 192"),
        E(0x00100010, "PN", "Strauß".encode()),
        E(KEPT_TEXT, "LO", b"STRAUSS "),
        form=form,
    ),
    "an id that is not ASCII in bytes": lambda form: file_of(
        E(0x00080005, "CS", b"ISO_IR 100"),
        E(0x00100020, "LO", "MÜLLER-1".encode("latin-1")),
        E(0x00282000, "OB", b"..m\xfcller-1.."),
        form=form,
    ),
    "two pixel data": lambda form: file_of(
        E(0x7FE00008, "OF", bytes(16)), E(0xFFFCFFFC, "OB", b"xx"), form=form
    ),
    "pixel data in a sequence": lambda form: file_of(
        E(KEPT_SEQUENCE, "SQ", [[E(0x7FE00010, "OW", bytes(8))]]), form=form
    ),
    "empty pixel data": lambda form: file_of(
        E(0x7FE00010, "OW", b""), E(0x00280010, "US", 0), form=form
    ),
    "pixel data too short": lambda form: file_of(E(0x7FE00010, "OW", bytes(6)), form=form),
    "odd pixel data": lambda form: file_of(E(0x7FE00010, "OW", Odd(bytes(9))), form=form),
    "a tail that obeys rules": lambda form: file_of(
        E(0x7FE10010, "LO", b"ACME 1.0"),
        E(0x7FE11001, "OB", b"secret"),
        E(0xFFFAFFFA, "SQ", [[E(0x04000120, "OB", b"x")]]),
        E(0xFFFCFFFC, "OB", bytes(10)),
        form=form,
    ),
    "no pixel data": lambda form: part10(
        encode(image(sop_class="1.2.840.10008.5.1.4.1.1.66")[:-9], form), form.syntax
    ),
    "no patient": lambda form: part10(
        encode([e for e in image() if e.tag >> 16 != 0x10], form), form.syntax
    ),
    "an empty Patient ID": lambda form: file_of(E(0x00100020, "LO", b""), form=form),
    "a UID that is missing": lambda form: file_of(E(0x0020000D, "UI", b""), form=form),
    "a color palette": lambda form: file_of(form=form, sop_class="1.2.840.10008.5.1.4.39.1"),
    "text in a number": lambda form: file_of(E(0x00180050, "DS", b"MRN"), form=form),
    "odd lengths": lambda form: file_of(
        E(0x00080060, "CS", Odd(b"CT ")),
        E(0x00080070, "LO", Odd(b"Maker")),
        E(0x00080020, "DA", Odd(b"2024022")),
        E(KEPT_SEQUENCE, "SQ", [[E(0x00080070, "LO", Odd(b"Maker"))]]),
        form=form,
    ),
    "a group length": lambda form: file_of(E(0x00080000, "UL", 400), form=form),
    "a long header": lambda form: file_of(
        E(0x00282000, "OB", b"i" * 70_000), E(0x00281201, "OW", b"w" * 500_000), form=form
    ),
    "a value at the edge of what is read": lambda form: file_of(
        E(0x00282000, "OB", b"i" * (65536 - 590)), form=form
    ),
    "a long sequence": lambda form: file_of(
        E(KEPT_SEQUENCE, "SQ", [[E(0x00081155, "UI", b"1.2.9")]] * 400), form=form
    ),
    "an own character set inside": lambda form: file_of(
        E(0x00080005, "CS", b"ISO_IR 100"),
        E(
            KEPT_SEQUENCE,
            "SQ",
            [[E(0x00080005, "CS", b"ISO_IR 192"), E(0x00080070, "LO", "Zoë".encode())]],
        ),
        form=form,
    ),
    "another pixel syntax, fragments": lambda form: part10(
        encode([*image()[:-1], E(0x7FE00010, "OB", Fragments((b"", b"abcd")))], form), JPEG
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", ALL_FORMS)
@pytest.mark.parametrize("trap", TRAPS)
def test_trap(trap: str, form: str, tmp_path: Path) -> None:
    data = TRAPS[trap](ALL_FORMS[form])
    for policy in ("basic", "everything that stays"):
        pair = Pair(POLICIES[policy], tmp_path)
        for _ in range(2):
            pair.same(data)


@pytest.mark.parametrize("term", CHARACTER_SETS)
@pytest.mark.parametrize("pseudonym", [PSEUDONYM, Pseudonym("病-1", "山田^太郎")])
def test_character_sets(term: str, pseudonym: Pseudonym, tmp_path: Path) -> None:
    encoding = {"ISO_IR 100": "latin-1", "ISO_IR 144": "iso8859-5", "ISO_IR 192": "utf-8"}.get(
        term, "gb18030" if term == "GB18030" else "ascii"
    )
    text = CHARACTER_SETS[term].encode(encoding, "ignore")
    kept = [E(0x00080070, "LO", text), E(KEPT_SEQUENCE, "SQ", [[E(0x00080070, "LO", text)]])]
    pair = Pair(PERMISSIVE, tmp_path, pseudonym)
    outcome = pair.same(file_of(E(0x00080005, "CS", term.encode()), *kept))
    assert outcome.code is (Reason.CHARACTER_SET if term == "ISO_IR 999" else None)
    if outcome.status == "done":
        assert outcome.patient_id == pseudonym.patient_id


def test_reserved_bytes_are_no_hiding_place(tmp_path: Path) -> None:
    """Two bytes between a long VR and its length mean nothing (PS3.5 section 7.1.2)."""
    data = file_of(E(0x00282000, "OB", b"profile!")).replace(
        b"OB\0\0" + struct.pack("<L", 8), b"OBMR" + struct.pack("<L", 8)
    )
    assert b"OBMR" in data
    pair = Pair(PERMISSIVE, tmp_path)
    pair.same(data)
    assert b"OBMR" not in pair.result
