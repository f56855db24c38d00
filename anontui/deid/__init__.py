"""De-identification of DICOM by PS3.15 Annex E: a library of its own.

A :class:`Policy` says what happens to each attribute; :func:`deidentify_file` and
:func:`deidentify_dataset` obey it. What they cannot make safe they refuse, with a reason
that holds no identity. Importing this package loads neither pydicom nor the tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anontui.deid.policy import Action, Filters, Limits, Policy
from anontui.deid.pseudonym import Pseudonym
from anontui.deid.refusal import Reason, Refused

if TYPE_CHECKING:
    from anontui.deid.file import Outcome, deidentify_dataset, deidentify_file

__all__ = [
    "Action",
    "Filters",
    "Limits",
    "Outcome",
    "Policy",
    "Pseudonym",
    "Reason",
    "Refused",
    "deidentify_dataset",
    "deidentify_file",
]


def __getattr__(name: str) -> object:
    if name in ("Outcome", "deidentify_dataset", "deidentify_file"):
        from anontui.deid import file

        return getattr(file, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
