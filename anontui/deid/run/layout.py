"""Where results go: as the input lies, or by their new identifiers."""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from anontui.deid.outcome import Outcome
from anontui.deid.run.pseudonyms import as_text
from anontui.errors import UsageError

_LONGEST_NAME = 60  # letters of up to 4 bytes; file systems take 255 bytes
_SHORTEST_ID = 5
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


class Places(NamedTuple):
    """Folders of a run, links resolved.

    ``only`` is the name of the one file, and ``name`` that of its result; empty for a folder,
    and ``name`` also if the new identifiers will tell.
    """

    source: str
    only: str
    target: str
    name: str


def places(source: Path, target: Path, *, layout: bool) -> Places:
    """Find out what is to be read and written where.

    Raises
    ------
    UsageError
        If there is no source, or source and target lie in each other's way.
    """
    read, write = os.path.realpath(source), os.path.realpath(target)
    elsewhere = "Choose an output elsewhere."
    if not os.path.lexists(read):
        raise UsageError("The input does not exist", advice="Check the path.")
    if os.path.isdir(read):
        if os.path.lexists(write) and not os.path.isdir(write):
            raise UsageError("The output is a file, and the input a folder", advice=elsewhere)
        if Path(read).is_relative_to(write):
            raise UsageError("The input is the output, or inside it", advice=elsewhere)
        return Places(read, "", write, "")
    folder, only = os.path.split(read)
    name = "" if layout else only
    if not layout and not os.path.isdir(write):
        write, name = os.path.split(write)
    if os.path.join(write, name) == read:
        raise UsageError("The output is the input", advice=elsewhere)
    return Places(folder, only, write, name)


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
