"""Which files are set aside before anything of them is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from anontui.deid.engine import facts as at
from anontui.deid.engine.facts import Facts
from anontui.deid.engine.source import MEDIA_STORAGE_DIRECTORY, NATIVE, is_uid
from anontui.deid.refusal import Reason, Refused
from anontui.deid.rules import tables
from anontui.deid.rules.options import Option
from anontui.deid.rules.pixelrules import PixelRule
from anontui.deid.rules.policy import Filters, Policy
from anontui.deid.rules.tags import tag_text

_STORAGE = "1.2.840.10008.5.1.4.1.1"
_SECONDARY_CAPTURE = re.compile(rf"{re.escape(_STORAGE)}\.7(\.[0-9]+)?")
_ULTRASOUND = re.compile(rf"{re.escape(_STORAGE)}\.(3|3\.1|6|6\.[0-9]+)")
_DOCUMENT = re.compile(rf"{re.escape(_STORAGE)}\.104\.[0-9]+")
_DOSE_REPORT = re.compile(rf"{re.escape(_STORAGE)}\.88\.(67|68|73|74|75|76)")
_SCREEN = re.compile(r"patient protocol|dose (report|info|record|sheet)|screen ?(save|shot|cap)")
# Samples of a pixel that an uncompressed photometric interpretation really stores (PS3.3 C.7.6.3)
_STORED_SAMPLES = {"YBR_FULL_422": 2.0, "YBR_PARTIAL_422": 2.0, "YBR_PARTIAL_420": 1.5}


def check(
    facts: Facts, syntax: str, policy: Policy, *, is_instance: bool = True
) -> PixelRule | None:
    """Let a file pass, or refuse it; ``is_instance`` if it must have what every instance has.

    Returns
    -------
    PixelRule or None
        What is to be blacked out, if option clean-pixel-data is on and a rule fits.

    Raises
    ------
    Refused
        If it lacks what every instance has, its pixels are cut short, or a filter holds it.
    """
    filters = policy.filters
    sop_class = facts.text(at.SOP_CLASS)
    if facts.has(at.DIRECTORY_RECORDS) or sop_class == MEDIA_STORAGE_DIRECTORY:
        raise Refused(Reason.DICOMDIR)
    if is_instance:
        _check_uids(facts, sop_class)
    if filters.sop_classes and sop_class not in filters.sop_classes:
        raise Refused(Reason.SOP_CLASS)
    if filters.opt_out and facts.patient_id() in filters.opt_out:
        raise Refused(Reason.OPT_OUT)
    for tag in sorted(filters.required):
        if not facts.text(tag):
            raise Refused(Reason.MISSING_ATTRIBUTE, tag_text(tag))
    rule = _pixel_rule(facts, policy)
    for reason in _held_by(facts, sop_class, filters, rule):
        raise Refused(reason)
    if is_instance:
        _check_pixels(facts, sop_class, syntax)
    return rule


def _check_uids(facts: Facts, sop_class: str) -> None:
    if not is_uid(sop_class):
        raise Refused(Reason.MISSING_UID, "(0008,0016)")
    types = tables.types_at_top(sop_class)
    for tag in (at.SOP_INSTANCE, at.STUDY_INSTANCE, at.SERIES_INSTANCE):
        # a color palette, for one, belongs to no study
        if (types is None or tag in types) and not facts.text(tag):
            raise Refused(Reason.MISSING_UID, tag_text(tag))


def _pixel_rule(facts: Facts, policy: Policy) -> PixelRule | None:
    has_pixels = any(facts.has(tag) for tag in at.PIXEL_DATA)
    if Option.CLEAN_PIXEL_DATA not in policy.options or not has_pixels:
        return None
    rows, columns = facts.number(at.ROWS), facts.number(at.COLUMNS)
    return policy.pixel_rules.fitting(facts.text, rows, columns)


def _held_by(
    facts: Facts, sop_class: str, filters: Filters, rule: PixelRule | None
) -> Iterator[Reason]:
    if rule is None:  # else what may be burned in is blacked out
        if filters.burned_in and facts.text(at.BURNED_IN).upper() == "YES":
            yield Reason.BURNED_IN
        if filters.secondary_capture and _SECONDARY_CAPTURE.fullmatch(sop_class):
            yield Reason.SECONDARY_CAPTURE
        if filters.ultrasound and (
            _ULTRASOUND.fullmatch(sop_class)
            or (facts.text(at.MODALITY) == "US" and any(map(facts.has, at.PIXEL_DATA)))
        ):
            yield Reason.ULTRASOUND
    if filters.encapsulated_document and _DOCUMENT.fullmatch(sop_class):
        yield Reason.ENCAPSULATED_DOCUMENT
    if filters.dose_report and _DOSE_REPORT.fullmatch(sop_class):
        yield Reason.DOSE_REPORT
    told = f"{facts.text(at.IMAGE_TYPE)} {facts.text(at.SERIES_DESCRIPTION)}"
    if filters.screen and _SCREEN.search(told.lower().replace("_", " ")):
        yield Reason.SCREEN
    if filters.embedded_overlay and any(map(facts.number, at.BIT_POSITIONS)):
        yield Reason.EMBEDDED_OVERLAY


def _check_pixels(facts: Facts, sop_class: str, syntax: str) -> None:
    """An image is whole: what was cut off between two elements shows here only."""
    present = next(filter(facts.has, at.PIXEL_DATA), None)
    if present is None:
        is_image = facts.has(at.ROWS) or (tables.iod_of(sop_class) or "").endswith("-image")
        if is_image and not facts.has(at.PIXELS_ELSEWHERE):
            raise Refused(Reason.PIXEL_DATA)
        return
    if facts.pixel_length is None:
        if syntax in NATIVE:  # compressed, and nothing says how
            raise Refused(Reason.TRANSFER_SYNTAX)
        return  # its fragments were followed to their delimiter
    frames = facts.text(at.NUMBER_OF_FRAMES)
    bits = (
        facts.number(at.ROWS)
        * facts.number(at.COLUMNS)
        * (int(frames) if frames.isascii() and frames.isdigit() else 1)
        * (at.PIXEL_DATA[present] or facts.number(at.BITS_ALLOCATED))
    )
    samples = facts.number(at.SAMPLES)
    stored = _STORED_SAMPLES.get(facts.text(at.PHOTOMETRIC), samples or 1)
    if facts.pixel_length < int(bits * stored) // 8:
        raise Refused(Reason.PIXEL_DATA)
