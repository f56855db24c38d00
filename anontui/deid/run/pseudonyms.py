"""Who each patient becomes: by a list, or by the key alone."""

from __future__ import annotations

import csv
import hmac
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from anontui.deid.pseudonym import Pseudonym
from anontui.deid.readers.texts import read_bytes
from anontui.deid.refusal import Reason, Refused
from anontui.errors import DeidError

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
_COLUMNS = {
    "patientid": 0,
    "pseudoid": 1,
    "pseudonym": 1,
    "pseudoname": 2,
}


class Pseudonyms:
    """A function from Patient ID to pseudonym, the same in every process.

    Parameters
    ----------
    key
        The secret that pseudonyms are derived from.
    listed
        Patient ID to pseudonym; if given, who is not listed has none.
    """

    def __init__(self, key: bytes, listed: Mapping[str, Pseudonym] | None = None) -> None:
        self._key = key
        self._listed = listed

    def __call__(self, patient_id: str) -> Pseudonym:
        """The pseudonym of a patient.

        Raises
        ------
        Refused
            If there is a list, and the patient is not in it.
        """
        if self._listed is None:
            return derived(self._key, patient_id)
        found = self._listed.get(patient_id) or self._listed.get(as_text(patient_id))
        if found is None:
            raise Refused(Reason.NO_PSEUDONYM)
        return found


def derived(key: bytes, patient_id: str) -> Pseudonym:
    """A pseudonym such as ``ANON-7K3Q-M2XV-8HTD``: 60 bits of a keyed hash of the Patient ID.

    Whoever lacks the key cannot tell the patient; of 100,000 patients two share one with a
    probability of 4 in 10⁹.
    """
    digest = hmac.digest(key, b"pseudonym\0" + patient_id.encode("utf-8", "replace"), "sha256")
    number = int.from_bytes(digest[:8], "big")
    digits = "".join(_DIGITS[number >> 5 * place & 31] for place in range(12))
    name = f"ANON-{digits[:4]}-{digits[4:8]}-{digits[8:]}"
    return Pseudonym(name, name)


def as_text(patient_id: str) -> str:
    """A Patient ID as people write it, from its bytes taken as Latin-1."""
    try:
        return patient_id.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return patient_id


def read_pseudonyms(path: Path) -> dict[str, Pseudonym]:
    """Read a CSV file: ``patient_id,pseudo_id[,pseudo_name]``.

    The first line may name the columns, which then may come in any order. Without a
    ``pseudo_name`` the patient is named as the id says. Comma, semicolon or tab.

    Raises
    ------
    DeidError
        With the line, which is not quoted, if it is not such a file, gives a patient two
        pseudonyms, or a Patient ID as the pseudonym.
    """
    rows = _rows(path)
    if not rows:
        raise DeidError(f"{path.name} holds no pseudonyms", advice=_ADVICE)
    order = (0, 1, 2)
    names = [_COLUMNS.get("".join(filter(str.isalnum, cell.lower()))) for cell in rows[0][1]]
    if names[0] is not None or (0 in names and 1 in names):
        if names.count(0) != 1 or names.count(1) != 1:
            raise DeidError(f"{path.name} lacks a column", advice=_ADVICE)
        order = (names.index(0), names.index(1), names.index(2) if 2 in names else len(names))
        del rows[0]
    listed: dict[str, Pseudonym] = {}
    for line, cells in rows:
        where = f"{path.name} line {line}"
        patient, pseudo, name = (cells[at].strip() if at < len(cells) else "" for at in order)
        if not pseudo or pseudo == patient:
            problem = "the pseudonym is the Patient ID" if pseudo else "there is no pseudonym"
            raise DeidError(f"{where}: {problem}", advice=_ADVICE)
        try:
            pseudonym = Pseudonym(pseudo, name or pseudo)
        except DeidError as error:
            raise DeidError(f"{where}: {error.message}", advice=error.advice) from None
        if listed.setdefault(patient, pseudonym) != pseudonym:
            raise DeidError(
                f"{where}: the patient has another pseudonym further up",
                advice="Give each patient one.",
            )
    return listed


_ADVICE = "Each line must be patient_id,pseudo_id or patient_id,pseudo_id,pseudo_name."


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    data = read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # what spreadsheets write
    first = text.partition("\n")[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    try:
        return [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error:
        where = f"{path.name} line {reader.line_num}"
        raise DeidError(f"{where} is not CSV", advice=_ADVICE) from None
