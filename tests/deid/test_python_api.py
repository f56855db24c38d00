"""The library as scripts of dicom-anonymizer use theirs: functions as actions, data in memory."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from anontui.deid import (
    Action,
    Deidentifier,
    Policy,
    Pseudonym,
    Reason,
    Refused,
    Rule,
    TagPattern,
    deidentify_dataset,
    deidentify_folder,
    tag_pattern,
)
from anontui.events import result_of
from tests.deid.build import KEY, PSEUDONYM, E, file_of
from tests.deid.test_folder import make, slice_of

EVERYTHING = TagPattern(0, mask=0)
SERIES_DESCRIPTION = tag_pattern("SeriesDescription")


def add_suffix(dataset: Dataset, tag: BaseTag) -> None:
    """A user's own action, which a process of its own can be given."""
    element = dataset.get(tag)
    if element is not None:
        element.value = f"{element.value}-suffix"


def own(function: object) -> Rule:
    return Rule(Action.FUNCTION, "my script", told=True, function=function)  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [1, 2])
def test_keep_all_but_change_one(workers: int, tmp_path: Path) -> None:
    """ "A small example which keeps all metadata but updates the series description"."""
    source = make(tmp_path / "in", a=slice_of(1, E(0x0008103E, "LO", b"Head")))
    keep = Rule(Action.KEEP, "my script", told=True)
    policy = Policy.build(rules=[(EVERYTHING, keep), (SERIES_DESCRIPTION, own(add_suffix))])
    summary = result_of(
        deidentify_folder(source, tmp_path / "out", policy=policy, key=KEY, workers=workers)
    )
    assert summary.is_complete
    new = pydicom.dcmread(tmp_path / "out" / "a")
    assert new.SeriesDescription == "Head-suffix"
    assert (new.PatientName, new.PatientID) == ("Lindqvist^Tova", "MRN-190284")
    assert (new.SOPInstanceUID, new.AccessionNumber) == ("1.2.3.4.1", "ACC-4711")


def test_function_can_remember_things(tmp_path: Path) -> None:
    """A closure works too: the run then stays in one process."""
    seen = []

    def note(dataset: Dataset, tag: BaseTag) -> None:
        seen.append(dataset[tag].value)
        del dataset[tag]

    source = make(tmp_path / "in", a=slice_of(1, E(0x0008103E, "LO", b"Head")))
    policy = Policy.build(rules=[(SERIES_DESCRIPTION, own(note))])
    summary = result_of(deidentify_folder(source, tmp_path / "out", policy=policy, key=KEY))
    assert summary.is_complete and seen == ["Head"]
    assert "SeriesDescription" not in pydicom.dcmread(tmp_path / "out" / "a")


def in_memory() -> Dataset:
    """Fields "extracted from a database for example": no file was ever there."""
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = (
        "1.2",
        "1.3",
        "1.4",
    )
    dataset.add_new((0x0040, 0xA123), "PN", "Annie de la Fontaine")
    dataset.add_new((0x0008, 0x0050), "SH", "bar")
    dataset.add_new((0x0018, 0x4000), "LT", "foo")
    dataset.add_new((0x0008, 0x103E), "LO", "Head")
    dataset.add_new((0x0018, 0x1030), "LO", "Protocol")
    return dataset


def test_data_that_never_was_a_file() -> None:
    old = in_memory()
    new = deidentify_dataset(old, policy=Policy.basic(), key=KEY, pseudonym=PSEUDONYM)
    assert new.get((0x0040, 0xA123)) is None or new[0x0040, 0xA123].value != "Annie de la Fontaine"
    assert new.AccessionNumber == ""
    assert (0x0018, 0x4000) not in new
    assert new.PatientName == "Pseudo^Seven" and new.PatientIdentityRemoved == "YES"
    assert old == in_memory()  # the given one stays as it was


def test_own_methods_on_data_in_memory() -> None:
    policy = Policy.build(rules=[(SERIES_DESCRIPTION, own(add_suffix))])
    new = Deidentifier(policy, KEY, PSEUDONYM).dataset(in_memory())
    assert new.SeriesDescription == "Head-suffix"


def test_pseudonym_by_a_function(tmp_path: Path) -> None:
    """Numbers in the order of the patients, as a script may want them."""
    numbers: dict[str, Pseudonym] = {}

    def numbered(patient_id: str) -> Pseudonym:
        name = f"P-{len(numbers) + 1}"
        return numbers.setdefault(patient_id, Pseudonym(name, name))

    files = {f"f{n}": slice_of(n, patient=f"ID-{n // 2}", study=f"1.{n // 2}") for n in range(6)}
    events = deidentify_folder(
        make(tmp_path / "in", **files),
        tmp_path / "out",
        policy=Policy.basic(),
        key=KEY,
        pseudonym_for=numbered,
        layout=True,
    )
    assert result_of(events).is_complete
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["P-1", "P-2", "P-3"]


def test_function_that_fails_is_a_reason(tmp_path: Path) -> None:
    def fail(dataset: Dataset, tag: BaseTag) -> None:
        raise ValueError(str(dataset.PatientName))

    (tmp_path / "a").write_bytes(file_of(E(0x0008103E, "LO", b"Head")))
    policy = Policy.build(rules=[(SERIES_DESCRIPTION, own(fail))])
    engine = Deidentifier(policy, KEY, PSEUDONYM)
    outcome = engine.file(tmp_path / "a", tmp_path / "b")
    assert outcome.code is Reason.PARSER and "Lindqvist" not in outcome.reason
    with pytest.raises(Refused):
        engine.dataset(pydicom.dcmread(tmp_path / "a"))
