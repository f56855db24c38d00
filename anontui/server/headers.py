"""What a worker reads of headers beside the engine: for the table of identities, never for logs.

Both files passed the engine, or were parsed by it; what cannot be read all the same is empty.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.server.identities import StudyFacts

if TYPE_CHECKING:
    from pydicom import Dataset

    from anontui.deid import Policy

_STUDY_DATE = 0x00080020
_TAGS = ("PatientName", "StudyDate", "AccessionNumber", "PatientID", "StudyInstanceUID")
_LONGEST = 256


def study_facts(source: Path, result: Path, policy: Policy) -> StudyFacts:
    """Read what only the headers tell of a study, before and after."""
    old, new = _header(source), _header(result)
    date, new_date = _text(old, "StudyDate"), _text(new, "StudyDate")
    return StudyFacts(
        _text(old, "PatientName"),
        date,
        _text(old, "AccessionNumber"),
        _text(new, "PatientName"),
        new_date,
        _text(new, "AccessionNumber"),
        _days(date, new_date) if _shifts(policy) else None,
    )


def patient_and_study(source: Path) -> tuple[str, str]:
    """Read the Patient ID and the StudyInstanceUID of a file that is held."""
    header = _header(source)
    return _text(header, "PatientID"), _text(header, "StudyInstanceUID")


def _header(path: Path) -> Dataset:
    from pydicom import Dataset, dcmread

    from anontui.deid.engine.quiet import quiet

    try:
        with quiet():
            return dcmread(path, stop_before_pixels=True, force=True, specific_tags=list(_TAGS))
    except Exception:  # noqa: BLE001 - on hostile bytes pydicom may raise anything at all
        return Dataset()


def _text(header: Dataset, keyword: str) -> str:
    from anontui.deid.engine.quiet import quiet

    try:
        with quiet():
            return str(header.get(keyword) or "").strip()[:_LONGEST]
    except Exception:  # noqa: BLE001 - as above
        return ""


def _shifts(policy: Policy) -> bool:
    """Whether a policy moves dates, and does not replace them by others."""
    from anontui.deid import Action, Rule

    rule = policy.rule(_STUDY_DATE, None)
    return isinstance(rule, Rule) and rule.action is Action.SHIFT_DATE


def _days(old: str, new: str) -> int | None:
    try:
        return (date.fromisoformat(new) - date.fromisoformat(old)).days
    except ValueError:
        return None
