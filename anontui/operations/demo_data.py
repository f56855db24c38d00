"""Invented patients as DICOM files, made by code: the data of the demo project.

Nobody in them exists. They hold what real archives hold: names in folder and file names,
in nested items and in private elements, several studies and modalities a patient, a file
without preamble, and files beside them that are not DICOM. The same bytes every time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.events import Events, Progress, Result
from anontui.operations.demo_image import Phantom

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True)
class DemoPatient:
    """An invented person."""

    folder: str
    name: str
    id: str
    birth_date: str
    sex: str
    address: str
    phone: str


@dataclass(frozen=True)
class DemoSeries:
    """One series of a patient; ``file`` is a pattern over the instance number from 1."""

    folder: str
    study: int
    modality: str
    count: int
    description: str
    file: str = "IM{:04d}"
    preamble: bool = True
    size: int = 128  # rows and columns of its images


@dataclass(frozen=True)
class DemoData:
    """What was written."""

    dicom_files: int
    other_files: int
    size: int


PATIENTS: tuple[tuple[DemoPatient, tuple[DemoSeries, ...]], ...] = (
    (
        DemoPatient(
            "patient1",
            "Vermeulen^Johanna^M",
            "7403112",
            "19580314",
            "F",
            "Lindelaan 12, Nijmegen",
            "024-5550112",
        ),
        (
            DemoSeries("raw", 1, "CT", 2, "Topogram", "raw{}.dcm"),
            DemoSeries("study1", 1, "CT", 60, "Thorax 2.0 B30f", "VERMEULEN_J_{:03d}.dcm"),
        ),
    ),
    (
        DemoPatient(
            "patient2",
            "Hawthorne^Edward",
            "5530987",
            "19491102",
            "M",
            "3 Mill Lane, Leeds",
            "0113-5550198",
        ),
        (
            DemoSeries("raw", 1, "MR", 2, "Localizer", "raw{}.dcm"),
            DemoSeries("study1", 1, "MR", 36, "T2 TSE sag Hawthorne"),
        ),
    ),
    (
        DemoPatient(
            "patient3",
            "Brouwer-Çelik^Noëlle",
            "6120455",
            "19720629",
            "F",
            "Kerkstraat 5, Arnhem",
            "026-5550147",
        ),
        (
            DemoSeries("study1", 1, "DX", 2, "Thorax PA", "THORAX_{}.dcm"),
            DemoSeries("study1_fixed", 2, "CT", 40, "Low dose CT for AC", "CT/{:04d}"),
            DemoSeries("study1_fixed", 2, "PT", 40, "PET WB FDG", "PT/{:04d}"),
        ),
    ),
    (
        DemoPatient(
            "patient4",
            "van der Aa^Pieter^J",
            "3318820",
            "19660821",
            "M",
            "Havenweg 40, Zwolle",
            "038-5550176",
        ),
        (DemoSeries("study1", 1, "CT", 1200, "Perfusion 4D", "vdAA_P_{:04d}.dcm", size=64),),
    ),
    (
        DemoPatient(
            "patient5",
            "Okafor^Grace^Adaeze",
            "8841203",
            "19810205",
            "F",
            "Parkzicht 7, Ede",
            "0318-555013",
        ),
        (
            DemoSeries("ct_thorax", 1, "CT", 64, "Thorax 3.0 B40f", "OKAFOR_G_{:03d}.dcm"),
            DemoSeries("x-ray", 2, "DX", 2, "Thorax AP bed", "{}.DCM"),
            DemoSeries("x-ray", 2, "DX", 1, "Thorax old system", "without_preamble", False),
        ),
    ),
    (
        DemoPatient(
            "patient6",
            "Dekker^Willem^H",
            "2907741",
            "19540917",
            "M",
            "Molenstraat 88, Oss",
            "0412-555019",
        ),
        (
            DemoSeries("study1", 1, "MR", 30, "T1 TSE tra", "DEKKER_W_T1_{:02d}.dcm"),
            DemoSeries("study1", 1, "SR", 1, "Radiology report", "report_{}.dcm"),
            DemoSeries("study1", 1, "RTSTRUCT", 1, "Contours Dekker", "rtss_{}.dcm"),
        ),
    ),
)

OTHER_FILES: dict[str, bytes] = {
    "patient2/study1/notes.txt": b"Hawthorne, born 2 Nov 1949: called 0113-5550198.\n",
    "patient2/study1/report.pdf": b"%PDF-1.4\n% Report of Edward Hawthorne, 5530987\n%%EOF\n",
    "patient5/ct_thorax/notes.txt": b"Mw. Okafor (8841203): tweede scan, eerste mislukt.\n",
    "patient5/ct_thorax/Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
    "patient5/ct_thorax/stump.dcm": bytes(128) + b"DICM",
    "patient6/study1/report_dekker.pdf": b"%PDF-1.4\n% Verslag W.H. Dekker, 2907741\n%%EOF\n",
    "patient6/study1/export.log": b"2024-03-12 10:31 DEKKER^WILLEM exported by a.jansen\n",
}

_SOP_CLASSES = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "SR": "1.2.840.10008.5.1.4.1.1.88.11",
    "RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3",
}
_HOSPITAL = "Sint Joris Ziekenhuis"
_PHYSICIAN = "Jansen^Anneke^^Dr."


def write_demo_data(folder: Path) -> Events[DemoData]:
    """Write the data of six patients (about 1,500 DICOM files, 22 MB) below ``folder``.

    Raises
    ------
    OSError
        If it cannot be written there.
    """
    total = sum(series.count for _, all_series in PATIENTS for series in all_series)
    done = size = 0
    for patient, all_series in PATIENTS:
        for number, series in enumerate(all_series, 1):
            for path, data in _series_files(patient, series, number):
                yield Progress(done, total, "files", "demo data")
                target = folder / patient.folder / series.folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                done += 1
                size += len(data)
    others = OTHER_FILES | {"patient5/ct_thorax/DICOMDIR": _dicomdir()}
    for name, data in others.items():
        (folder / name).write_bytes(data)
        size += len(data)
    yield Progress(done, total, "files", "demo data")
    yield Result(DemoData(done, len(others), size))


def _series_files(
    patient: DemoPatient, series: DemoSeries, number: int
) -> Iterator[tuple[str, bytes]]:
    """The files of a series: path and content."""
    dataset = _header(patient, series, number)
    add = {"SR": _add_report, "RTSTRUCT": _add_contours}.get(series.modality)
    if add:
        add(dataset, patient)
    phantom = Phantom(f"{patient.id}/{number}", series.size)
    for instance in range(1, series.count + 1):
        dataset.InstanceNumber = instance
        dataset.SOPInstanceUID = _uid(patient.id, series.study, number, instance)
        if not add:
            dataset.ImagePositionPatient = [-160, -160, 2 * instance]
            dataset.SliceLocation = 2 * instance
            dataset.PixelData = phantom.slice_at((instance - 0.5) / series.count)
        yield series.file.format(instance), _encode(dataset, series.preamble)


def _uid(*parts: object) -> str:
    from pydicom.uid import generate_uid

    return generate_uid(entropy_srcs=["anontui demo", *map(str, parts)])


def _item(**values: object) -> Dataset:
    """A dataset with these elements, by keyword."""
    from pydicom.dataset import Dataset

    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _header(patient: DemoPatient, series: DemoSeries, number: int) -> Dataset:
    """Everything that the files of a series have in common."""
    accession = f"{patient.id}.{series.study:04d}"
    date = f"202403{10 + series.study}"
    study = _uid(patient.id, series.study)
    dataset = _item(
        SpecificCharacterSet="ISO_IR 100",
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        SOPClassUID=_SOP_CLASSES[series.modality],
        StudyDate=date,
        SeriesDate=date,
        ContentDate=date,
        StudyTime="101500",
        SeriesTime="101612",
        ContentTime="101612",
        AccessionNumber=accession,
        Modality=series.modality,
        Manufacturer="Demo Medical",
        ManufacturerModelName="Phantom 128",
        InstitutionName=_HOSPITAL,
        InstitutionAddress="Ziekenhuisweg 1, Nijmegen",
        ReferringPhysicianName="de Groot^Maarten",
        PerformingPhysicianName=_PHYSICIAN,
        OperatorsName="Smit^Karin",
        StationName="SJZ-ROOM3",
        StudyDescription=f"{series.modality} {patient.name.split('^')[0]}",
        SeriesDescription=series.description,
        ReferencedStudySequence=[
            _item(
                ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1",
                ReferencedSOPInstanceUID=study,
            )
        ],
        PatientName=patient.name,
        PatientID=patient.id,
        PatientBirthDate=patient.birth_date,
        PatientSex=patient.sex,
        PatientAge=f"{2024 - int(patient.birth_date[:4]):03d}Y",
        PatientAddress=patient.address,
        PatientTelephoneNumbers=patient.phone,
        OtherPatientIDsSequence=[_item(PatientID=f"BSN-{patient.id}", IssuerOfPatientID=_HOSPITAL)],
        DeviceSerialNumber="DM-4711",
        ProtocolName=series.description,
        StudyInstanceUID=study,
        SeriesInstanceUID=_uid(patient.id, series.study, number),
        FrameOfReferenceUID=_uid(patient.id, series.study, "frame"),
        StudyID=str(series.study),
        SeriesNumber=number,
        PatientOrientation=["L", "P"],
        ImageComments=f"{patient.name.replace('^', ' ')}, {patient.phone}",
        RequestAttributesSequence=[
            _item(
                RequestingPhysician=_PHYSICIAN,
                RequestedProcedureID=accession,
                ScheduledProcedureStepDescription=f"For {patient.name.split('^')[0]}",
                ReferencedPatientSequence=[
                    _item(
                        ReferencedSOPClassUID="1.2.840.10008.3.1.2.1.1",
                        ReferencedSOPInstanceUID=_uid(patient.id),
                        PatientName=patient.name,
                    )
                ],
            )
        ],
        OriginalAttributesSequence=[
            _item(
                AttributeModificationDateTime=f"{date}101700",
                ModifyingSystem="SJZ-PACS",
                ReasonForTheAttributeModification="CORRECT",
                SourceOfPreviousValues=_HOSPITAL,
                ModifiedAttributesSequence=[_item(PatientName=patient.name, PatientID=patient.id)],
            )
        ],
    )
    block = dataset.private_block(0x0029, "DEMO MEDICAL HEADER", create=True)
    block.add_new(0x10, "LO", patient.name)
    block.add_new(0x11, "UN", f"Patient {patient.name} {patient.id}".encode("latin-1"))
    if series.modality in ("CT", "MR", "PT", "DX"):
        _add_image(dataset, series)
    return dataset


def _add_image(dataset: Dataset, series: DemoSeries) -> None:
    image = _item(
        SliceThickness=2,
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[320 / series.size] * 2,
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=series.size,
        Columns=series.size,
        BitsAllocated=16,
        BitsStored=16,
        HighBit=15,
        PixelRepresentation=1,
        BurnedInAnnotation="NO",
        WindowCenter=40,
        WindowWidth=400,
        RescaleIntercept=0,
        RescaleSlope=1,
    )
    dataset.update(image)
    if series.modality == "CT":
        dataset.KVP = 120
    elif series.modality == "MR":
        dataset.ScanningSequence, dataset.MagneticFieldStrength = "SE", 1.5
    elif series.modality == "PT":
        dataset.Units = "BQML"


def _add_report(dataset: Dataset, patient: DemoPatient) -> None:
    """A basic text report: its text tells who it is about."""
    code = _item(CodeValue="18748-4", CodingSchemeDesignator="LN", CodeMeaning="Imaging report")
    finding = _item(CodeValue="121071", CodingSchemeDesignator="DCM", CodeMeaning="Finding")
    text = f"{patient.name.replace('^', ' ')}: no change since the last examination."
    dataset.update(
        _item(
            ValueType="CONTAINER",
            ConceptNameCodeSequence=[code],
            ContinuityOfContent="SEPARATE",
            CompletionFlag="COMPLETE",
            VerificationFlag="VERIFIED",
            VerifyingObserverSequence=[
                _item(
                    VerifyingObserverName=_PHYSICIAN,
                    VerifyingOrganization=_HOSPITAL,
                    VerificationDateTime="20240311120000",
                )
            ],
            ContentSequence=[
                _item(
                    RelationshipType="CONTAINS",
                    ValueType="TEXT",
                    ConceptNameCodeSequence=[finding],
                    TextValue=text,
                )
            ],
        )
    )


def _add_contours(dataset: Dataset, patient: DemoPatient) -> None:
    """A structure set with one closed contour."""
    points = [
        round(radius, 1)
        for step in range(12)
        for radius in (20 * math.cos(step / 6 * math.pi), 20 * math.sin(step / 6 * math.pi), 30)
    ]
    family = patient.name.split("^")[0]
    dataset.update(
        _item(
            StructureSetLabel=f"RTSS {family}",
            StructureSetDate="20240311",
            StructureSetROISequence=[
                _item(ROINumber=1, ROIName=f"GTV {family}", ROIGenerationAlgorithm="MANUAL")
            ],
            ROIContourSequence=[
                _item(
                    ReferencedROINumber=1,
                    ContourSequence=[
                        _item(
                            ContourGeometricType="CLOSED_PLANAR",
                            NumberOfContourPoints=12,
                            ContourData=points,
                        )
                    ],
                )
            ],
            RTROIObservationsSequence=[
                _item(
                    ObservationNumber=1,
                    ReferencedROINumber=1,
                    RTROIInterpretedType="GTV",
                    ROIInterpreter=_PHYSICIAN,
                )
            ],
        )
    )


def _encode(dataset: Dataset, preamble: bool) -> bytes:
    """A Part 10 file; without preamble, as old systems wrote it: the data set alone."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filewriter import dcmwrite
    from pydicom.uid import UID, ExplicitVRLittleEndian

    buffer = BytesIO()
    if not preamble:
        dcmwrite(buffer, dataset, implicit_vr=True, little_endian=True)
        return buffer.getvalue()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(dataset.SOPClassUID)
    meta.MediaStorageSOPInstanceUID = UID(dataset.SOPInstanceUID)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.SourceApplicationEntityTitle = "SJZ_CT3"
    dataset.file_meta = meta
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _dicomdir() -> bytes:
    """A DICOMDIR of one patient record: a directory, not an image."""
    record = _item(
        OffsetOfTheNextDirectoryRecord=0,
        RecordInUseFlag=0xFFFF,
        OffsetOfReferencedLowerLevelDirectoryEntity=0,
        DirectoryRecordType="PATIENT",
        PatientName=PATIENTS[4][0].name,
        PatientID=PATIENTS[4][0].id,
    )
    return _encode(
        _item(
            SOPClassUID="1.2.840.10008.1.3.10",
            SOPInstanceUID=_uid("dicomdir"),
            FileSetID="OKAFOR",
            OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity=0,
            OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity=0,
            FileSetConsistencyFlag=0,
            DirectoryRecordSequence=[record],
        ),
        preamble=True,
    )
