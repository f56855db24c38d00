"""Recipes of deid (pydicom/deid): their header section."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from anontui.deid.readers.patterns import checked_pattern
from anontui.deid.readers.texts import lines_of, read_text, refused, shown
from anontui.deid.readers.told import checked, number_of, pattern_of, vr_of
from anontui.deid.readers.unnamed import INSTANCE_TAGS, unnamed_removed
from anontui.deid.rules.actions import Action, AnyRule, Rule
from anontui.deid.rules.tags import TagPattern
from anontui.errors import DeidError

_ADVICE = "Leave it out, or write what it does in a policy file."
# As in deid, whatever their order in the file; the last rule that fits wins.
_PRECEDENCE = ("BLANK", "REMOVE", "JITTER", "REPLACE", "ADD", "KEEP")
_FIELD_AND_VALUE = re.compile(r"""((?:[^\s"']|"[^"]*"|'[^']*')+)(?:\s+(.*))?""")
_SECTIONS = ("header", "labels", "filter", "values", "fields")
_FIRST_OF_DATA_SET = 0x00080000
_TAKES = frozenset({"JITTER", "REPLACE", "ADD"})
_TEXT_VRS = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST"})
_LOST = frozenset({"REMOVE", "BLANK"})


class _Known(NamedTuple):
    """An attribute of the data dictionary and the texts that expanders search in."""

    pattern: TagPattern
    vr: str
    texts: tuple[str, ...]


def read_recipe(path: Path) -> list[tuple[TagPattern, AnyRule]]:
    """Read the actions of a recipe's ``%header`` section.

    ``contains:``, ``startswith:``, ``endswith:``, ``except:`` and ``select:`` mean attributes of
    the data dictionary; ``REMOVE ALL`` spares what :mod:`anontui.deid.readers.unnamed` tells.
    An expander does not remove the instance's own SOP class and UIDs, and ``JITTER`` with one
    means dates only; of the others the standard decides.

    Raises
    ------
    DeidError
        With the line, for all else: values that a program makes (``var:``, ``func:``), other
        sections with something in them, unknown words.
    """
    section = ""
    found: list[tuple[int, list[tuple[TagPattern, AnyRule]]]] = []
    for number, line in enumerate(lines_of(read_text(path)), 1):
        line, where = line.strip(), f"{path.name} line {number}"
        if not line or line.startswith("#"):
            continue
        if re.match(r"format\b", line, re.IGNORECASE):
            _check_format(line, where)
        elif line.startswith("%"):
            section = _section(line, where)
        elif section != "header":
            problem = (
                f"the section %{section} is not supported" if section else "no section is open"
            )
            raise refused(where, problem, _ADVICE)
        else:
            action, rules = _action(line, where)
            found.append((_PRECEDENCE.index(action), rules))
    found.sort(key=lambda pair: pair[0])
    return [rule for _, rules in found for rule in rules]


def _uncommented(text: str) -> str:
    return text.partition("#")[0].strip()


def _check_format(line: str, where: str) -> None:
    if _uncommented(line).split()[1:] != ["dicom"]:
        raise refused(where, "only recipes for DICOM can be read", "Write FORMAT dicom.")


def _section(line: str, where: str) -> str:
    name = _uncommented(line[1:]).partition(" ")[0].lower()
    if name not in _SECTIONS:
        raise refused(where, f"there is no section %{shown(name)}", "Write %header.")
    return name


def _action(line: str, where: str) -> tuple[str, list[tuple[TagPattern, AnyRule]]]:
    action, rest = [*line.split(maxsplit=1), ""][:2]
    if action not in _PRECEDENCE:
        raise refused(
            where, f"{shown(action)} is no action", f"Actions: {', '.join(sorted(_PRECEDENCE))}."
        )
    found = _FIELD_AND_VALUE.fullmatch(rest)
    if found is None:
        raise refused(where, f"{action} names no attribute", "Write its keyword or its tag.")
    field, value = found[1], _uncommented(found[2] or "")
    if re.match(r"(var|func|deid_func):", value, re.IGNORECASE):
        raise refused(where, "a value that a program makes is not supported", _ADVICE)
    if (action in _TAKES) != bool(value):
        problem = "needs a value" if action in _TAKES else "takes no value"
        raise refused(where, f"{action} {problem}", "Correct the line.")
    rule = _rule(action, value, where)
    if field.lower() == "all":
        if action != "REMOVE":
            raise refused(where, f"{action} {field} is not supported", "Name the attributes.")
        return action, [*unnamed_removed(where)]
    if (expanded := _expanded(field, where)) is None:
        pattern = _named(field, where)
        if action == "ADD" and vr_of(pattern) not in _TEXT_VRS:
            raise refused(where, "only an attribute that holds text can be added", _ADVICE)
        return action, [checked(pattern, rule, where)]
    if action == "ADD":
        raise refused(where, "ADD takes one attribute", "Name it.")
    if action == "JITTER":
        expanded = [known for known in expanded if known.vr in ("DA", "DT")]
    spared = INSTANCE_TAGS if action in _LOST else ()
    rules: list[tuple[TagPattern, AnyRule]] = [
        (known.pattern, rule) for known in expanded if known.pattern.tag not in spared
    ]
    return action, rules


def _rule(action: str, value: str, where: str) -> Rule:
    match action:
        case "KEEP":
            return Rule(Action.KEEP, where, told=True)
        case "BLANK":
            return Rule(Action.EMPTY, where, told=True)
        case "REMOVE":
            return Rule(Action.DELETE, where, told=True)
        case "JITTER":
            days = number_of(value, Action.SHIFT_DATE, where)
            return Rule(Action.SHIFT_DATE, where, told=True, number=days)
    return Rule(Action.REPLACE_WITH_VALUE, where, told=True, value=value, insert=action == "ADD")


def _named(field: str, where: str) -> TagPattern:
    for known in _dictionary():
        if field.lower() in known.texts[:2]:  # deid takes keywords and names in any case
            return known.pattern
    return pattern_of(field, where)


def _expanded(field: str, where: str) -> list[_Known] | None:
    """The attributes that an expander means; ``None`` if there is none in ``field``."""
    found = re.fullmatch(r"""([^:"'(]+):(.*)""", field)
    if found is None:
        return None
    expander, text = found[1].lower(), found[2].lower()
    if expander == "select":
        matching = list(_selected(text, where))
    elif expander in ("contains", "startswith", "endswith", "except"):
        text = {"endswith": f"({text})$", "startswith": f"^({text})"}.get(expander, text)
        search = re.compile(checked_pattern(text, where), re.IGNORECASE).search
        matching = [
            known
            for known in _dictionary()
            if any(map(search, known.texts)) != (expander == "except")
        ]
    else:
        raise refused(
            where,
            f"{shown(field)} is not supported",
            "Write a keyword, a tag, or contains:, startswith:, endswith:, except:, select:.",
        )
    if not matching:
        raise refused(where, f"{shown(field)} means no attribute", "Correct the line.")
    return matching


def _selected(text: str, where: str) -> Iterator[_Known]:
    kind, _, value = text.partition(":")
    if kind == "vr":
        yield from (known for known in _dictionary() if value.upper() in known.vr.split(" or "))
    elif kind == "group" and re.fullmatch(r"(0x)?[0-9a-f]{1,4}", value):
        group = int(value, 16)
        yield from (known for known in _dictionary() if known.pattern.value >> 16 == group)
    else:
        raise refused(where, f"select:{shown(text)} is not supported", "Select by VR or GROUP.")


@cache
def _dictionary() -> list[_Known]:
    from pydicom import _dicom_dict

    found = []
    for tag, (vr, _, name, _, keyword) in _dicom_dict.DicomDictionary.items():
        if tag >= _FIRST_OF_DATA_SET and keyword:
            found.append(_Known(TagPattern(tag), vr, _texts(f"{tag:08x}", name, keyword)))
    for mask, (vr, _, name, _, keyword) in _dicom_dict.RepeatersDictionary.items():
        try:
            pattern = pattern_of(mask, "")
        except DeidError:
            continue
        found.append(_Known(pattern, vr, _texts(mask.lower(), name, keyword)))
    return found


def _texts(tag: str, name: str, keyword: str) -> tuple[str, ...]:
    return keyword.lower(), name.lower(), f"({tag[:4]},{tag[4:]})", tag
