"""Text stays right, whatever set the file and the pseudonym are in."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pydicom
import pytest

from anontui.deid import Pseudonym, Reason
from anontui.errors import DeidError
from tests.deid.build import FORMS, E, Form, done, file_of, run

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

MAKER = 0x00080070
SEQUENCE = 0x00189006
CHARSET = 0x00080005
ASCII = Pseudonym("P-1", "Plain^Name")
JAPANESE = Pseudonym("番号-1", "山田^太郎")

# character set: (encoded, what it says)
TEXTS = {
    b"ISO_IR 100": ("Müller & Søn".encode("latin-1"), "Müller & Søn"),
    b"ISO_IR 101": ("Škoda".encode("iso8859-2"), "Škoda"),
    b"ISO_IR 126": ("Ακμή".encode("iso8859-7"), "Ακμή"),
    b"ISO_IR 144": ("Рентген".encode("iso8859-5"), "Рентген"),
    b"ISO_IR 192": ("放射線".encode(), "放射線"),
    b"GB18030": ("医疗".encode("gb18030"), "医疗"),
    b"\\ISO 2022 IR 87": ("医療".encode("iso2022_jp"), "医療"),
    b"ISO-IR 100": ("Müller".encode("latin-1"), "Müller"),
    b"": (b"Plain", "Plain"),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(("term", "text"), TEXTS.items())
@pytest.mark.parametrize("pseudonym", [ASCII, JAPANESE], ids=["ascii", "japanese"])
def test_kept_text_and_pseudonym(
    term: bytes, text: tuple[bytes, str], pseudonym: Pseudonym, form: Form, tmp_path: Path
) -> None:
    encoded, decoded = text
    own_set = [E(CHARSET, "CS", b"ISO_IR 148"), E(MAKER, "LO", "Işın".encode("iso8859-9"))]
    items = [[E(MAKER, "LO", encoded), E(0x00100010, "PN", b"x")], own_set]
    dataset = done(
        file_of(
            E(CHARSET, "CS", term), E(MAKER, "LO", encoded), E(SEQUENCE, "SQ", items), form=form
        ),
        tmp_path,
        pseudonym=pseudonym,
    )
    first, second = dataset[SEQUENCE].value
    assert dataset.Manufacturer == first.Manufacturer == decoded
    assert second.Manufacturer == "Işın"
    assert (dataset.PatientID, dataset.PatientName) == (
        pseudonym.patient_id,
        pseudonym.patient_name,
    )
    assert first.PatientName == pseudonym.patient_name
    if pseudonym is JAPANESE:
        assert dataset.SpecificCharacterSet == second.SpecificCharacterSet == "ISO_IR 192"


def test_kept_text_is_the_same_bytes(tmp_path: Path) -> None:
    encoded, _ = TEXTS[b"\\ISO 2022 IR 87"]
    data = file_of(E(CHARSET, "CS", b"\\ISO 2022 IR 87"), E(MAKER, "LO", encoded))
    _, result = run(data, tmp_path)
    assert encoded in result


@pytest.mark.parametrize("pseudonym", [ASCII, JAPANESE])
def test_text_that_is_not_in_its_set_goes(pseudonym: Pseudonym, tmp_path: Path) -> None:
    data = file_of(E(CHARSET, "CS", b"ISO_IR 192"), E(MAKER, "LO", b"M\xfcller"))
    outcome, result = run(data, tmp_path, pseudonym=pseudonym)
    assert outcome.counts["delete_invalid"] == 1
    assert "Manufacturer" not in pydicom.dcmread(BytesIO(result))


@pytest.mark.parametrize("depth", [0, 1])
def test_unknown_set_is_held(depth: int, tmp_path: Path) -> None:
    term = E(CHARSET, "CS", b"LINDQVIST^TOVA")
    outcome, _ = run(file_of(E(SEQUENCE, "SQ", [[term]]) if depth else term), tmp_path)
    assert outcome.code is Reason.CHARACTER_SET
    assert "LINDQVIST" not in outcome.reason


@pytest.mark.parametrize(
    ("patient_id", "patient_name"),
    [("", "A"), (" ", "A"), ("a\\b", "A"), ("a", "b\nc"), ("x" * 65, "A"), ("a", "\x1b$B")],
)
def test_impossible_pseudonym(patient_id: str, patient_name: str) -> None:
    with pytest.raises(DeidError) as caught:
        Pseudonym(patient_id, patient_name)
    assert caught.value.advice


def test_pseudonym_is_set_where_there_was_none(tmp_path: Path) -> None:
    dataset = done(file_of(E(0x00100010, "PN", b""), E(0x00100020, "LO", b"")), tmp_path)
    assert (dataset.PatientID, dataset.PatientName) == ("PSEUDO-7", "Pseudo^Seven")
    without = file_of().replace(b"\x10\0\x20\0LO", b"\x11\0\x20\0LO")
    assert done(without, tmp_path).PatientID == "PSEUDO-7"
