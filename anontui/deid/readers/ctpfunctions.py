"""What the functions of CTP's scripts mean as rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from anontui.deid.readers.ctpcalls import Call, Unreadable, parsed
from anontui.deid.readers.patterns import checked_pattern, checked_replacement
from anontui.deid.readers.texts import shown
from anontui.deid.readers.told import number_of, vr_of
from anontui.deid.rules.actions import Action, AnyRule, Choice, Condition, Rule
from anontui.deid.rules.profile import PATIENT_ID, PATIENT_NAME
from anontui.deid.rules.tags import TagPattern

IN_ANONYMIZER = frozenset({"acc", "empty", "hashdate", "keep", "ptid", "remove", "round", "uid"})
"""The functions of RSNA's Anonymizer, which it writes without parentheses."""
_MOST_BLANKS = 55
_TESTS = {
    "exists": ("exists", False),
    "isblank": ("blank", False),
    "equals": ("equals", True),
    "contains": ("contains", True),
    "matches": ("matches", True),
    "greaterthan": ("greater", True),
}
_WHY_NOT = {
    "always": "an attribute is only added with a plain text, and only one that holds text",
    "append": "it would keep what the attribute holds",
    "date": "the results of two days would differ",
    "quarantine": "rules do not decide on files; the filters of a policy do",
    "select": "rules are the same at the top and inside sequences",
    "skip": "rules do not decide on files; the filters of a policy do",
    "time": "the results of two runs would differ",
}


@dataclass(frozen=True, slots=True)
class Element:
    """An ``<e>`` of a script and what its functions may refer to.

    Parameters
    ----------
    pattern
        Its attribute.
    where
        The script's name and line.
    parameters
        The script's ``<p>``.
    tables
        Key type to lookup table.
    of_anonymizer
        Whether it is a script of RSNA's Anonymizer, where no text at all means to keep.
    """

    pattern: TagPattern
    where: str
    parameters: Mapping[str, str]
    tables: Mapping[str, Mapping[str, str]]
    of_anonymizer: bool = False

    def rule(self, text: str) -> AnyRule:
        """The rule that a text says.

        Raises
        ------
        Unreadable
            If it is malformed, or cannot be done.
        DeidError
            If a number or a regular expression in it is wrong.
        """
        pieces = parsed(text.strip())
        if not pieces:
            return self._make(Action.KEEP if self.of_anonymizer else Action.EMPTY)
        if pieces[0] == Call("always"):
            if vr_of(self.pattern) != "SQ":  # CTP adds no sequences
                return self._inserted(pieces[1:])
            pieces = pieces[1:]
        if len(pieces) == 1 and isinstance(pieces[0], Call) and pieces[0].name != "param":
            return self._called(pieces[0])
        return self._text("".join(self._literal(piece) for piece in pieces))

    def _make(
        self,
        action: Action,
        *,
        number: int | None = None,
        value: str = "",
        find: str = "",
        table: Mapping[str, str] | None = None,
    ) -> Rule:
        return Rule(
            action,
            self.where,
            told=True,
            number=number,
            value=value,
            find=find,
            table=dict(table or {}),
        )

    def _text(self, text: str) -> Rule:
        text = text.strip()
        if not text:
            return self._make(Action.EMPTY)
        return self._make(Action.REPLACE_WITH_VALUE, value=text)

    def _literal(self, piece: str | Call) -> str:
        if isinstance(piece, str):
            return piece
        if piece.name != "param":
            raise _unsupported(piece.name, "together with other text")
        return self._parameter(_only(piece))

    def _inserted(self, pieces: list[str | Call]) -> Rule:
        if any(isinstance(piece, Call) and piece.name != "param" for piece in pieces):
            raise _unsupported("always")
        text = "".join(self._literal(piece) for piece in pieces).strip()
        if not text or vr_of(self.pattern) not in ("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT"):
            raise _unsupported("always")
        return Rule(Action.REPLACE_WITH_VALUE, self.where, told=True, value=text, insert=True)

    def _parameter(self, text: str) -> str:
        """A text, or the parameter that it names by ``@NAME`` or ``$NAME``."""
        if text[:1] not in ("@", "$"):
            return text
        if text[1:] not in self.parameters:
            raise Unreadable(f"there is no parameter {shown(text[1:])}", "Add a <p> for it.")
        return self.parameters[text[1:]]

    def _called(self, call: Call) -> AnyRule:
        if self.of_anonymizer and call.name not in IN_ANONYMIZER:
            raise Unreadable(
                f"@{shown(call.name)} is no function of RSNA's Anonymizer, whose script this is",
                "Write names with parentheses everywhere if this is a script of CTP.",
            )
        if call.name not in _FUNCTIONS:
            raise _unsupported(call.name)
        least, most, function = _FUNCTIONS[call.name]
        _count(call, least, most)
        return function(self, call)

    def _plain(self, call: Call) -> Rule:
        return self._make(_PLAIN[call.name])

    def _process(self, call: Call) -> Rule:
        if vr_of(self.pattern) != "SQ":
            raise _unsupported(call.name, "on what is no sequence")
        return self._make(Action.KEEP)

    def _hashuid(self, call: Call) -> Rule:
        self._parameter(call.arguments[0])
        self._needs_this(call, call.arguments[1])
        return self._make(Action.REPLACE_UID)

    def _hashptid(self, call: Call) -> Rule:
        self._parameter(call.arguments[0])
        return self._hash(call, *call.arguments[1:])

    def _hashed(self, call: Call) -> Rule:
        rule = self._hash(call, *call.arguments[:2])
        if len(call.arguments) == 3 and rule.action is Action.HASH:
            raise _unsupported(call.name, "of some words only")
        return rule

    def _hashdate(self, call: Call) -> Rule:
        if vr_of(self.pattern) == "TM":
            raise _unsupported(call.name, "of a time of day")
        self._needs_this(call, *call.arguments[:1])
        if len(call.arguments) == 2 and self._tag(call.arguments[1]) != PATIENT_ID:
            raise _unsupported(call.name, "by what is not the PatientID")
        return self._make(Action.SHIFT_DATE)

    def _incrementdate(self, call: Call) -> Rule:
        self._needs_this(call, call.arguments[0])
        return self._numbered(Action.SHIFT_DATE, call.arguments[1])

    def _round(self, call: Call) -> Rule:
        self._needs_this(call, call.arguments[0])
        return self._numbered(Action.ROUND_AGE, call.arguments[1])

    def _numbered(self, action: Action, text: str) -> Rule:
        return self._make(action, number=number_of(self._parameter(text), action, self.where))

    def _hash(self, call: Call, name: str, length: str = "") -> Rule:
        """What stands for the patient is the pseudonym; else a hash of the attribute itself."""
        tag = self._tag(name)
        if tag == PATIENT_ID or tag == PATIENT_NAME == self.pattern.tag:
            return self._make(Action.PSEUDONYM)
        self._needs_this(call, name)
        return self._numbered(Action.HASH, length) if length else self._make(Action.HASH)

    def _blank(self, call: Call) -> Rule:
        width = call.arguments[0]
        if not re.fullmatch(r"[0-9]{1,3}", width):
            raise Unreadable("@blank takes a number of spaces", "Write @empty().")
        spaces = " " * min(int(width), _MOST_BLANKS)
        return self._make(Action.REPLACE_WITH_VALUE if spaces else Action.EMPTY, value=spaces)

    def _contents(self, call: Call) -> Rule:
        self._needs_this(call, call.arguments[0])
        if len(call.arguments) == 1:
            return self._make(Action.KEEP)
        find = checked_pattern(call.arguments[1], self.where)
        java = call.arguments[2] if len(call.arguments) == 3 else ""
        value = re.sub(r"\$(\d)", r"\\g<\1>", java.replace("\\", r"\\"))
        return self._make(
            Action.REGEXP, find=find, value=checked_replacement(find, value, self.where)
        )

    def _lookup(self, call: Call) -> Rule:
        name, key_type, *fallback = call.arguments
        if not self._is_this(name):
            raise Unreadable(
                "@lookup of another attribute is not supported",
                "Give patients' new names and numbers in a file of pseudonyms.",
            )
        if fallback not in ([], ["remove"]):
            raise Unreadable(
                "of @lookup's ways with unknown values only remove is supported",
                "Leave its third argument out: values that the table lacks are removed.",
            )
        if key_type not in self.tables:
            raise Unreadable(
                f"there is no lookup table with entries of type {shown(key_type)}",
                "Name the file with them.",
            )
        return self._make(Action.LOOK_UP, table=self.tables[key_type])

    def _choice(self, call: Call) -> Choice:
        name, test = call.arguments[0], call.arguments[1].strip('"')
        if test not in _TESTS:
            raise Unreadable(f"@if knows no test {shown(test)}", f"Tests: {', '.join(_TESTS)}.")
        kind, takes_argument = _TESTS[test]
        if len(call.arguments) != 2 + takes_argument:
            raise Unreadable(f"{test} takes {2 + takes_argument} arguments with the attribute")
        argument = self._parameter(call.arguments[2]) if takes_argument else ""
        tag = self._tag(name)
        if tag is None or tag >> 16 & 1:
            raise Unreadable("@if looks at attributes of the standard only", "Name its tag.")
        if kind == "matches":
            argument = checked_pattern(argument.strip(), self.where)
        if kind == "greater" and not (argument := re.sub(r"[^0-9]", "", argument)[:18]):
            raise Unreadable("greaterthan compares with a number")
        then, otherwise = (self.rule(clause) for clause in call.clauses)
        return Choice(Condition(tag, kind, argument), then, otherwise)

    def _needs_this(self, call: Call, name: str = "") -> None:
        if not self._is_this(name):
            raise _unsupported(call.name, "of another attribute")

    def _is_this(self, name: str) -> bool:
        return name in ("", "this") or self._tag(name) == self.pattern.tag is not None

    def _tag(self, name: str) -> int | None:
        if name in ("", "this"):
            return self.pattern.tag
        plain = re.sub(r"[\[\](), ]", "", name)
        if re.fullmatch(r"[0-9a-fA-F]{8}", plain):
            return int(plain, 16)
        tag = _by_name().get(plain.lower()) or _by_name().get(f"{plain.lower()}uence")
        if tag is None:
            raise Unreadable(
                f"there is no attribute {shown(name)}", "Write its tag, such as 00100020."
            )
        return tag


_PLAIN = {
    "remove": Action.DELETE,
    "keep": Action.KEEP,
    "empty": Action.EMPTY,
    "uid": Action.REPLACE_UID,
    "ptid": Action.PSEUDONYM,
    "acc": Action.HASH,
    "require": Action.KEEP,  # it adds what is missing together with @always() only
}


_FUNCTIONS: dict[str, tuple[int, int, Callable[[Element, Call], AnyRule]]] = {
    "acc": (0, 0, Element._plain),
    "blank": (1, 1, Element._blank),
    "contents": (1, 3, Element._contents),
    "empty": (0, 0, Element._plain),
    "hash": (1, 2, Element._hashed),
    "hashdate": (0, 2, Element._hashdate),
    "hashname": (1, 3, Element._hashed),
    "hashptid": (2, 3, Element._hashptid),
    "hashuid": (2, 2, Element._hashuid),
    "if": (2, 3, Element._choice),
    "incrementdate": (2, 2, Element._incrementdate),
    "keep": (0, 0, Element._plain),
    "lookup": (2, 4, Element._lookup),
    "process": (0, 0, Element._process),
    "ptid": (0, 0, Element._plain),
    "remove": (0, 0, Element._plain),
    "require": (0, 2, Element._plain),
    "round": (2, 2, Element._round),
    "uid": (0, 0, Element._plain),
}
"""How many arguments a function takes at least and at most, and what it means."""


def _unsupported(name: str, how: str = "") -> Unreadable:
    why = _WHY_NOT.get(name, "")
    return Unreadable(
        f"@{shown(name)} {how + ' ' if how else ''}is not supported" + (f": {why}" if why else ""),
        "Write @remove(), @empty(), a plain text or a function that is.",
    )


def _count(call: Call, least: int, most: int) -> None:
    if not least <= len(call.arguments) <= most:
        number = str(least) if least == most else f"{least} to {most}"
        raise Unreadable(f"@{call.name} takes {number} arguments")


def _only(call: Call) -> str:
    _count(call, 1, 1)
    name = call.arguments[0]
    return name if name[:1] in ("@", "$") else f"@{name}"


@cache
def _by_name() -> dict[str, int]:
    """Keywords in lower case; CTP cuts ``Sequence`` to ``Seq``."""
    from pydicom import datadict

    return {keyword.lower(): tag for keyword, tag in datadict.keyword_dict.items() if keyword}
