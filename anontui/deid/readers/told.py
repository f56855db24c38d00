"""Rules as users tell them: a tag, an action's name, its arguments.

The names are dicom-anonymizer's, in each way that its versions wrote them, and our own.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from anontui.deid.readers.patterns import checked_pattern, checked_replacement
from anontui.deid.readers.texts import refused, shown
from anontui.deid.rules.actions import Action, Rule
from anontui.deid.rules.tags import TagPattern, tag_pattern
from anontui.errors import DeidError

ARGUMENTS: dict[Action, tuple[str, ...]] = {
    Action.REPLACE: (),
    Action.EMPTY: (),
    Action.DELETE: (),
    Action.KEEP: (),
    Action.CLEAN: (),
    Action.REPLACE_UID: (),
    Action.EMPTY_OR_REPLACE: (),
    Action.DELETE_OR_EMPTY: (),
    Action.DELETE_OR_REPLACE: (),
    Action.DELETE_OR_EMPTY_OR_REPLACE: (),
    Action.DELETE_OR_EMPTY_OR_REPLACE_UID: (),
    Action.REGEXP: ("find", "replace"),
    Action.REPLACE_WITH_VALUE: ("value",),
    Action.SHIFT_DATE: ("days",),
    Action.HASH: ("length",),
    Action.PSEUDONYM: (),
    Action.ROUND_AGE: ("width",),
}
"""The actions that users can name, and what their arguments are called."""

_NUMBERS = {Action.SHIFT_DATE: 99_999, Action.HASH: 64, Action.ROUND_AGE: 100}  # at most
_NAMES = {action.replace("_", "").lower(): action for action in ARGUMENTS}
_NAMES["deleteoremplyorreplace"] = Action.DELETE_OR_EMPTY_OR_REPLACE  # a slip that was published
_TUPLE = re.compile(r"\(\s*((?:0x[0-9a-f]{1,4}\s*,\s*){1,3}0x[0-9a-f]{1,4})\s*,?\s*\)", re.I)
_DESTROYING = frozenset({Action.DELETE, Action.EMPTY, Action.REPLACE})
_NOT_OF_SEQUENCES = frozenset(
    {
        Action.REGEXP,
        Action.REPLACE_WITH_VALUE,
        Action.SHIFT_DATE,
        Action.HASH,
        Action.PSEUDONYM,
        Action.ROUND_AGE,
        Action.LOOK_UP,
    }
)


def told_rule(
    tag: str, action: str, arguments: Sequence[str], where: str
) -> tuple[TagPattern, Rule]:
    """The rule of ``-t TAG ACTION [ARGS …]``, or of an entry in a file.

    Parameters
    ----------
    tag
        As :func:`pattern_of` reads it.
    action
        A name of :data:`ARGUMENTS`; upper and lower case and ``_`` are forgiven.
    arguments
        In order. Those of shift_date, hash and round_age may be left out.
    where
        ``-t``, or ``rules.json line 3``: what errors and the rule itself name as its source.

    Raises
    ------
    DeidError
        If tag, name or arguments are wrong, or the rule could not be done to the letter.
    """
    pattern = pattern_of(tag, where)
    named = _NAMES.get(action.strip().replace("_", "").lower())
    if named is None:
        close = difflib.get_close_matches(action, ARGUMENTS, n=1)
        advice = f"Did you mean {close[0]}? " if close else ""
        raise refused(
            where,
            f"there is no action {shown(action)}",
            f"{advice}Actions: {', '.join(ARGUMENTS)}.",
        )
    names = ARGUMENTS[named]
    least = 0 if named in _NUMBERS else len(names)
    if not least <= len(arguments) <= len(names):
        takes = " and ".join(name.upper() for name in names)
        optional = f" or nothing, as in {named} {names[0].upper()}" if named in _NUMBERS else ""
        raise refused(
            where,
            f"{named} was given too {'few' if len(arguments) < least else 'many'} arguments",
            f"It takes {takes}{optional}." if names else "It takes none.",
        )
    return checked(pattern, _rule(named, arguments, where), where)


def argument_names(action: str) -> tuple[int, tuple[str, ...]]:
    """How many arguments an action must have, and what all are called; none if it is unknown."""
    named = _NAMES.get(action.strip().replace("_", "").lower())
    if named is None:
        return 0, ()
    names = ARGUMENTS[named]
    return 0 if named in _NUMBERS else len(names), names


def pattern_of(text: str, where: str) -> TagPattern:
    """Read a tag as :func:`anontui.deid.rules.tags.tag_pattern` does, or as dicom-anonymizer.

    The latter are ``(0x8, 0x20)``, and ``(0x5000, 0x0, 0xFF00, 0x0)`` for all tags that agree
    with the first two numbers in the bits of the last two.

    Raises
    ------
    DeidError
        If it is none of these.
    """
    if found := _TUPLE.fullmatch(text.strip()):
        numbers = [int(number, 16) for number in found[1].split(",")]
        if len(numbers) == 2:
            return TagPattern(numbers[0] << 16 | numbers[1])
        if len(numbers) == 4:
            mask = numbers[2] << 16 | numbers[3]
            return TagPattern((numbers[0] << 16 | numbers[1]) & mask, mask)
    try:
        return tag_pattern(text)
    except DeidError as error:
        problem = error.message.replace(text, shown(text))
        raise refused(where, problem, error.advice) from None


def checked(pattern: TagPattern, rule: Rule, where: str) -> tuple[TagPattern, Rule]:
    """A rule as it will be done, if it can be done to the letter.

    Raises
    ------
    DeidError
        If it would keep private elements by their number, or does not fit the VR.
    """
    if pattern.value >> 16 & 1 and not pattern.creator and rule.action not in _DESTROYING:
        raise refused(
            where,
            "private elements cannot be kept by their number, for others use the same",
            'Name the creator, as in (0029,"SIEMENS CSA HEADER",10); or leave the line out, '
            "and they are removed.",
        )
    vr = vr_of(pattern)
    if rule.action is Action.DELETE_OR_EMPTY_OR_REPLACE_UID and vr != "SQ":
        # of a sequence, it keeps the items and replaces the UIDs in them
        action = Action.REPLACE_UID if vr == "UI" else Action.DELETE_OR_EMPTY_OR_REPLACE
        return pattern, Rule(action, rule.because, told=True)
    if vr == "SQ" and rule.action in _NOT_OF_SEQUENCES:
        raise refused(
            where,
            f"{rule.action} is for values, and this is a sequence",
            "Name the attributes in its items: rules hold inside sequences too.",
        )
    if rule.action is Action.SHIFT_DATE and rule.number is not None and vr == "TM":
        raise refused(
            where, "a time of day does not move by days", "Write shift_date without a number."
        )
    if rule.action is Action.ROUND_AGE and vr not in ("AS", ""):
        raise refused(where, "only ages (VR AS) can be rounded", "Use another action.")
    return pattern, rule


def vr_of(pattern: TagPattern) -> str:
    """The VR of the one attribute of the standard that is meant; else empty."""
    from pydicom import datadict

    try:
        return "" if pattern.tag is None else datadict.dictionary_VR(pattern.tag)
    except KeyError:
        return ""


def number_of(text: str, action: Action, where: str) -> int:
    """The number that shift_date (days), hash (characters) or round_age (years) takes.

    Raises
    ------
    DeidError
        If it is none, or would change nothing.
    """
    most = _NUMBERS[action]
    least = -most if action is Action.SHIFT_DATE else 1
    plain = text.strip()
    number = int(plain) if re.fullmatch(r"[+-]?[0-9]{1,6}", plain) else 0
    if number == 0 or not least <= number <= most:
        between = f"{least} to {most}" + (", but 0" if least < 0 else "")
        raise refused(
            where,
            f"{shown(text)} is no number of {ARGUMENTS[action][0]} for {action}",
            f"It must be a whole number, {between}.",
        )
    return number


def _rule(action: Action, arguments: Sequence[str], where: str) -> Rule:
    if action is Action.REGEXP:
        find = checked_pattern(arguments[0], where)
        value = checked_replacement(find, arguments[1], where)
        return Rule(action, where, told=True, find=find, value=value)
    if action is Action.REPLACE_WITH_VALUE:
        return Rule(action, where, told=True, value=arguments[0])
    number = number_of(arguments[0], action, where) if arguments else None
    return Rule(action, where, told=True, number=number)
