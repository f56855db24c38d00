"""De-identification of DICOM by PS3.15 Annex E: a library of its own.

A :class:`Policy` says what happens to each attribute; a :class:`Deidentifier` obeys it, over
files, received instances and data sets. What it cannot make safe it refuses, with a reason
that holds no identity. Importing this package loads neither pydicom nor the tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anontui.deid.actions import Action, Choice, Condition, Rule
    from anontui.deid.earlier import Earlier
    from anontui.deid.file import Deidentifier, deidentify_dataset, deidentify_file
    from anontui.deid.folder import Summary, deidentify_folder
    from anontui.deid.options import Option
    from anontui.deid.outcome import Original, Outcome
    from anontui.deid.pixelrules import PixelRules
    from anontui.deid.policy import Filters, Limits, Policy
    from anontui.deid.pseudonym import Pseudonym
    from anontui.deid.pseudonyms import Pseudonyms
    from anontui.deid.refusal import Reason, Refused
    from anontui.deid.report import Report
    from anontui.deid.tags import TagPattern, tag_pattern
    from anontui.deid.whitelist import WhiteList

_HOMES = {
    "Action": "actions",
    "Choice": "actions",
    "Condition": "actions",
    "Deidentifier": "file",
    "Earlier": "earlier",
    "Filters": "policy",
    "Limits": "policy",
    "Option": "options",
    "Original": "outcome",
    "Outcome": "outcome",
    "PixelRules": "pixelrules",
    "Policy": "policy",
    "Pseudonym": "pseudonym",
    "Pseudonyms": "pseudonyms",
    "Reason": "refusal",
    "Refused": "refusal",
    "Report": "report",
    "Rule": "actions",
    "Summary": "folder",
    "TagPattern": "tags",
    "WhiteList": "whitelist",
    "deidentify_dataset": "file",
    "deidentify_file": "file",
    "deidentify_folder": "folder",
    "tag_pattern": "tags",
}

__all__ = [
    "Action",
    "Choice",
    "Condition",
    "Deidentifier",
    "Earlier",
    "Filters",
    "Limits",
    "Option",
    "Original",
    "Outcome",
    "PixelRules",
    "Policy",
    "Pseudonym",
    "Pseudonyms",
    "Reason",
    "Refused",
    "Report",
    "Rule",
    "Summary",
    "TagPattern",
    "WhiteList",
    "deidentify_dataset",
    "deidentify_file",
    "deidentify_folder",
    "tag_pattern",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"anontui.deid.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
