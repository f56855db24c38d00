"""Scrubbed texts: who, when and where goes; what was examined stays."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pydicom
import pytest

from anontui.deid import Option, Policy
from anontui.deid.values.scrub import Scrubber
from tests.deid.build import FORMS, PERMISSIVE, E, file_of
from tests.deid.executors import Pair
from tests.deid.test_fuzz import no_hang

PATIENT = {
    0x00100010: ("PN", "Müller-Lindqvist^Zoë Maria^^Dr."),
    0x00100020: ("LO", "MRN-190284"),
    0x00100030: ("DA", "19020304"),
    0x00080050: ("SH", "ACC4711"),
    0x00080090: ("PN", "O'Neill^Seán"),
    0x00080080: ("LO", "St. Elsewhere Hospital"),
    0x00101040: ("LO", "Hauptstraße 12, Würzburg"),
    0x00080020: ("DA", "20240229"),
}


def scrubber() -> Scrubber:
    made = Scrubber()
    for tag, (vr, text) in PATIENT.items():
        assert Scrubber.wants(tag, vr)
        made.collect(tag, vr, text)
    return made


TELLING = [
    # a text, and what must be gone of it
    ("thorax Müller-Lindqvist", "lindqvist"),
    ("THORAX MÜLLER", "müller"),
    ("thorax MULLER", "muller"),  # without its accent
    ("thorax muller lindqvist", "lindqvist"),
    ("Zoe, thorax", "zoe"),
    ("ZOË", "zoë"),
    ("thorax Zoe\u0308 decomposed", "zoe"),
    ("Maria's thorax", "maria"),
    ("ref. O'Neill", "neill"),
    ("ref. Sean", "sean"),
    ("MRN-190284", "190284"),
    ("mrn-190284", "190284"),
    ("MRN 190284", "190284"),
    ("mrn190284", "190284"),
    ("id 190284", "190284"),
    ("acc4711 thorax", "acc4711"),
    ("St. Elsewhere CT", "elsewhere"),
    ("born 19020304", "19020304"),
    ("born 1902-03-04", "1902"),
    ("born 04.03.1902", "1902"),
    ("born 4.3.02", "4.3.02"),
    ("born 3/4/1902", "1902"),
    ("born 03/04/02", "03/04"),
    ("born 4 March 1902", "march"),
    ("born March 4th, 1902", "march"),
    ("born 04-MAR-1902", "mar"),
    ("born 4. März 1902", "1902"),
    ("born 4 maart 1902", "1902"),
    ("scan 20240229", "20240229"),
    ("scan 2024.02.29", "2024"),
    ("scan at 10:11:12", "10:11"),
    ("tel. +49 931 1234567", "1234567"),
    ("tel 0931/123456", "123456"),
    ("call (020) 7946 0018", "7946"),
    ("call 020-7946-0018", "7946"),
    ("zoe@example.org", "example"),
    ("see https://pacs.example.org/x?id=1", "example"),
    ("Hauptstraße 12", "hauptstra"),
    ("Hauptstr. 12", "hauptstr"),
    ("12 Baker Street", "baker"),
    ("Keizersgracht 101", "keizersgracht"),
    ("1016 XB Amsterdam", "1016"),
    ("for Dr. House", "house"),
    ("for Prof. Van Helsing", "helsing"),
    ("Mr Smith", "smith"),
    ("Frau Schmidt", "schmidt"),
    ("case 1234567", "1234567"),
    ("case AB123456", "123456"),
    ("SSN 078-05-1120", "1120"),
]


@pytest.mark.parametrize(("text", "gone"), TELLING)
def test_what_tells_goes(text: str, gone: str) -> None:
    assert gone not in scrubber().scrub(text).casefold()


ORDINARY = [
    "CT CHEST W/CONTRAST 2.5MM",
    "AX T2 FLAIR FS 3mm",
    "t1_mprage_sag_p2_iso",
    "Thorax 1.0 B70f",
    "HEAD ROUTINE 5.0 H31s",
    "ep2d_diff_b0_b1000",
    "LUNG 1.25MM RECON 2",
    "Schädel nativ 2,5 mm",
    "Knie links 3D",
    "PA and lateral chest",
    "MR Knee LT w/o",
    "C+ 70s",
    "L-SPINE AP/LAT",
    "DWI b=1000 ADC",
    "Abdomen/Becken KM venös",
    "4D Flow 30 phases",
    "T1W_TSE 512x512",
    "Coronal MPR 3/3",
    "PET CT WB 18F-FDG",
    "Whole body 0.5 T",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_descriptions_stay(text: str) -> None:
    assert scrubber().scrub(text) == text


@pytest.mark.parametrize("text", [text for text, _ in TELLING] + ORDINARY)
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    once = scrubber().scrub(text)
    assert scrubber().scrub(once) == once


@pytest.mark.parametrize(
    "unit", ["a", "1", "a.", "1 ", "(", "1-", "1 jan ", "1 a", "a@", "Dr. ", "ß"]
)
def test_no_text_takes_for_ever(unit: str) -> None:
    """Patterns that try each way to divide a long text would."""
    with no_hang():
        scrubber().scrub((unit * 65_536)[:65_536])


def test_what_stays_beside_what_goes() -> None:
    assert scrubber().scrub("CT thorax Zoë Müller, MRN-190284, 29.02.2024") == "CT thorax"
    assert scrubber().scrub("Zoë Müller") == ""
    assert scrubber().scrub("(Zoë) thorax") == "thorax"
    assert scrubber().scrub("line one\r\nMRN-190284\r\nline three") == "line one\nline three"


@pytest.mark.parametrize("form", ["explicit", "implicit", "undefined lengths", "big endian"])
@pytest.mark.parametrize("depth", [0, 1])
def test_in_a_file(form: str, depth: int, tmp_path: Path) -> None:
    """What tells is collected from the whole header, at any depth; the report says what stayed."""
    policy = Policy.build(
        options=[Option.CLEAN_DESCRIPTORS], clean_by="scrub", filters=PERMISSIVE.filters
    )
    pair = Pair(policy, tmp_path)
    hidden = [E(0x00081050, "PN", b"Haddock^Archibald")]
    text = E(0x00081030, "LO", "CT thorax Zoë Müller Haddock 2.5MM".encode("latin-1"))
    elements = [
        E(0x00080005, "CS", b"ISO_IR 100"),
        E(0x00100010, "PN", "Müller^Zoë".encode("latin-1")),
        E(0x00081140, "SQ", [hidden]),
        E(0x00189006, "SQ", [[text]]) if depth else text,
    ]
    data = file_of(*elements, form=FORMS[form])
    outcome = pair.same(data)
    assert outcome.status == "done", outcome.reason
    assert outcome.cleaned == ((0x00081030, "CT thorax 2.5MM"),)
    dataset = pydicom.dcmread(BytesIO(pair.result))
    place = dataset[0x00189006].value[0] if depth else dataset
    assert place.StudyDescription == "CT thorax 2.5MM"


def test_nothing_left_is_what_the_table_says(tmp_path: Path) -> None:
    policy = Policy.build(
        options=[Option.CLEAN_DESCRIPTORS], clean_by="scrub", filters=PERMISSIVE.filters
    )
    pair = Pair(policy, tmp_path)
    data = file_of(E(0x00081030, "LO", b"Tova Lindqvist"))
    assert pair.same(data).cleaned == ()
    assert "StudyDescription" not in pydicom.dcmread(BytesIO(pair.result))
