"""The options of the Basic Application Level Confidentiality Profile (PS3.15 section E.3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from anontui.errors import DeidError


class Option(StrEnum):
    """An option by the name it has on the command line and in policy files."""

    CLEAN_PIXEL_DATA = "clean-pixel-data"
    CLEAN_VISUAL_FEATURES = "clean-recognizable-visual-features"
    CLEAN_GRAPHICS = "clean-graphics"
    CLEAN_STRUCTURED_CONTENT = "clean-structured-content"
    CLEAN_DESCRIPTORS = "clean-descriptors"
    RETAIN_FULL_DATES = "retain-longitudinal-full-dates"
    RETAIN_MODIFIED_DATES = "retain-longitudinal-modified-dates"
    RETAIN_PATIENT_CHARACTERISTICS = "retain-patient-characteristics"
    RETAIN_DEVICE_IDENTITY = "retain-device-identity"
    RETAIN_UIDS = "retain-uids"
    RETAIN_SAFE_PRIVATE = "retain-safe-private"
    RETAIN_INSTITUTION_IDENTITY = "retain-institution-identity"

    @property
    def column(self) -> str:
        """Its column of Table E.1-1, as the data file names it; empty if it has none."""
        return _COLUMNS.get(self, "")

    @property
    def code(self) -> tuple[str, str]:
        """Code value and meaning, of scheme DCM (PS3.16 CID 7050)."""
        return _CODES[self]


BASIC_CODE = ("113100", "Basic Application Confidentiality Profile")

_COLUMNS = {
    Option.CLEAN_GRAPHICS: "cleanGraphOpt",
    Option.CLEAN_STRUCTURED_CONTENT: "cleanStructContOpt",
    Option.CLEAN_DESCRIPTORS: "cleanDescOpt",
    Option.RETAIN_FULL_DATES: "rtnLongFullDatesOpt",
    Option.RETAIN_MODIFIED_DATES: "rtnLongModifDatesOpt",
    Option.RETAIN_PATIENT_CHARACTERISTICS: "rtnPatCharsOpt",
    Option.RETAIN_DEVICE_IDENTITY: "rtnDevIdOpt",
    Option.RETAIN_UIDS: "rtnUIDsOpt",
    Option.RETAIN_INSTITUTION_IDENTITY: "rtnInstIdOpt",
}
_CODES = {
    Option.CLEAN_PIXEL_DATA: ("113101", "Clean Pixel Data Option"),
    Option.CLEAN_VISUAL_FEATURES: ("113102", "Clean Recognizable Visual Features Option"),
    Option.CLEAN_GRAPHICS: ("113103", "Clean Graphics Option"),
    Option.CLEAN_STRUCTURED_CONTENT: ("113104", "Clean Structured Content Option"),
    Option.CLEAN_DESCRIPTORS: ("113105", "Clean Descriptors Option"),
    Option.RETAIN_FULL_DATES: (
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
    ),
    Option.RETAIN_MODIFIED_DATES: (
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
    ),
    Option.RETAIN_PATIENT_CHARACTERISTICS: ("113108", "Retain Patient Characteristics Option"),
    Option.RETAIN_DEVICE_IDENTITY: ("113109", "Retain Device Identity Option"),
    Option.RETAIN_UIDS: ("113110", "Retain UIDs Option"),
    Option.RETAIN_SAFE_PRIVATE: ("113111", "Retain Safe Private Option"),
    Option.RETAIN_INSTITUTION_IDENTITY: ("113112", "Retain Institution Identity Option"),
}
_SHORT = {
    "clean-pixels": Option.CLEAN_PIXEL_DATA,
    "retain-full-dates": Option.RETAIN_FULL_DATES,
    "retain-modified-dates": Option.RETAIN_MODIFIED_DATES,
}


def options_named(names: Iterable[str]) -> frozenset[Option]:
    """The options of these names, upper and lower case, spaces and ``_`` forgiven.

    Raises
    ------
    DeidError
        If there is no such option, or it cannot be had.
    """
    found = set()
    for name in names:
        plain = "-".join(name.lower().replace("_", " ").replace("-", " ").split())
        plain = plain.removesuffix("-option")
        try:
            found.add(_SHORT.get(plain) or Option(plain))
        except ValueError:
            raise DeidError(
                f"There is no option {name}", advice=f"Options are: {', '.join(Option)}."
            ) from None
    check_options(found)
    return frozenset(found)


def check_options(options: Collection[Option]) -> None:
    """Refuse what cannot be promised.

    Raises
    ------
    DeidError
        With the reason.
    """
    if Option.CLEAN_VISUAL_FEATURES in options:
        raise DeidError(
            "Recognizable visual features cannot be cleaned by this program",
            advice="Leave the option out, and remove faces with another tool before release.",
        )
    if {Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES} <= set(options):
        raise DeidError(
            "Dates cannot be both kept and shifted",
            advice="Choose retain-longitudinal-full-dates or -modified-dates.",
        )
