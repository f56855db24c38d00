"""Small DICOM files with invented patients."""

from __future__ import annotations

from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

EXPLICIT, IMPLICIT, BIG = ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian
DEFLATED = DeflatedExplicitVRLittleEndian
DIRECTORY = "1.2.840.10008.1.3.10"
"""The SOP class of a DICOMDIR."""


def dataset(
    *,
    patient_id: str = "P-001",
    modality: str = "CT",
    study: str = "1.2.826.0.1.1",
    series: str = "1.2.826.0.1.1.1",
    pixels: int = 0,
) -> Dataset:
    """A data set as an image has it, with ``pixels`` bytes of pixel data."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = f"{series}.1"
    ds.StudyDate = "20240229"
    ds.Modality = modality
    ds.PatientName = "Invented^Name"
    ds.PatientID = patient_id
    ds.StudyInstanceUID = study
    ds.SeriesInstanceUID = series
    if pixels:
        ds.add_new("PixelData", "OW", bytes(pixels))
    return ds


def to_bytes(ds: Dataset, syntax: UID = EXPLICIT, *, preamble: bool = True) -> bytes:
    """The file of ``ds``; without preamble also without file meta information."""
    file = BytesIO()
    if preamble:
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = syntax
        dcmwrite(file, ds, enforce_file_format=True)
    else:
        dcmwrite(
            file,
            ds,
            implicit_vr=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian,
            force_encoding=True,
        )
    return file.getvalue()


def dicom_bytes(
    *,
    patient_id: str = "P-001",
    modality: str = "CT",
    study: str = "1.2.826.0.1.1",
    series: str = "1.2.826.0.1.1.1",
    pixels: int = 0,
    syntax: UID = EXPLICIT,
    preamble: bool = True,
) -> bytes:
    """A whole file in one go."""
    ds = dataset(
        patient_id=patient_id, modality=modality, study=study, series=series, pixels=pixels
    )
    return to_bytes(ds, syntax, preamble=preamble)
