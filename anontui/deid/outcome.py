"""What became of one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anontui.deid.refusal import Reason, Status


@dataclass(frozen=True, slots=True)
class Original:
    """Who and what a file was. It is identity: for reports that were asked for, never for logs."""

    patient_id: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    Parameters
    ----------
    status
        ``done``, ``rejected`` (nothing to de-identify) or ``quarantined`` (a person must look).
    reason
        Why it is not done, in words without identity; empty when done.
    code
        The reason's code to count by, see :class:`Reason`; ``None`` when done.
    patient_id
        The new Patient ID; empty unless done.
    study_instance_uid, series_instance_uid, sop_instance_uid
        The new UIDs; empty unless done.
    counts
        Elements by what happened to them: :class:`~anontui.deid.rules.actions.Action` names, and
        ``delete_invalid`` for kept attributes whose value was not valid.
    cleaned
        Tag and text of what is left of cleaned free texts (white-listed values are not here).
    original
        What it was; ``None`` unless done.
    """

    status: Status
    reason: str = ""
    code: Reason | None = None
    patient_id: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_instance_uid: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    cleaned: tuple[tuple[int, str], ...] = field(default=(), repr=False)
    original: Original | None = field(default=None, repr=False)
