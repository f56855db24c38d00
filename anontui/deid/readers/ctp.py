"""Anonymizer scripts of RSNA's CTP and of RSNA's Anonymizer.

What a script does not name follows the standard, where CTP would keep it. A script of the
Anonymizer (known by names without parentheses, ``@uid``) removes what it does not name, as
``<r t="unspecifiedelements">`` does in CTP; then ``<k>`` exempts a group from that, so that
the standard decides. What the engine writes itself (file meta information, (0012,0062) to
(0012,0064), (0028,0303)) is not the script's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn
from xml.parsers import expat

from anontui.deid.readers.ctpcalls import Call, Unreadable, parsed
from anontui.deid.readers.ctpfunctions import Element
from anontui.deid.readers.lookup import read_lookup
from anontui.deid.readers.texts import read_bytes, refused, shown
from anontui.deid.readers.told import checked
from anontui.deid.readers.unnamed import unnamed_removed
from anontui.deid.rules.actions import Action, AnyRule, Rule
from anontui.deid.rules.options import Option
from anontui.deid.rules.tags import TagPattern
from anontui.errors import DeidError

_FIRST_OF_DATA_SET = 0x00080000
_WRITTEN = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})
_PRIVATE = re.compile(r"([0-9a-fA-F]{4})\[([^\[\]]+)\]([0-9a-fA-F]{2})")
_ONLY_IN_ANONYMIZER = frozenset({"acc", "hashdate", "ptid", "uid"})
_MOST_NAMED = 10
_REMOVED = {
    "overlays": TagPattern(0x60000000, 0xFF000000),
    "curves": TagPattern(0x50000000, 0xFF000000),
}


@dataclass(frozen=True)
class Script:
    """What a script says.

    Parameters
    ----------
    rules
        For :meth:`anontui.deid.rules.policy.Policy.build`; later ones overrule earlier ones.
    options
        Retain Safe Private, if the script keeps safe private elements.
    removes_private
        Whether it says that private elements go, so that nothing else may keep them all.
    """

    rules: tuple[tuple[TagPattern, AnyRule], ...] = ()
    options: frozenset[Option] = frozenset()
    removes_private: bool = False


class _Line(NamedTuple):
    number: int
    kind: str
    attributes: dict[str, str]
    text: str

    @property
    def target(self) -> str:
        return self.attributes.get("t", "").strip()


def read_script(path: Path, lookup: Path | None = None) -> Script:
    """Read a script in XML; lines that are not enabled (``en="F"``) say nothing.

    Parameters
    ----------
    path
        The script.
    lookup
        The table for ``@lookup``, see :mod:`anontui.deid.readers.lookup`.

    Raises
    ------
    DeidError
        With the line, if it is no such script, has a document type or entities, or says what
        cannot be done. Further lines that are refused are named too.
    """
    lines = [line for line in _Xml(path.name).lines(read_bytes(path)) if _is_on(line, path.name)]
    return _Reading(lines, path.name, lookup).script()


def _is_on(line: _Line, name: str) -> bool:
    enabled = line.attributes.get("en", "" if line.kind != "p" else "T")
    if enabled not in ("T", "F"):
        raise refused(
            f"{name} line {line.number}", "it does not say whether it counts", 'Write en="T".'
        )
    return enabled == "T"


class _Reading:
    def __init__(self, lines: list[_Line], name: str, lookup: Path | None) -> None:
        self._name = name
        self._lines = lines
        calls = [call for line in lines if line.kind == "e" for call in _calls(line.text)]
        self._of_anonymizer = any(call.bare and call.name in _ONLY_IN_ANONYMIZER for call in calls)
        self._parameters = {line.target: line.text.strip() for line in lines if line.kind == "p"}
        found = re.findall(
            r"@\s*lookup\s*\([^,()]+,([^,()]+)", "\n".join(line.text for line in lines)
        )
        key_types = frozenset(key_type.strip() for key_type in found)
        self._tables = read_lookup(lookup, key_types) if lookup is not None else {}

    def script(self) -> Script:
        wide: list[tuple[TagPattern, AnyRule]] = []
        rules: list[tuple[TagPattern, AnyRule]] = []
        removes_unnamed = f"{self._name}, not named" if self._of_anonymizer else ""
        removes_private = keeps_safe = False
        errors: list[tuple[int, DeidError]] = []
        for line in self._lines:
            where = f"{self._name} line {line.number}"
            try:
                if line.kind == "e":
                    rules += self._element(line, where)
                elif line.kind == "k" and line.target.startswith("safe"):
                    keeps_safe = True
                elif line.kind == "k":
                    wide.append((_group(line.target), Rule(Action.STANDARD, where)))
                elif line.kind == "r" and line.target == "unspecifiedelements":
                    removes_unnamed = where
                elif line.kind == "r" and line.target == "privategroups":
                    removes_private = True
                elif line.kind == "r":
                    wide.append((_removed(line.target), Rule(Action.DELETE, where, told=True)))
            except Unreadable as error:
                errors.append((line.number, refused(where, error.problem, error.advice)))
            except DeidError as error:
                errors.append((line.number, error))
        if errors:
            _raise(errors)
        if removes_unnamed:
            wide = [*unnamed_removed(removes_unnamed), *wide]
        options = frozenset({Option.RETAIN_SAFE_PRIVATE} if keeps_safe else ())
        return Script((*wide, *rules), options, removes_private)

    def _element(self, line: _Line, where: str) -> Iterator[tuple[TagPattern, AnyRule]]:
        pattern = _pattern(line.target)
        if pattern.tag is not None and (
            pattern.tag < _FIRST_OF_DATA_SET or pattern.tag in _WRITTEN
        ):
            return
        element = Element(pattern, where, self._parameters, self._tables, self._of_anonymizer)
        rule = element.rule(line.text)
        if isinstance(rule, Rule):
            yield checked(pattern, rule, where)
            return
        pending: list[AnyRule] = [rule]
        while pending:
            part = pending.pop()
            if isinstance(part, Rule):
                checked(pattern, part, where)
            else:
                pending += [part.then, part.otherwise]
        if pattern.value >> 16 & 1 and not pattern.creator:
            raise Unreadable("@if is not for private elements by their number", "Name the creator.")
        yield pattern, rule


def _calls(text: str) -> list[Call]:
    try:
        return [piece for piece in parsed(text) if isinstance(piece, Call)]
    except Unreadable:
        return []  # and refused where it is read


def _pattern(target: str) -> TagPattern:
    if re.fullmatch(r"[0-9a-fA-F]{8}", target):
        return TagPattern(int(target, 16))
    if found := _PRIVATE.fullmatch(target):
        group, creator, element = int(found[1], 16), found[2].strip(), int(found[3], 16)
        if group & 1 and creator:
            return TagPattern(group << 16 | element, 0xFFFF00FF, creator)
    raise Unreadable(
        f"{shown(target)} is not a tag", 'Write t="00100020" or t="0029[SIEMENS CSA HEADER]10".'
    )


def _group(target: str) -> TagPattern:
    if not re.fullmatch(r"[0-9a-fA-F]{1,4}", target):
        raise Unreadable(f"{shown(target)} is not a group", 'Write t="0018".')
    group = int(target, 16)
    if group & 1:
        raise Unreadable(
            "a private group cannot be kept by its number",
            'Keep single elements, as in <e en="T" t="0029[SIEMENS CSA HEADER]10">@keep()</e>.',
        )
    return TagPattern(group << 16, 0xFFFF0000)


def _removed(target: str) -> TagPattern:
    if target not in _REMOVED:
        raise Unreadable(
            f"{shown(target)} cannot be removed",
            f"Known: {', '.join(_REMOVED)}, privategroups, unspecifiedelements.",
        )
    return _REMOVED[target]


def _raise(errors: list[tuple[int, DeidError]]) -> NoReturn:
    (_, first), others = errors[0], errors[1:]
    advice = first.advice
    if others:
        numbers = ", ".join(str(number) for number, _ in others[:_MOST_NAMED])
        more = "…" if len(others) > _MOST_NAMED else ""
        advice = f"{advice} Refused too: line {numbers}{more}.".strip()
    raise DeidError(first.message, advice=advice, cause=first.cause)


class _Xml:
    """The lines of a script, by a parser that takes no document type, so no entities either."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: list[_Line] = []
        self._open: list[str] = []
        self._current: _Line | None = None
        self._text: list[str] = []
        self._parser = expat.ParserCreate()

    def lines(self, data: bytes) -> list[_Line]:
        parser = self._parser
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            self._refuse("this is not XML", error.lineno)
        except (LookupError, ValueError):
            self._refuse("its encoding is not known", 1)
        return self._found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open:
            if name != "script":
                self._refuse("this is not a script of CTP, which starts with <script>")
        elif len(self._open) > 1 or name not in ("p", "e", "k", "r"):
            self._refuse(f"<{shown(name)}> has no place here")
        else:
            self._current = _Line(self._parser.CurrentLineNumber, name, attributes, "")
            self._text = []
        self._open.append(name)

    def _end(self, name: str) -> None:
        self._open.pop()
        if self._current is not None:
            self._found.append(self._current._replace(text="".join(self._text)))
            self._current = None

    def _characters(self, text: str) -> None:
        if self._current is not None:
            self._text.append(text)
        elif text.strip():
            self._refuse("there is text between the elements")

    def _doctype(self, *_: object) -> None:
        self._refuse("a document type is not allowed")

    def _refuse(self, problem: str, line: int | None = None) -> NoReturn:
        number = self._parser.CurrentLineNumber if line is None else line
        raise refused(
            f"{self._name} line {number}", problem, "It must be a script of CTP in XML."
        ) from None
