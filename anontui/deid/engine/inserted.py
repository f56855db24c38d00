"""What a de-identified instance says of itself (PS3.15 section E.1.1), and its patient."""

from __future__ import annotations

from pydicom.dataset import Dataset

from anontui import __version__
from anontui.deid.rules.profile import PATIENT_ID, PATIENT_NAME
from anontui.deid.values import charset
from anontui.deid.values.treatment import Treatment

_CHARACTER_SET = 0x00080005
_IDENTITY_REMOVED = 0x00120062
_METHOD = 0x00120063
_TEMPORAL_INFORMATION = 0x00280303
_BURNED_IN = 0x00280301


def texts_of(treatment: Treatment, *, has_patient: bool, pixels_cleaned: bool) -> dict[int, str]:
    """Tag to text of the attributes that every result has, whatever its source had."""
    policy = treatment.policy
    texts = policy.inserted | {
        _IDENTITY_REMOVED: "YES",
        _METHOD: f"anontui {__version__}, PS3.15 E.1-1 {policy.edition}"[:64],
        _TEMPORAL_INFORMATION: policy.temporal_information,
    }
    if has_patient:
        if not treatment.is_told(PATIENT_NAME):
            texts[PATIENT_NAME] = treatment.pseudonym.patient_name
        if not treatment.is_told(PATIENT_ID):
            texts[PATIENT_ID] = treatment.pseudonym.patient_id
    if pixels_cleaned:
        texts[_BURNED_IN] = "NO"
    if treatment.needs_utf8:
        texts[_CHARACTER_SET] = charset.UTF8_TERM
    return dict(sorted(texts.items()))


def code_item(code: tuple[str, str]) -> Dataset:
    """An item of the Code Sequence Macro (PS3.3 section 8.8), of scheme DCM."""
    item = Dataset()
    item.CodeValue, item.CodeMeaning = code
    item.CodingSchemeDesignator = "DCM"
    return item
