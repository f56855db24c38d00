"""Dictionary files of dicom-anonymizer: a JSON object of actions by tag."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from anontui.deid.readers.texts import json_entries, read_text, refused, shown
from anontui.deid.readers.told import ARGUMENTS, told_rule
from anontui.deid.rules.actions import AnyRule
from anontui.deid.rules.tags import TagPattern

_FIELDS = {name for names in ARGUMENTS.values() for name in names}
_ADVICE = 'Write "keep", or {"action": "regexp", "find": "0701$", "replace": "0000"}.'


def read_dictionary(path: Path) -> list[tuple[TagPattern, AnyRule]]:
    """Read a file such as ``{"(0x0010,0x0020)": "keep"}``; of a tag given twice the last counts.

    Raises
    ------
    DeidError
        With the line, if anything in it is not understood.
    """
    return [
        entry_rule(name, value, f"{path.name} line {line}")
        for line, name, value in json_entries(read_text(path), path.name)
    ]


def entry_rule(tag: str, entry: object, where: str) -> tuple[TagPattern, AnyRule]:
    """The rule of one entry: an action's name, or a mapping with it and its arguments by name.

    Raises
    ------
    DeidError
        If it is not understood.
    """
    if isinstance(entry, str):
        return told_rule(tag, entry, (), where)
    if not isinstance(entry, Mapping):
        raise refused(where, "an action is expected", _ADVICE)
    given = {str(name): value for name, value in entry.items()}
    action = given.pop("action", None)
    if not isinstance(action, str):
        raise refused(where, "the action is missing", _ADVICE)
    for name in given:
        if name not in _FIELDS:
            raise refused(where, f"there is no argument {shown(name)}", _ADVICE)
    order = next((names for names in ARGUMENTS.values() if names and set(names) == set(given)), ())
    if given and not order:
        raise refused(where, f"{shown(action)} does not take these arguments", _ADVICE)
    arguments = [_text(given[name], where) for name in order]
    pattern, rule = told_rule(tag, action, arguments, where)
    if order != ARGUMENTS[rule.action][: len(order)]:
        raise refused(where, f"{shown(action)} does not take these arguments", _ADVICE)
    return pattern, rule


def _text(value: object, where: str) -> str:
    if isinstance(value, list):
        return "\\".join(_text(part, where) for part in value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refused(where, "an argument is neither a text nor a number", _ADVICE)
    return str(value)
