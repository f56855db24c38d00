"""Parameters of a call: form-encoded in the body or the query, believed not at all.

What a function takes is a tuple of :class:`Parameter`; the same checks the callers and
makes the OpenAPI document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs

from anontui.errors import CallRefused
from anontui.server.places import refused

LONGEST = 4096  # characters of one value
LONGEST_OBJECT = 4 * LONGEST
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
_LARGEST = 10**18 - 1
_NUMBER = re.compile("[0-9]{1,18}")


class Kind(StrEnum):
    """What a parameter is; the plural ones repeat the key."""

    TEXT = "text"
    NUMBER = "number"
    NUMBERS = "numbers"
    OBJECTS = "objects"


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function.

    ``choices`` are the texts that it may be, besides an empty one; ``pattern`` is a regular
    expression of them; ``most`` is the largest number; ``about`` says what it means.
    """

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    about: str = ""
    choices: tuple[str, ...] = ()
    pattern: str = f"[^{_CONTROL}]*"
    most: int = _LARGEST

    def schema(self) -> dict[str, object]:
        """Return it as JSON schema."""
        number = {"type": "integer", "minimum": 0, "maximum": self.most}
        most = LONGEST_OBJECT if self.kind is Kind.OBJECTS else LONGEST
        text = {"type": "string", "maxLength": most, "pattern": f"^({self.pattern})$"}
        match self.kind:
            case Kind.NUMBER:
                return number
            case Kind.NUMBERS:
                return {"type": "array", "items": number, "minItems": 1}
            case Kind.OBJECTS:
                return {"type": "array", "items": text, "minItems": 1}
        if self.choices:
            return {"type": "string", "enum": list(self.choices)}
        return text | ({"minLength": 1} if self.required else {})


@dataclass(frozen=True)
class Parameters:
    """What a caller sent. Every complaint is a :class:`CallRefused` that names the parameter."""

    values: Mapping[str, Sequence[str]]

    @classmethod
    def parse(cls, query: bytes, body: bytes) -> Parameters:
        """Read both places where parameters may stand; lists repeat the key."""
        try:
            text = b"&".join(filter(None, (query, body.strip()))).decode("ascii")
            return cls(parse_qs(text, keep_blank_values=True, errors="strict"))
        except ValueError as error:
            raise refused("parameters", "The parameters are not form-encoded UTF-8") from error

    def check(self, known: Iterable[Parameter]) -> None:
        """Refuse what a function does not take: it would do nothing, silently, or the wrong."""
        by_name = {parameter.name: parameter for parameter in known}
        if unknown := sorted(self.values.keys() - {"user_name", *by_name}):
            raise refused(unknown[0][:80], f"There is no parameter {unknown[0][:80]}")
        absent = [one.name for one in by_name.values() if one.required and not self._has(one.name)]
        if absent:
            raise missing(*absent)
        for name in self.values.keys() & by_name.keys():
            self._check(by_name[name])

    def _has(self, name: str) -> bool:
        return any(value.strip() for value in self.values.get(name, ()))

    def _check(self, parameter: Parameter) -> None:
        name = parameter.name
        match parameter.kind:
            case Kind.NUMBER:
                self.number(name)
                if self.number(name) > parameter.most:
                    raise refused(name, f"Parameter {name} must be at most {parameter.most}")
            case Kind.OBJECTS:
                for value in self.values[name]:
                    _check_text(name, value, LONGEST_OBJECT)
            case Kind.NUMBERS:  # it may be thousands: once, where they are read
                pass
            case Kind.TEXT:
                text = (self.text(name) or "").strip()
                if parameter.choices and text not in ("", *parameter.choices):
                    allowed = " or ".join(one.strip() or "blank" for one in parameter.choices)
                    raise refused(name, f"Parameter {name} must be {allowed}")
                if text and not re.fullmatch(parameter.pattern, text):
                    raise refused(name, f"Parameter {name} must be: {parameter.about}")

    def text(self, name: str) -> str | None:
        """Return a parameter, or None if it was not sent."""
        values = self.values.get(name, ())
        if len(values) > 1:
            raise refused(name, f"Parameter {name} supplied more than once")
        if values:
            _check_text(name, values[0])
        return values[0] if values else None

    def number(self, name: str, default: int | None = None) -> int:
        """Return a whole number, required if there is no default."""
        text = self.text(name)
        return default if text is None and default is not None else self.numbers(name)[0]

    def numbers(self, name: str) -> list[int]:
        """Return a required list of whole numbers."""
        values = [value.strip() for value in self.values.get(name, ())]
        if not any(values):
            raise missing(name)
        if not all(map(_NUMBER.fullmatch, values)):
            raise refused(name, f"Parameter {name} must be a whole number")
        return list(map(int, values))


def missing(*names: str) -> CallRefused:
    """Return the refusal of a call that lacks parameters."""
    errors = {name: f"Required parameter {name} not supplied" for name in names}
    return CallRefused("; ".join(errors.values()), errors=errors)


def _check_text(name: str, value: str, longest: int = LONGEST) -> None:
    if len(value) > longest or re.search(f"[{_CONTROL}]", value):
        raise refused(name, f"Parameter {name} is too long or holds control characters")
