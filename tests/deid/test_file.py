from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import warnings
from io import BytesIO
from pathlib import Path

import pydicom
import pytest

from anontui import __version__
from anontui.deid import Outcome, Policy, Pseudonym, Reason, deidentify_file
from anontui.deid.engine.quiet import quiet
from anontui.deid.values.uids import new_uid
from anontui.errors import DeidError
from tests.deid.build import BIG, CT, FORMS, KEY, POLICY, PSEUDONYM, E, Form, file_of, run
from tests.deid.test_structure import encapsulated

META = {0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_a_result_is(form: Form, tmp_path: Path) -> None:
    outcome, result = run(file_of(form=form), tmp_path)
    dataset = pydicom.dcmread(BytesIO(result))
    assert outcome.study_instance_uid == dataset.StudyInstanceUID == new_uid(KEY, "1.2.3")
    assert outcome.series_instance_uid == dataset.SeriesInstanceUID == new_uid(KEY, "1.2.3.1")
    assert outcome.sop_instance_uid == dataset.SOPInstanceUID == new_uid(KEY, "1.2.3.4")
    assert (outcome.reason, outcome.code) == ("", None)
    assert set(dataset.file_meta.keys()) == META
    assert dataset.file_meta.TransferSyntaxUID == form.syntax
    assert dataset.file_meta.MediaStorageSOPClassUID == CT
    assert dataset.file_meta.ImplementationVersionName == f"ANONTUI_{__version__}"
    assert dataset.PatientIdentityRemoved == "YES"
    assert dataset.LongitudinalTemporalInformationModified == "REMOVED"
    assert "2024e" in dataset.DeidentificationMethod
    (code,) = dataset.DeidentificationMethodCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("113100", "DCM")
    assert "BurnedInAnnotation" not in dataset
    assert list(dataset.keys()) == sorted(dataset.keys())


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_no_rule_touches_stays(form: Form, tmp_path: Path) -> None:
    """Values that a parser would write another way: spaces, zeros, odd lengths, no value."""
    kept = {
        0x00080008: E(0x00080008, "CS", b"ORIGINAL \\ PRIMARY"),
        0x00080070: E(0x00080070, "LO", b" Maker  "),
        0x00180050: E(0x00180050, "DS", b"+1.500E0"),
        0x00180060: E(0x00180060, "DS", b""),
        0x00189087: E(0x00189087, "FD", bytes(range(8))),
        0x00200013: E(0x00200013, "IS", b"007 "),
        0x00280106: E(0x00280106, "US", 7),
        0x00282000: E(0x00282000, "OB", bytes(range(256)) * 300),
        0x00281202: E(0x00281202, "OW", b""),
    }
    nest = E(0x00189006, "SQ", [list(kept.values()), []])
    data = file_of(*kept.values(), nest, form=form)
    before, after = (pydicom.dcmread(BytesIO(part)) for part in (data, run(data, tmp_path)[1]))
    for one, other in ((before, after), (before[nest.tag].value[0], after[nest.tag].value[0])):
        for tag in kept:
            assert one.get_item(tag).value == other.get_item(tag).value
    assert len(after[nest.tag].value) == 2
    for dataset in (before, after):
        assert dataset[nest.tag].is_undefined_length is form.undefined
        assert dataset.PixelData == bytes(range(1, 9))


def test_encapsulated_pixel_data_stay(tmp_path: Path) -> None:
    data = encapsulated()
    outcome, result = run(data, tmp_path)
    assert outcome.status == "done"
    before, after = (pydicom.dcmread(BytesIO(part)) for part in (data, result))
    assert after.PixelData == before.PixelData
    assert after["PixelData"].is_undefined_length
    assert 0xFFFCFFFC not in after


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_large_pixel_data_stay(form: Form, tmp_path: Path) -> None:
    pixels = os.urandom(256 * 256 * 2)
    size = [E(0x00280010, "US", 256), E(0x00280011, "US", 256)]
    _, result = run(file_of(*size, E(0x7FE00010, "OW", pixels), form=form), tmp_path)
    assert pydicom.dcmread(BytesIO(result)).PixelData == pixels


def test_same_key_same_bytes_in_another_process(tmp_path: Path) -> None:
    nest = E(0x00189006, "SQ", [[E(0x00081155, "UI", b"1.2.9")]])
    data = file_of(nest)
    outcome, here = run(data, tmp_path)
    assert run(data, tmp_path)[1] == here
    code = (
        "import sys; from pathlib import Path; from anontui.deid import *\n"
        "deidentify_file(Path(sys.argv[1]), Path(sys.argv[2]), policy=Policy.basic(),"
        " key=bytes(range(32)), pseudonym=Pseudonym('PSEUDO-7', 'Pseudo^Seven'))"
    )
    there = tmp_path / "there.dcm"
    words = [sys.executable, "-c", code, str(tmp_path / "source.dcm"), str(there)]
    subprocess.run(words, check=True, env={**os.environ, "PYTHONHASHSEED": "77"})
    assert there.read_bytes() == here
    there.unlink()
    assert run(data, tmp_path, key=KEY[::-1])[0].sop_instance_uid != outcome.sop_instance_uid


def deidentify(source: Path, target: Path, *, key: bytes = KEY, sync: bool = True) -> Outcome:
    return deidentify_file(source, target, policy=POLICY, key=key, pseudonym=PSEUDONYM, sync=sync)


@pytest.mark.parametrize("sync", [True, False])
def test_target_is_replaced_whole(sync: bool, tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(file_of())
    target.write_bytes(b"old")
    assert deidentify(source, target, sync=sync).status == "done"
    assert target.read_bytes()[128:132] == b"DICM"
    assert target.stat().st_mode & 0o777 == source.stat().st_mode & 0o777
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_target_that_cannot_be_written(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(file_of())
    with pytest.raises(DeidError) as caught:
        deidentify(source, tmp_path / "none" / "b")
    assert caught.value.advice
    assert str(tmp_path) not in caught.value.sentence()


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_full_disk_leaves_nothing(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(file_of())
    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(DeidError, match="cannot be written"):
        deidentify(source, target)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_source_is_never_the_target(tmp_path: Path) -> None:
    source, link = tmp_path / "a", tmp_path / "link"
    source.write_bytes(file_of())
    link.symlink_to(source)
    for target in (source, link):
        with pytest.raises(DeidError, match="is the source"):
            deidentify(source, target)
    assert source.read_bytes() == file_of()


def test_short_key(tmp_path: Path) -> None:
    with pytest.raises(DeidError, match="key"):
        deidentify(tmp_path / "a", tmp_path / "b", key=b"short")


def test_sources_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    target = tmp_path / "b"
    assert deidentify(tmp_path, target).code is Reason.NOT_A_FILE
    assert deidentify(tmp_path / "pipe", target).code is Reason.NOT_A_FILE
    missing = deidentify(tmp_path / "missing", target)
    assert (missing.code, missing.status) == (Reason.UNREADABLE, "quarantined")
    assert "missing" not in missing.reason
    assert not target.exists()


def test_parser_that_fails_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("Lindqvist^Tova")

    monkeypatch.setattr("anontui.deid.engine.source.read_dataset", fail)
    outcome, _ = run(file_of(form=Form(BIG)), tmp_path)
    assert (outcome.code, outcome.status) == (Reason.PARSER, "quarantined")
    assert outcome.reason.endswith("KeyError")


def test_nothing_is_said_aloud(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """What pydicom warns of in a strange file quotes the value."""
    strange = [
        E(0x00080005, "CS", b"ISO-IR 192"),
        E(0x00080070, "LO", b"M\xfcller Lindqvist"),
        E(0x00100010, "PN", b"\xfcnd" + b"x" * 80),
        E(0x00081F1F, "UN", b"Lindqvist"),
        E(0x00180050, "DS", b"Lindqvist"),
    ]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for form in FORMS.values():
            nest = E(0x00189006, "SQ", [strange])
            run(file_of(*strange, nest, form=form), tmp_path)
    assert not caught
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_quiet_overlaps_between_threads() -> None:
    before = list(warnings.filters)
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with quiet():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with quiet():
        thread.start()
        assert inside.wait(10)
    assert warnings.filters[0][0] == "ignore"  # the other is still inside
    leave.set()
    thread.join()
    assert warnings.filters == before
    assert not logging.getLogger("pydicom").filters


def test_threads_agree(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(file_of(form=Form(BIG)))
    targets = [tmp_path / f"t{n}" for n in range(8)]
    threads = [threading.Thread(target=deidentify, args=(source, target)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({target.read_bytes() for target in targets}) == 1


def test_policies_are_independent() -> None:
    assert Policy.basic().rules == POLICY.rules
    assert Pseudonym("a", "b") == Pseudonym("a", "b")
