"""The language inside CTP's scripts: ``text @function(arguments){clause}{clause}``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CALL = re.compile(r"@\s*(\w+)\s*(\(?)")
_MOST_NESTED = 8
_CLAUSES = {"if": 2, "select": 2, "append": 1}


class Unreadable(Exception):
    """What is wrong with the text of an element, in a few words, and what to do about it."""

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function.

    ``arguments`` have lost their quotes; ``bare`` is a name without parentheses. ``clauses``
    are what stands in braces after ``if``, ``select`` and ``append``.
    """

    name: str
    arguments: tuple[str, ...] = ()
    bare: bool = False
    clauses: tuple[str, ...] = ()


def parsed(text: str) -> list[str | Call]:
    """The literal pieces and the calls of a text, in order.

    Raises
    ------
    Unreadable
        If parentheses, quotes or braces do not match, or an ``@`` calls nothing.
    """
    pieces: list[str | Call] = []
    literal = ""
    at = 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            literal += text[at + 1]
            at += 2
        elif text[at] != "@":
            literal += text[at]
            at += 1
        else:
            if literal:
                pieces.append(literal)
                literal = ""
            call, at = _call(text, at)
            pieces.append(call)
    return [*pieces, literal] if literal else pieces


def _call(text: str, at: int) -> tuple[Call, int]:
    found = _CALL.match(text, at)
    if found is None:
        raise Unreadable("an @ calls no function")
    name, at = found[1], found.end()
    if not found[2]:
        return Call(name, bare=True), at - (len(found[0]) - len(found[0].rstrip()))
    arguments, at = _arguments(text, at)
    clauses = []
    for _ in range(_CLAUSES.get(name, 0)):
        clause, at = _clause(text, at)
        clauses.append(clause)
    return Call(name, tuple(arguments), clauses=tuple(clauses)), at


def _arguments(text: str, at: int) -> tuple[list[str], int]:
    """Arguments up to the closing parenthesis, and where the text goes on.

    A backslash takes the meaning from the next character and is dropped, in quotes too, so
    that those of regular expressions are written twice.
    """
    found: list[str] = []
    argument = ""
    depth, quoted = 0, False
    while at < len(text):
        char = text[at]
        if char == "\\" and at + 1 < len(text):
            argument += text[at + 1]
            at += 2
            continue
        at += 1
        if depth == 0 and not quoted and char in ",)":
            if argument.strip() or char == "," or found:
                found.append(_unquoted(argument))
            if char == ")":
                return found, at
            argument = ""
            continue
        argument += char
        if char == '"':
            quoted = not quoted
        elif not quoted:
            depth += (char in "([") - (char in ")]")
    raise Unreadable("a parenthesis or a quote is not closed")


def _unquoted(argument: str) -> str:
    plain = argument.strip()
    is_quoted = len(plain) > 1 and plain.startswith('"') and plain.endswith('"')
    return plain[1:-1] if is_quoted else plain


def _clause(text: str, at: int) -> tuple[str, int]:
    while at < len(text) and text[at].isspace():
        at += 1
    if not text.startswith("{", at):
        raise Unreadable("a clause in braces, {…}, is missing")
    depth = 0
    for end in range(at, len(text)):
        depth += (text[end] == "{") - (text[end] == "}")
        if depth > _MOST_NESTED:
            raise Unreadable("the braces are nested too deep")
        if depth == 0:
            return text[at + 1 : end].strip(), end + 1
    raise Unreadable("a brace is not closed")
