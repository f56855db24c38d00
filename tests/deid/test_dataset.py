"""A data set that never was a file."""

from __future__ import annotations

import copy
from io import BytesIO

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from anontui.deid import Reason, Refused, deidentify_dataset
from anontui.deid.values.uids import new_uid
from tests.deid.build import FORMS, KEY, POLICY, PSEUDONYM, Form, file_of


def made() -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66"
    dataset.SOPInstanceUID = "1.2.3.4"
    dataset.StudyInstanceUID = "1.2.3"
    dataset.SeriesInstanceUID = "1.2.3.1"
    dataset.PatientName = "Lindqvist^Tova"
    dataset.PatientID = "MRN-190284"
    dataset.StudyDate = "20240229"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.SliceThickness = "1.5"
    dataset.SmallestImagePixelValue = 3
    dataset.PixelRepresentation = 0
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1.2.3.4"
    item.PatientName = "Lindqvist^Tova"
    dataset.MRImagingModifierSequence = Sequence([item])
    dataset.add_new(0x00091001, "LO", "private")
    return dataset


def deidentify(dataset: Dataset) -> Dataset:
    return deidentify_dataset(dataset, policy=POLICY, key=KEY, pseudonym=PSEUDONYM)


def test_new_data_set() -> None:
    dataset = made()
    before = copy.deepcopy(dataset)
    result = deidentify(dataset)
    assert dataset == before
    assert result.PatientName == "Pseudo^Seven"
    assert result.StudyDate == ""
    assert result.ImageType == ["ORIGINAL", "PRIMARY"]
    assert result.SliceThickness == 1.5
    assert result.SmallestImagePixelValue == 3
    assert 0x00091001 not in result
    (item,) = result.MRImagingModifierSequence
    assert item.ReferencedSOPInstanceUID == result.SOPInstanceUID == new_uid(KEY, "1.2.3.4")
    assert item.PatientName == "Pseudo^Seven"
    assert not hasattr(result, "file_meta")
    result.MRImagingModifierSequence[0].PatientName = "changed"
    result.ImageType.append("changed")
    assert dataset == before


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_it_can_be_saved(syntax: pydicom.uid.UID) -> None:
    dataset = made()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.SourceApplicationEntityTitle = "SECRET"
    result = deidentify(dataset)
    buffer = BytesIO()
    result.save_as(buffer, enforce_file_format=True)
    assert b"SECRET" not in buffer.getvalue()
    again = pydicom.dcmread(BytesIO(buffer.getvalue()))
    assert again.file_meta.TransferSyntaxUID == syntax
    assert again.SmallestImagePixelValue == 3
    assert again.file_meta.MediaStorageSOPInstanceUID == again.SOPInstanceUID


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_one_that_was_read(form: Form) -> None:
    dataset = pydicom.dcmread(BytesIO(file_of(form=form)))
    result = deidentify(dataset)
    assert result.PixelData == dataset.PixelData
    assert result.Rows == 2
    assert result.PatientID == "PSEUDO-7"
    assert dataset.PatientID == "MRN-190284"


def test_empty_file_meta() -> None:
    dataset = made()
    dataset.file_meta = FileMetaDataset()
    assert deidentify(dataset).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def test_refusal_is_an_error() -> None:
    dataset = made()
    dataset.BurnedInAnnotation = "YES"
    with pytest.raises(Refused) as caught:
        deidentify(dataset)
    assert caught.value.reason is Reason.BURNED_IN


def test_one_that_cannot_be_written() -> None:
    dataset = made()
    dataset.add_new(0x00189087, "FD", "no number")
    with pytest.raises(Refused) as caught:
        deidentify(dataset)
    assert caught.value.reason is Reason.PARSER
    deep = made()
    for _ in range(5000):
        outer = made()
        outer.MRImagingModifierSequence = Sequence([deep])
        deep = outer
    with pytest.raises(Refused):
        deidentify(deep)
