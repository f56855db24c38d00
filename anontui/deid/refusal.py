"""Why a file is not de-identified: a code to count by, and words without identity."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from anontui.errors import DeidError

Status = Literal["done", "rejected", "quarantined"]


class Reason(StrEnum):
    """What stands against a file. The value is the code that reports count by."""

    NOT_A_FILE = "not_a_file"
    NOT_DICOM = "not_dicom"
    DICOMDIR = "dicomdir"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    TOO_DEEP = "too_deep"
    TRANSFER_SYNTAX = "transfer_syntax"
    PARSER = "parser"
    MISSING_UID = "missing_uid"
    CHARACTER_SET = "character_set"
    INVALID_VALUE = "invalid_value"
    PIXEL_DATA = "pixel_data"
    UNDECODABLE = "undecodable"
    BURNED_IN = "burned_in"
    SECONDARY_CAPTURE = "secondary_capture"
    ULTRASOUND = "ultrasound"
    ENCAPSULATED_DOCUMENT = "encapsulated_document"
    DOSE_REPORT = "dose_report"
    SCREEN = "screen"
    EMBEDDED_OVERLAY = "embedded_overlay"
    IDENTITY_LEFT = "identity_left"
    MISSING_ATTRIBUTE = "missing_attribute"
    SOP_CLASS = "sop_class"
    OPT_OUT = "opt_out"
    PATIENT_CONFLICT = "patient_conflict"
    NO_PSEUDONYM = "no_pseudonym"
    IDENTITY_IN_PATH = "identity_in_path"
    TARGET_EXISTS = "target_exists"
    TARGET_NAME = "target_name"
    STOPPED = "stopped"

    @property
    def words(self) -> str:
        """What it means, for people."""
        return _WORDS[self]

    @property
    def status(self) -> Status:
        """What becomes of a file for this reason."""
        return "rejected" if self in _REJECTED else "quarantined"


_WORDS = {
    Reason.NOT_A_FILE: "not a regular file",
    Reason.NOT_DICOM: "not a DICOM file",
    Reason.DICOMDIR: "a DICOMDIR, which only lists other files",
    Reason.UNREADABLE: "the file cannot be read",
    Reason.TOO_LARGE: "larger than the policy allows",
    Reason.TRUNCATED: "the file ends before its data do",
    Reason.MALFORMED: "the structure of the file is broken",
    Reason.TOO_DEEP: "sequences are nested deeper than the policy allows",
    Reason.TRANSFER_SYNTAX: "the transfer syntax is missing or invalid",
    Reason.PARSER: "the file cannot be parsed or written",
    Reason.MISSING_UID: "a required UID is missing or invalid",
    Reason.CHARACTER_SET: "the character set is unknown",
    Reason.INVALID_VALUE: "a value that the pixels depend on is invalid",
    Reason.PIXEL_DATA: "the pixel data are missing, or not as long as the image",
    Reason.UNDECODABLE: "the pixels cannot be decoded, so nothing in them can be blacked out",
    Reason.BURNED_IN: "annotation is burned in",
    Reason.SECONDARY_CAPTURE: "a secondary capture, whose pixels may show identity",
    Reason.ULTRASOUND: "ultrasound, whose pixels may show identity",
    Reason.ENCAPSULATED_DOCUMENT: "an encapsulated document",
    Reason.DOSE_REPORT: "a dose report",
    Reason.SCREEN: "a patient protocol, dose report or screen save as an image",
    Reason.EMBEDDED_OVERLAY: "an overlay is embedded in the pixel data",
    Reason.IDENTITY_LEFT: "a kept value repeats the patient's identity",
    Reason.MISSING_ATTRIBUTE: "a required attribute has no value",
    Reason.SOP_CLASS: "a SOP class that the policy does not allow",
    Reason.OPT_OUT: "the patient opted out",
    Reason.PATIENT_CONFLICT: "files of one study name different patients",
    Reason.NO_PSEUDONYM: "the list of pseudonyms has none for the patient",
    Reason.IDENTITY_IN_PATH: "its path, which the output would keep, holds the Patient ID",
    Reason.TARGET_EXISTS: "its place in the output is taken by another file",
    Reason.TARGET_NAME: "the output cannot have a file of its name",
    Reason.STOPPED: "the program broke down over the file",
}
_REJECTED = frozenset(
    {Reason.NOT_A_FILE, Reason.NOT_DICOM, Reason.DICOMDIR, Reason.SOP_CLASS, Reason.OPT_OUT}
)


class Refused(DeidError):
    """Nothing of an input may be delivered.

    Parameters
    ----------
    reason
        What stands against it.
    detail
        Where or how, without identity: a tag, a limit, an error's class.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(
            _WORDS[reason],
            cause=detail,
            advice="" if reason in _REJECTED else "Look at the file before it is released.",
        )
        self.reason = reason
        self.status: Status = reason.status

    def words(self) -> str:
        """The reason and its detail, for a report."""
        return f"{self.message}: {self.cause}" if self.cause else self.message
