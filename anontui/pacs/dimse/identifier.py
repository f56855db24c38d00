"""What is asked and answered as data sets (PS3.4 C.6.2): queries and answers, encoded."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from pydicom import DataElement, Dataset, config
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.uid import UID
from pydicom.valuerep import TEXT_VR_DELIMS

from anontui.pacs.files import NotDicom, is_uid
from anontui.pacs.query import Answer, Instance, Level, Query, Series, Study

_UTF_8 = "ISO_IR 192"
_LONGEST = 1024  # characters of a text of an answer

_RETURNED = {
    Level.STUDY: (
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "StudyDescription",
        "ModalitiesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
    ),
    Level.SERIES: (
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "NumberOfSeriesRelatedInstances",
    ),
    Level.IMAGE: ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"),
}


def encode_query(query: Query, syntax: str) -> bytes:
    """The identifier of a C-FIND request (PS3.4 C.4.1)."""
    dates = query.date_from
    if query.date_to != query.date_from:
        dates = f"{query.date_from}-{query.date_to}"
    keys = dict.fromkeys(_RETURNED[query.level], "") | {"StudyInstanceUID": query.study}
    if query.level is Level.STUDY:
        keys |= {
            "PatientID": query.patient_id,
            "PatientName": query.patient_name,
            "AccessionNumber": query.accession,
            "StudyDate": dates,
            "ModalitiesInStudy": query.modality,
        }
    else:
        keys["SeriesInstanceUID"] = query.series
    if query.level is Level.SERIES:
        keys["Modality"] = query.modality
    return _encode(query.level, keys, syntax)


def encode_wanted(study: str, series: str, instances: Sequence[str], syntax: str) -> bytes:
    """The identifier of a C-GET or C-MOVE: a study, or instances of one of its series."""
    if not instances:
        return _encode(Level.STUDY, {"StudyInstanceUID": study}, syntax)
    keys = {
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "SOPInstanceUID": "\\".join(instances),
    }
    return _encode(Level.IMAGE, keys, syntax)


def _encode(level: Level, keys: dict[str, str], syntax: str) -> bytes:
    keys = {"QueryRetrieveLevel": str(level), **keys}
    if not all(value.isascii() for value in keys.values()):
        keys["SpecificCharacterSet"] = _UTF_8
    dataset = Dataset()
    for keyword, value in keys.items():  # unchecked, as warnings quote what is wrong
        vr = dictionary_VR(keyword)
        dataset.add(DataElement(keyword, vr, value or None, validation_mode=config.IGNORE))
    buffer = DicomBytesIO()
    uid = UID(syntax)
    buffer.is_implicit_VR, buffer.is_little_endian = uid.is_implicit_VR, uid.is_little_endian
    write_dataset(buffer, dataset)
    return bytes(buffer.getvalue())


def decode_answer(level: Level, encoded: bytes, syntax: str) -> Answer | None:
    """Read an answer; None if it lacks a UID that it must have.

    Raises
    ------
    NotDicom
        If it cannot be read.
    """
    uid = UID(syntax)
    try:
        dataset = read_dataset(BytesIO(encoded), uid.is_implicit_VR, uid.is_little_endian)
        values = _Values(dataset)
        study, series = values.uid("StudyInstanceUID"), values.uid("SeriesInstanceUID")
        if not study:
            return None
        if level is Level.STUDY:
            return _study(values, study)
        if not series:
            return None
        if level is Level.SERIES:
            return Series(
                study=study,
                series=series,
                modality=values.text("Modality"),
                number=values.number("SeriesNumber"),
                description=values.text("SeriesDescription"),
                instances=values.number("NumberOfSeriesRelatedInstances"),
            )
        instance = values.uid("SOPInstanceUID")
        return Instance(study, series, instance, values.uid("SOPClassUID")) if instance else None
    except (Exception, RecursionError) as error:
        raise NotDicom("this is no answer") from error


def _study(values: _Values, study: str) -> Study:
    return Study(
        study=study,
        patient_id=values.text("PatientID"),
        patient_name=values.text("PatientName"),
        birth_date=values.text("PatientBirthDate"),
        sex=values.text("PatientSex"),
        date=values.text("StudyDate"),
        time=values.text("StudyTime"),
        accession=values.text("AccessionNumber"),
        description=values.text("StudyDescription"),
        modalities=tuple(
            filter(None, map(str.strip, values.text("ModalitiesInStudy").split("\\")))
        ),
        series=values.number("NumberOfStudyRelatedSeries"),
        instances=values.number("NumberOfStudyRelatedInstances"),
    )


class _Values:
    """Values of a data set without pydicom's checks, whose warnings quote them."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        charsets = self._bytes("SpecificCharacterSet").decode("ascii", "replace").split("\\")
        self._encodings = convert_encodings([one.strip() for one in charsets])

    def text(self, keyword: str) -> str:
        """A text without padding and control characters, not longer than any should be."""
        text = decode_bytes(self._bytes(keyword), self._encodings, TEXT_VR_DELIMS)
        return "".join(c for c in text[:_LONGEST] if c.isprintable()).strip()

    def uid(self, keyword: str) -> str:
        """A UID, empty if it is none."""
        text = self.text(keyword)
        return text if is_uid(text) else ""

    def number(self, keyword: str) -> int | None:
        """A number, None if it is none."""
        text = self.text(keyword)
        return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else None

    def _bytes(self, keyword: str) -> bytes:
        tag = tag_for_keyword(keyword) or 0
        value = self._dataset.get_item(tag).value if tag in self._dataset else b""
        return value if isinstance(value, bytes) else b""
