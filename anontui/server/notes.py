"""What a worker does beside de-identifying: notes who files were, and asks for pseudonyms.

Workers open no table: what they find out travels in the report, and what they lack comes
with the next chunk that has the same file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.deid.pseudonym import Pseudonym
from anontui.deid.refusal import Reason, Refused
from anontui.server import headers
from anontui.server.identities import Identity
from anontui.server.quarantine import Pardon

if TYPE_CHECKING:
    from anontui.deid import Deidentifier, Outcome

Boxes = tuple[tuple[int, int, int, int], ...]
PROTOCOL = Reason.SCREEN
_PIECE = 1 << 20


@dataclass(frozen=True, repr=False)
class Notes:
    """What a worker found out beside the outcomes. It is identity.

    ``identities`` are of files that are ready, and of studies of which a protocol series is
    held; ``unknown`` are items whose patient has no pseudonym yet, with the Patient ID.
    """

    identities: tuple[Identity, ...] = ()
    unknown: tuple[tuple[int, str], ...] = ()


class Names:
    """Pseudonyms by Patient ID, as far as a worker was told them."""

    def __init__(self) -> None:
        self.known: dict[str, Pseudonym] = {}
        self.lacking = ""

    def __call__(self, patient_id: str) -> Pseudonym:
        """The pseudonym of a patient.

        Raises
        ------
        Refused
            If it is not known. ``lacking`` then is the patient, unless the file names none:
            two patients without an ID are not one.
        """
        if patient_id not in self.known:
            self.lacking = patient_id
            raise Refused(Reason.NO_PSEUDONYM)
        return self.known[patient_id]


class Desk:
    """The notes of one chunk.

    Parameters
    ----------
    engine
        Gives the engine without some filters, that blacks some boxes out.
    names
        Where pseudonyms are given out; None if all patients get the same.
    pardons
        What a person released, by source.
    """

    def __init__(
        self,
        engine: Callable[[frozenset[str], Boxes], Deidentifier],
        names: Names | None,
        pardons: dict[str, Pardon],
    ) -> None:
        self._engine = engine
        self._last = engine(frozenset(), ())
        self._names = names
        self._pardons = pardons
        self._identities: list[Identity] = []
        self._unknown: list[tuple[int, str]] = []
        self._studies: set[str] = set()

    def treat(self, source: str, part: Path) -> Outcome:
        """De-identify a file; one that was released, and is still the same, as that says."""
        if self._names is not None:
            self._names.lacking = ""
        pardon = self._pardons.get(source)
        if pardon is None or _digest(source) != pardon.digest:
            pardon = Pardon("", frozenset())
        self._last = self._engine(pardon.filters, pardon.boxes)
        return self._last.file(Path(source), part, sync=False)

    def lacks_pseudonym(self, item_id: int) -> bool:
        """Whether the last file only lacks a pseudonym: it is done again when there is one."""
        if self._names is None or not self._names.lacking:
            return False
        self._unknown.append((item_id, self._names.lacking))
        return True

    @property
    def minds_conflicts(self) -> bool:
        """Whether the last file may not share its study with another patient's."""
        return self._last.policy.filters.patient_conflict

    def pseudonym(self, outcome: Outcome, default: str) -> str:
        """The new Patient ID of a file that is done."""
        if self._names is None or outcome.original is None:
            return default
        return self._names.known[outcome.original.patient_id].patient_id

    def note(self, outcome: Outcome, source: str, part: Path, new_patient_id: str) -> None:
        """Note who a file was that is done."""
        original = outcome.original
        if original is None:
            return
        facts = None
        if original.study_instance_uid not in self._studies:
            self._studies.add(original.study_instance_uid)
            facts = headers.study_facts(Path(source), part, self._last.policy)
        self._identities.append(
            Identity(
                original.patient_id,
                original.study_instance_uid,
                original.series_instance_uid,
                new_patient_id,
                outcome.study_instance_uid,
                outcome.series_instance_uid,
                outcome.sop_instance_uid,
                facts,
            )
        )

    def note_held(self, source: str, default: str) -> str:
        """Note the study of a protocol series that is held; returns its new UID."""
        patient_id, study = headers.patient_and_study(Path(source))
        if not study:
            return ""
        new = self._last.new_study_uid(study)
        if self._names is None:
            self._identities.append(Identity(patient_id, study, "", default, new, "", ""))
        elif known := self._names.known.get(patient_id):
            self._identities.append(Identity(patient_id, study, "", known.patient_id, new, "", ""))
        return new

    def notes(self) -> Notes:
        """All notes of the chunk."""
        return Notes(tuple(self._identities), tuple(self._unknown))


def _digest(source: str) -> str:
    digest = hashlib.sha256()
    try:
        with Path(source).open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()
