from __future__ import annotations

import hashlib
import itertools
import os
import threading
import zlib
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import UID

from anontui.dicom import header
from anontui.dicom.header import FolderSummary, HeaderFacts, facts, summarise
from anontui.dicom.recognise import Element, Encoding, FileKind, kind_of, read_element
from anontui.dicom.scan import scan
from anontui.events import Progress, result_of
from tests.dicom.files import BIG, DEFLATED, EXPLICIT, IMPLICIT, dataset, dicom_bytes, to_bytes
from tests.dicom.test_recognise import element, pydicom_files

SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]


def facts_of(content: bytes, folder: Path) -> HeaderFacts | None:
    (folder / "file").write_bytes(content)
    return facts(folder / "file")


def nested(ds: Dataset, *, undefined: bool) -> Dataset:
    """``ds`` with sequences before the elements we want, holding the same elements."""
    inner = Dataset()
    inner.StudyInstanceUID = "9.9.9"
    inner.PatientID = "someone else"
    outer = Dataset()
    outer.ReferencedSOPInstanceUID = "9.9"
    outer.add_new("ReferencedSeriesSequence", "SQ", [inner, inner])
    ds.add_new("ReferencedStudySequence", "SQ", [outer, Dataset(), outer])
    ds.add_new("ReferencedPatientSequence", "SQ", [])
    for holder in (outer, ds):
        for each in holder:
            if each.VR == "SQ":
                each.is_undefined_length = undefined
                for item in each.value:
                    item.is_undefined_length_sequence_item = undefined
    return ds


@pytest.mark.parametrize("preamble", [True, False])
@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_facts_of_every_encoding(
    syntax: UID, undefined: bool, preamble: bool, tmp_path: Path
) -> None:
    preamble |= syntax == DEFLATED  # which only the file meta information tells
    content = to_bytes(nested(dataset(), undefined=undefined), syntax, preamble=preamble)
    found = facts_of(content, tmp_path)
    assert found
    assert (found.modality, found.study_instance_uid) == ("CT", "1.2.826.0.1.1")
    assert found.series_instance_uid == "1.2.826.0.1.1.1"
    assert found == facts_of(dicom_bytes(), tmp_path)


@pytest.mark.parametrize("undefined", [True, False])
def test_elements_inside_sequences_do_not_count(undefined: bool, tmp_path: Path) -> None:
    ds = nested(dataset(), undefined=undefined)
    del ds.StudyInstanceUID
    found = facts_of(to_bytes(ds), tmp_path)
    assert found
    assert found.study_instance_uid == ""


def test_an_unknown_sequence_is_implicit_inside(tmp_path: Path) -> None:
    unknown = (
        b"\x10\0\x02\x10UN\0\0\xff\xff\xff\xff"
        b"\xfe\xff\0\xe0\xff\xff\xff\xff"
        b"\x20\0\x0d\0\4\0\0\x009.9\0"
        b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    )
    content = dicom_bytes(preamble=False)
    at = content.index(b"\x20\0\x0d\0UI")
    assert facts_of(content[:at] + unknown + content[at:], tmp_path) == facts_of(content, tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pydicom_finds_the_same_in_all_its_files() -> None:
    paths = [path for path in pydicom_files() if kind_of(path) is FileKind.DICOM]
    assert len(paths) > 200
    for path in paths:
        ds = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        names = ("Modality", "StudyInstanceUID", "SeriesInstanceUID")
        found = facts(path)
        assert found
        expected = tuple(str(ds.get(name) or "") for name in names)
        assert (found.modality, found.study_instance_uid, found.series_instance_uid) == expected


def test_the_patient_is_counted_and_not_named(tmp_path: Path) -> None:
    one, same, other, none = (
        facts_of(dicom_bytes(patient_id=patient), tmp_path)
        for patient in ("12345678", "12345678 ", "12345679", "")
    )
    assert one and same and other and none
    assert one == same
    assert len({one.patient_key, other.patient_key, none.patient_key}) == 3
    assert "1234567" not in repr(one)
    assert one.patient_key != hashlib.blake2b(b"12345678", digest_size=16).hexdigest()
    assert len(one.patient_key) == 32


def test_missing_elements_are_empty(tmp_path: Path) -> None:
    ds = dataset()
    del ds.Modality, ds.PatientID, ds.StudyInstanceUID, ds.SeriesInstanceUID
    found = facts_of(to_bytes(ds), tmp_path)
    assert found
    assert (found.modality, found.study_instance_uid, found.series_instance_uid) == ("", "", "")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_control_characters_do_not_reach_the_screen(tmp_path: Path) -> None:
    found = facts_of(dicom_bytes(modality="C\x1b[2J\xe9"), tmp_path)
    assert found
    assert found.modality == "C?[2J\ufffd"


def test_what_is_no_dicom_file_has_no_facts(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("Not DICOM")
    (tmp_path / "empty").touch()
    names = ("pipe", "text", "empty", "missing", "")
    assert [facts(tmp_path / name) for name in names] == [None] * 5


@pytest.mark.parametrize("group", [2, 8])
def test_a_file_of_very_many_elements_is_given_up(
    group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = itertools.count()

    def counted(head: bytes, at: int, encoding: Encoding) -> Element | None:
        next(count)
        return read_element(head, at, encoding)

    monkeypatch.setattr(header, "read_element", counted)
    assert facts_of(bytes(128) + b"DICM" + element(group, 0x10, b"UI", b"") * 200_000, tmp_path)
    assert next(count) < 120_000


def test_a_deflated_bomb_is_not_inflated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = to_bytes(dataset(), DEFLATED)
    meta = content[: 144 + int.from_bytes(content[140:144], "little")]
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = deflate.compress(element(8, 5, b"CS", b"A" * 60000) * 500) + deflate.flush()
    assert len(bomb) < 1 << 20
    inflate, sizes = zlib.decompressobj, []

    class Measured:
        def __init__(self, wbits: int) -> None:
            self._inner = inflate(wbits)

        def decompress(self, data: bytes, most: int = 0) -> bytes:
            inflated = self._inner.decompress(data, most)
            sizes.append(len(inflated))
            return inflated

    monkeypatch.setattr(zlib, "decompressobj", Measured)
    assert facts_of(meta + bomb, tmp_path)
    assert sizes == [1 << 20]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


WHOLE = [
    to_bytes(nested(dataset(), undefined=undefined), syntax)
    for syntax in SYNTAXES
    for undefined in (True, False)
]


@given(content=st.binary(max_size=400), start=st.sampled_from([b"", bytes(128) + b"DICM\2\0"]))
def test_any_bytes_are_read_without_an_error(scratch: Path, content: bytes, start: bytes) -> None:
    facts_of(start + content, scratch)


@given(st.sampled_from(WHOLE), st.data())
def test_any_damage_is_read_without_an_error(
    scratch: Path, content: bytes, data: st.DataObject
) -> None:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    facts_of(bytes(changed), scratch)


def test_a_file_cut_off_anywhere_is_read_without_an_error(tmp_path: Path) -> None:
    for content in WHOLE[::2]:
        for end in range(len(content)):
            facts_of(content[:end], tmp_path)


def test_a_folder_is_summed_up(tmp_path: Path) -> None:
    for number in range(40):
        content = dicom_bytes(
            patient_id=f"P{number // 20}",
            modality="MR" if number < 30 else "CT",
            study=f"1.2.{number // 10}",
            series=f"1.2.{number // 5}",
        )
        (tmp_path / f"{number}").write_bytes(content)
    (tmp_path / "notes.txt").write_text("Not DICOM")
    scanned = result_of(scan(tmp_path))
    found = result_of(summarise(scanned, tmp_path))
    assert found == FolderSummary(
        files=41,
        dicom=40,
        size=scanned.dicom_size,
        looked=40,
        patients=2,
        studies=4,
        series=8,
        modalities={"MR": 30, "CT": 10},
    )
    assert list(found.modalities) == ["MR", "CT"]
    part = result_of(summarise(scanned, tmp_path, limit=4))
    assert (part.looked, part.dicom, part.patients, part.studies) == (4, 40, 2, 4)
    assert result_of(summarise(scanned, tmp_path, limit=0)).patients == 0


def test_a_file_that_vanished_is_not_summed_up(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(dicom_bytes())
    scanned = result_of(scan(tmp_path))
    (tmp_path / "a").unlink()
    found = result_of(summarise(scanned, tmp_path))
    assert (found.dicom, found.patients, found.modalities) == (2, 1, {"CT": 1})


def test_summing_up_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(dicom_bytes())
    scanned = result_of(scan(tmp_path))
    hang = threading.Event()
    monkeypatch.setattr("anontui.dicom.header.facts", lambda _path: hang.wait(30) and None)
    running = summarise(scanned, tmp_path)
    assert next(running) == Progress(0, 1, "files")
    hang.set()
    assert result_of(running).looked == 1
