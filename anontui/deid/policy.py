"""What happens to each attribute: the policy, compiled once, asked for every element.

The rules come from Table E.1-1 of PS3.15. A compound code such as X/Z/D is decided by the
attribute's type in the file's IOD, or inside the sequence where it stands (PS3.15 section
E.3; PS3.5 section 7.4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from anontui.deid import tables
from anontui.deid.tables import Types


class Action(StrEnum):
    """What is done with an element; dicom-anonymizer's names where it has them."""

    KEEP = "keep"
    """Kept as it is; into a sequence's items the same rules go."""
    DELETE = "delete"
    DELETE_PRIVATE = "delete_private"
    DELETE_UNKNOWN = "delete_unknown"
    """Neither in the table nor in the data dictionary."""
    EMPTY = "empty"
    REPLACE = "replace"
    """By a constant dummy value."""
    REPLACE_UID = "replace_UID"
    PSEUDONYM = "pseudonym"


PATIENT_NAME = 0x00100010
PATIENT_ID = 0x00100020

_ACTIONS = {
    "X": Action.DELETE,
    "Z": Action.EMPTY,
    "D": Action.REPLACE,
    "U": Action.REPLACE_UID,
    "U*": Action.KEEP,  # a sequence of references, whose UIDs are replaced inside
}
# Which of a code's letters is taken: the one that takes most away and leaves the file valid.
_PREFERENCE = {
    "1": ("D", "U", "U*", "Z", "X"),
    "2": ("Z", "D", "U", "U*", "X"),
    "3": ("X", "Z", "D", "U", "U*"),
    "?": ("D", "U", "U*", "Z", "X"),
}

# Attributes that the table does not name although they name a person, an order, a date in
# another calendar, or another instance. Identity first: these are treated like their kin.
_BESIDE_THE_TABLE = {
    0x00081167: "U",  # Multi-frame Source SOP Instance UID
    0x00083012: "U",  # Radiopharmaceutical Administration Event UID
    0x00100033: "X",  # Patient's Birth Date in Alternative Calendar
    0x00100034: "X",  # Patient's Death Date in Alternative Calendar
    0x00102295: "X",  # Breed Registration Number
    0x00120063: "X",  # De-identification Method, of an earlier time
    0x00120064: "X",  # and its codes
    0x0018991E: "U",  # Target Frame of Reference UID
    0x00181803: "X",  # NTP Source Address
    0x00200242: "U",  # SOP Instance UID of Concatenation Source
    0x00209312: "U",  # Volume Frame of Reference UID
    0x00209313: "U",  # Table Frame of Reference UID
    0x00280304: "U",  # Referenced Color Palette Instance UID
    0x00400400: "X",  # Comments on the Scheduled Procedure Step
    0x0040E001: "X",  # HL7 Instance Identifier
    0x00440102: "U",  # Assertion UID
    0x00440108: "U",  # Referenced Assertion UID
    0x00687004: "U",  # Model Group UID
    0x0070031B: "U",  # Referenced Fiducial UID
    0x00701209: "U",  # Volumetric Presentation Input Set UID
    0x0072007F: "U",  # Selector UI Value
    0x0074100C: "X",  # Contact Display Name
    0x300A0675: "U",  # Equipment Frame of Reference UID
    0x4010101A: "X",  # Boarding Pass ID
    0x40101051: "X",  # Itinerary ID
}
# The same by VR: what tells a person, a moment or a network address is not kept unnamed...
_TELLING_VRS = frozenset({"PN", "DA", "TM", "DT", "UR"})
_TELLING_NOTHING = frozenset({0x0008010E, 0x00080120})  # ...except two URLs of coding schemes
# Old order numbers and identifiers hide among the retired texts, which nothing reads any more.
_RETIRED_TEXT_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT", "OB"})


@dataclass(frozen=True, slots=True)
class Filters:
    """Which files are set aside for a person before anything is written.

    Each is one of the cases where removing attributes does not make a file safe.
    """

    burned_in: bool = True
    """Burned In Annotation (0028,0301) is YES."""
    secondary_capture: bool = True
    ultrasound: bool = True
    encapsulated_document: bool = True
    dose_report: bool = True
    screen: bool = True
    """Image Type or Series Description say patient protocol, dose report or screen save."""
    embedded_overlay: bool = True
    """An overlay in the unused bits of the pixel data, which stay as they are."""
    identity_left: bool = True
    """A value that would be kept repeats the patient's name or an identifier."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may demand."""

    file_bytes: int = 2 << 30
    inflated_bytes: int = 512 << 20
    """Of a deflated data set."""
    elements: int = 1_000_000
    """Of data elements, items and delimiters together."""
    depth: int = 64
    """Sequences inside each other; well below what Python's stack holds."""


@dataclass(frozen=True, eq=False)
class Policy:
    """What happens to each attribute, and to which files.

    Parameters
    ----------
    edition
        The editions of PS3.15 that the rules come from.
    rules
        Tag to code: those of Table E.1-1, and ``P`` for the pseudonym.
    codes
        What the result claims in (0012,0064): code value and meaning, of scheme DCM.
    filters, limits
        Which files are set aside.
    """

    edition: str
    rules: Mapping[int, str] = field(repr=False)
    codes: tuple[tuple[str, str], ...]
    filters: Filters = Filters()
    limits: Limits = Limits()

    @classmethod
    def basic(cls, *, filters: Filters = Filters(), limits: Limits = Limits()) -> Policy:
        """The Basic Application Level Confidentiality Profile, without options."""
        rules = {**_BESIDE_THE_TABLE, **tables.basic_profile()}
        rules[PATIENT_NAME] = rules[PATIENT_ID] = "P"
        codes = (("113100", "Basic Application Confidentiality Profile"),)
        return cls(tables.edition(), rules, codes, filters, limits)

    def action(self, tag: int, types: Types | None) -> Action:
        """What happens to an element.

        Parameters
        ----------
        tag
            Its tag, group in the upper 16 bits.
        types
            The types of what it stands in, see :mod:`anontui.deid.tables`; ``None`` if that
            is not known. An attribute that is not listed there counts as type 3.
        """
        group = tag >> 16
        if group & 1:
            return Action.DELETE_PRIVATE
        if _is_gone_group(group) or not tag & 0xFFFF:
            return Action.DELETE
        code = self.rules.get(tag)
        if code is None:
            return _unlisted(tag)
        return resolve(code, "?" if types is None else types.get(tag, "3"))


@cache
def resolve(code: str, kind: str) -> Action:
    """Decide a code of Table E.1-1 by the attribute's type (``?`` if that is not known)."""
    if code == "P":
        return Action.PSEUDONYM
    letters = code.split("/")
    kind = kind[0]
    letter = next(letter for letter in _PREFERENCE[kind] if letter in letters)
    if letter == "Z" and kind == "1":
        return Action.REPLACE  # "a zero length value, or a dummy": only the dummy is valid
    return _ACTIONS[letter]


def _is_gone_group(group: int) -> bool:
    """Command set, file meta and directory, which no data set holds; curves and overlays.

    An overlay without its data (60xx,3000) is invalid, so its whole group goes.
    """
    return group < 0x0008 or group >> 8 in (0x50, 0x60)


@cache
def _unlisted(tag: int) -> Action:
    known = tables.attribute(tag)
    if known is None:
        return Action.DELETE_UNKNOWN
    if known.vr in _TELLING_VRS and tag not in _TELLING_NOTHING:
        return Action.DELETE
    if known.retired and known.vr in _RETIRED_TEXT_VRS:
        return Action.DELETE
    return Action.KEEP
