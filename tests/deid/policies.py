"""Policies by name: the basic profile, each option, the usual combinations, users' rules."""

from __future__ import annotations

from typing import Any

from anontui.deid import (
    Action,
    Choice,
    Condition,
    Option,
    Policy,
    Rule,
    TagPattern,
    WhiteList,
    tag_pattern,
)
from tests.deid.build import PERMISSIVE, POLICY

# those that exist, and can be tried without a file of pixel rules
OPTIONS = [
    option
    for option in Option
    if option not in (Option.CLEAN_PIXEL_DATA, Option.CLEAN_VISUAL_FEATURES)
]
COMBINATIONS: dict[str, list[Option]] = {
    "full dates": [Option.RETAIN_FULL_DATES],
    "modified dates": [Option.RETAIN_MODIFIED_DATES],
    "research": [
        Option.CLEAN_DESCRIPTORS,
        Option.RETAIN_MODIFIED_DATES,
        Option.RETAIN_PATIENT_CHARACTERISTICS,
    ],
    "place": [Option.RETAIN_DEVICE_IDENTITY, Option.RETAIN_INSTITUTION_IDENTITY],
    "reports": [Option.CLEAN_STRUCTURED_CONTENT, Option.CLEAN_DESCRIPTORS],
    "graphics": [Option.CLEAN_GRAPHICS],
    "uids": [Option.RETAIN_UIDS],
    "safe private": [Option.RETAIN_SAFE_PRIVATE],
    "everything that stays": [
        option for option in OPTIONS if option is not Option.RETAIN_FULL_DATES
    ],
}
LISTED = WhiteList(
    {
        0x00081030: frozenset({"ct chest w/contrast", "thorax"}),
        0x0008103E: frozenset({"ax 25mm"}),
        0x00180010: frozenset({"x"}),
    }
)


def told(tag: str, action: Action, **needs: Any) -> tuple[TagPattern, Rule]:
    """A user's rule."""
    return tag_pattern(tag), Rule(action, "a test", told=True, **needs)


_YES_OR_NO = Choice(
    Condition(0x00080060, "equals", "CT"),
    Rule(Action.KEEP, "a test", told=True),
    Rule(Action.EMPTY, "a test", told=True),
)
TOLD = [
    told("StudyDate", Action.SHIFT_DATE, number=3),
    told("SeriesDate", Action.SHIFT_DATE),
    told("AccessionNumber", Action.HASH),
    told("StudyID", Action.HASH, number=5),
    told("StudyDescription", Action.REGEXP, find=r"[0-9]+|\W", value="-"),
    told("SeriesDescription", Action.CLEAN),
    told("PatientAge", Action.ROUND_AGE),
    told("InstitutionName", Action.LOOK_UP, table={"St. Elsewhere": "SITE-1"}),
    told("StationName", Action.REPLACE_WITH_VALUE, value="STATION"),
    told("KVP", Action.DELETE),
    told("SliceThickness", Action.EMPTY),
    told("Manufacturer", Action.REPLACE),
    told("PatientSex", Action.KEEP),
    told("PatientComments", Action.DELETE_OR_EMPTY_OR_REPLACE),
    told("(0040,xxxx)", Action.DELETE),
    told("FrameOfReferenceUID", Action.REPLACE_UID),
]

POLICIES: dict[str, Policy] = {
    "basic": PERMISSIVE,
    "basic, all filters": POLICY,
    **{
        str(option): Policy.build(options=[option], filters=PERMISSIVE.filters)
        for option in OPTIONS
    },
    **{
        name: Policy.build(options=options, filters=PERMISSIVE.filters, white_list=LISTED)
        for name, options in COMBINATIONS.items()
        if len(options) > 1
    },
    "white list": Policy.build(white_list=LISTED, filters=PERMISSIVE.filters),
    "told": Policy.build(rules=TOLD, filters=PERMISSIVE.filters),
    "choice": Policy.build(
        rules=[(tag_pattern("StudyDescription"), _YES_OR_NO)], filters=PERMISSIVE.filters
    ),
    "private kept": Policy.build(keep_private=True, filters=PERMISSIVE.filters),
    "creator told": Policy.build(
        rules=[told('(0009,"ACME 1.0",01)', Action.KEEP)],
        filters=PERMISSIVE.filters,
    ),
    "scrub": Policy.build(
        options=[Option.CLEAN_DESCRIPTORS], clean_by="scrub", filters=PERMISSIVE.filters
    ),
    "time shifted": Policy.build(
        options=[Option.RETAIN_MODIFIED_DATES], shift_time=True, filters=PERMISSIVE.filters
    ),
}
