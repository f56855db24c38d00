"""Where results go: as the input lies, or by their new identifiers."""

from __future__ import annotations

import os
import re
from hashlib import sha256

from anontui.deid.outcome import Outcome
from anontui.deid.pseudonyms import as_text

_LONGEST_NAME = 60  # letters of up to 4 bytes; file systems take 255 bytes
_SHORTEST_ID = 5
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def by_identifiers(pseudonym: str, outcome: Outcome) -> str:
    """``patient/study/series/instance.dcm`` of new identifiers, relative to the output."""
    folders = (
        pseudonym if outcome.patient_id else "no-patient",
        outcome.study_instance_uid or "no-study",
        outcome.series_instance_uid or "no-series",
    )
    return os.path.join(*map(safe_name, folders), f"{safe_name(outcome.sop_instance_uid)}.dcm")


def holds_patient_id(path: str, outcome: Outcome) -> bool:
    """Whether a path would tell the Patient ID that a result no longer has."""
    if outcome.original is None or outcome.original.patient_id == outcome.patient_id:
        return False
    patient_id = as_text(outcome.original.patient_id).casefold()
    if len(patient_id) < _SHORTEST_ID or patient_id not in path.casefold():
        return False
    whole = rf"(?<![^\W_]){re.escape(patient_id)}(?![^\W_])"
    return re.search(whole, path.casefold()) is not None


def safe_name(text: str) -> str:
    """Return ``text`` as the name of one folder on any system, never empty.

    Two texts never share a name: one that had to change carries a hash of itself.
    """
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "_", text)[:_LONGEST_NAME].strip(" .")
    if name and name == text and not _DEVICES.match(name):
        return name
    return f"{name[:40]}_{sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"
