"""De-identification of DICOM by PS3.15 Annex E: a library of its own.

A :class:`Policy` says what happens to each attribute; a :class:`Deidentifier` obeys it, over
files, received instances and data sets. What it cannot make safe it refuses, with a reason
that holds no identity. Importing this package loads neither pydicom nor the tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anontui.deid.earlier import Earlier
    from anontui.deid.file import Deidentifier, deidentify_dataset, deidentify_file
    from anontui.deid.outcome import Original, Outcome
    from anontui.deid.pseudonym import Pseudonym
    from anontui.deid.refusal import Reason, Refused
    from anontui.deid.rules.actions import Action, Choice, Condition, Rule
    from anontui.deid.rules.options import Option
    from anontui.deid.rules.pixelrules import PixelRules
    from anontui.deid.rules.policy import Filters, Limits, Policy
    from anontui.deid.rules.tags import TagPattern, tag_pattern
    from anontui.deid.rules.whitelist import WhiteList
    from anontui.deid.run.folder import Summary, deidentify_folder
    from anontui.deid.run.pseudonyms import Pseudonyms
    from anontui.deid.run.report import Report

_HOMES = {
    "Action": "rules.actions",
    "Choice": "rules.actions",
    "Condition": "rules.actions",
    "Deidentifier": "file",
    "Earlier": "earlier",
    "Filters": "rules.policy",
    "Limits": "rules.policy",
    "Option": "rules.options",
    "Original": "outcome",
    "Outcome": "outcome",
    "PixelRules": "rules.pixelrules",
    "Policy": "rules.policy",
    "Pseudonym": "pseudonym",
    "Pseudonyms": "run.pseudonyms",
    "Reason": "refusal",
    "Refused": "refusal",
    "Report": "run.report",
    "Rule": "rules.actions",
    "Summary": "run.folder",
    "TagPattern": "rules.tags",
    "WhiteList": "rules.whitelist",
    "deidentify_dataset": "file",
    "deidentify_file": "file",
    "deidentify_folder": "run.folder",
    "tag_pattern": "rules.tags",
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
