"""The sections of a mapping file: where they start, its description and its options."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from anontui.errors import ProjectError
from anontui.project.columns import canonical
from anontui.project.dialect import lines_of, quote, unquote

NAMES = ("description", "options", "mapping")
_HEADER = re.compile(rf'[\s"]*##\s*({"|".join(NAMES)})\s*##[\s",;]*', re.IGNORECASE)
_HEADER_TEXT = re.compile(rf"##\s*(?:{'|'.join(NAMES)})\s*##", re.IGNORECASE)
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_LONGEST = 32_767  # Excel's longest cell; Python's csv reader stops at 131,072
_SHAPE = ("## Description ##", "## Options ##", "## Mapping ##")


def find_sections(lines: list[str]) -> tuple[int, int, int]:
    """Return the indices of the three header lines.

    Raises
    ------
    ProjectError
        If one is missing, or they are not in their order; says which.
    """
    found: list[int] = []
    for index, line in enumerate(lines):
        match = _HEADER.fullmatch(line) if "##" in line else None
        if match and match[1].lower() == NAMES[len(found)]:
            found.append(index)
            if len(found) == len(NAMES):
                return found[0], found[1], found[2]
    names = [match[1].lower() for line in lines if (match := _HEADER.fullmatch(line))]
    missing = [shape for name, shape in zip(NAMES, _SHAPE, strict=True) if name not in names]
    order = f"A mapping has the lines {', '.join(_SHAPE)}, in this order"
    if not "".join(lines).strip():
        raise ProjectError("The mapping is empty", advice=f"Make a new one. {order}.")
    if len(missing) == len(NAMES):
        raise ProjectError(
            "This is no mapping: it has none of the section headers",
            advice=f"{order}; add them, or make a new mapping.",
        )
    if missing:
        raise ProjectError(
            f"The mapping has no line {' and no line '.join(missing)}", advice=f"{order}; add it."
        )
    raise ProjectError(
        "The sections of the mapping are not in their order", advice=f"{order}; move them."
    )


def check_text(text: str) -> None:
    """Refuse a text that a mapping cannot hold so that every program reads it back.

    Raises
    ------
    ProjectError
        For a text that holds a section's header (other programs would start a section
        there and lose rows), a character that no text file holds, or more than 32,767
        characters.
    """
    if _HEADER_TEXT.search(text):
        raise ProjectError(
            "The text holds a section's header, which would break the mapping",
            advice="Write it without '##'.",
        )
    if _UNWRITABLE.search(text):
        raise ProjectError(
            "The text holds a control character or half a character",
            advice="Type it again; a file with such a name has to be renamed.",
        )
    if len(text) > _LONGEST:
        raise ProjectError(
            f"The text is longer than {_LONGEST:,} characters, the most that Excel keeps",
            advice="Shorten it.",
        )


def padding_of(header: str) -> str:
    """Return the separators after a header line, by which Excel fills every line."""
    return header[len(header.rstrip("\r\n,;\t ")) :].strip("\r\n ")


def read_description(text: str, padding: str) -> str:
    """Return the description without its line ends, Excel's separators and quotes."""
    lines = [line.rstrip("\r\n") for line in lines_of(text)]
    if padding:
        lines = [unquote(line.rstrip(padding)) for line in lines]
    return "\n".join(lines).strip("\n")


def write_description(old: str, new: str, padding: str, line_end: str) -> str:
    """Return the section's text for a new description, ending as the old one did.

    Raises
    ------
    ProjectError
        If a mapping cannot hold it.
    """
    lines = [line.rstrip("\r\n") for line in lines_of(new.strip("\r\n"))]
    for line in lines:
        check_text(line)
    if padding:
        lines = [
            line if unquote(line.rstrip(padding)) == line else quote(line, padding[0], always=True)
            for line in lines
        ]
    below = old[len(old.rstrip("\r\n,;\t ")) :]
    blank = lines_of(below)[1:] if below != old else lines_of(old)
    return "".join(line + line_end for line in lines) + "".join(blank)


class Option(NamedTuple):
    """One line of the options: its value, and the text around it."""

    name: str
    before: str
    value: str
    after: str


def read_option(line: str, delimiter: str) -> Option | None:
    """Read one line; None for an empty one or a comment.

    A value may hold separators: the first one ends the name, those at the end are
    Excel's, and quotes are taken off.
    """
    bare = line.strip(" \t\r\n,;")
    if not bare or bare.startswith("#"):
        return None
    marks = ",;" + delimiter
    match = re.match(rf"([^{marks}\r\n]*)([{marks}]?)[^\S\r\n]*", line)
    assert match  # noqa: S101 - every part may be empty
    rest = line[match.end() :]
    field = rest.rstrip(f"\r\n\t {match[2]}")
    quoted = len(field) > 1 and field[0] == field[-1] == '"'
    value = unquote(field) if quoted else field
    return Option(unquote(match[1].strip()), match.group(), value, rest[len(field) :])


@lru_cache(maxsize=16)
def read_options(text: str, delimiter: str) -> tuple[tuple[str, str], ...]:
    """Return name and value of each option as written, in order."""
    options = (read_option(line, delimiter) for line in lines_of(text))
    return tuple((option.name, option.value) for option in options if option and option.name)


def write_option(text: str, name: str, value: str, delimiter: str, line_end: str) -> str:
    """Return the section's text with one option set; an empty value takes it out.

    (Other programs refuse a line that is a name alone.)

    Raises
    ------
    ProjectError
        If the name or the value cannot stand on a line of options.
    """
    check_text(name + value)
    name, value = name.strip(), value.strip()
    lines = lines_of(text)
    found = [read_option(line, delimiter) for line in lines]
    same = [
        i for i, option in enumerate(found) if option and canonical(option.name) == canonical(name)
    ]
    if not value:
        return "".join(line for i, line in enumerate(lines) if i not in same)
    if same:  # of several lines the last one counts
        at, old = same[-1], found[same[-1]]
        lines.pop(at)
    else:
        at = max((i + 1 for i, option in enumerate(found) if option), default=0)
        old = None
    before, after = (old.before, old.after) if old else (name + delimiter, line_end)
    if "," in value and ";" in before:  # other programs part a line at its first comma
        before, after = before.replace(";", ",", 1), after.replace(";", ",")
    if not before.rstrip().endswith((",", ";", delimiter)):
        before += delimiter  # the line was a name alone
    for field in (value, quote(value, delimiter, always=True)):
        line = before + field + after
        option = read_option(line, delimiter)
        if (
            option
            and option.value == value
            and (old or option.name == name != "")
            and len(lines_of(line)) == 1
        ):
            return "".join([*lines[:at], line, *lines[at:]])
    raise ProjectError(
        "An option is a name and a value on one line",
        advice="Write it without line breaks, and the name without separators.",
    )
