"""Who the patient is called from now on."""

from __future__ import annotations

from dataclasses import dataclass

from anontui.errors import DeidError

LONGEST = 64  # characters of LO, and of one component group of PN (PS3.5 section 6.2)


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """The new Patient ID and Patient's Name, in any script.

    Raises
    ------
    DeidError
        If the id is empty, or a value cannot stand in its element: longer than 64
        characters, or with a backslash or a control character.
    """

    patient_id: str
    patient_name: str

    def __post_init__(self) -> None:
        if not self.patient_id.strip():
            raise DeidError("A pseudonym needs a Patient ID", advice="Give each patient one.")
        for value in (self.patient_id, self.patient_name):
            if len(value) > LONGEST or "\\" in value or not value.isprintable():
                raise DeidError(
                    "A pseudonym is not a valid DICOM value",
                    advice=f"Use up to {LONGEST} printable characters, and no backslash.",
                )
