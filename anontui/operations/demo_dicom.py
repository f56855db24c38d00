"""The demo's DICOM files: what an archive would hold of an invented patient."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from anontui.operations.demo_image import Phantom

if TYPE_CHECKING:
    from pydicom import Dataset

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


def series_files(
    patient: DemoPatient, series: DemoSeries, number: int
) -> Iterator[tuple[str, bytes]]:
    """Make the files of a series: path below its folder, and content."""
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
    from pydicom import uid

    return uid.generate_uid(entropy_srcs=["anontui demo", *map(str, parts)])


def _item(**values: object) -> Dataset:
    """A dataset with these elements, by keyword."""
    from pydicom import Dataset

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
    from pydicom import FileMetaDataset, dcmwrite
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


def dicomdir(patient: DemoPatient) -> bytes:
    """A DICOMDIR of one patient record: a directory, not an image."""
    record = _item(
        OffsetOfTheNextDirectoryRecord=0,
        RecordInUseFlag=0xFFFF,
        OffsetOfReferencedLowerLevelDirectoryEntity=0,
        DirectoryRecordType="PATIENT",
        PatientName=patient.name,
        PatientID=patient.id,
    )
    return _encode(
        _item(
            SOPClassUID="1.2.840.10008.1.3.10",
            SOPInstanceUID=_uid("dicomdir"),
            FileSetID=patient.name.split("^")[0].upper(),
            OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity=0,
            OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity=0,
            FileSetConsistencyFlag=0,
            DirectoryRecordSequence=[record],
        ),
        preamble=True,
    )
