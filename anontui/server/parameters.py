"""Parameters of a call: form-encoded in the body or the query, believed not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from anontui.errors import CallRefused
from anontui.server.places import refused

LONGEST = 4096  # characters of one value
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


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

    def only(self, names: Iterable[str]) -> None:
        """Refuse parameters that the function does not have: they would do nothing, silently."""
        if unknown := sorted(self.values.keys() - {"user_name", *names}):
            raise refused(unknown[0][:80], f"There is no parameter {unknown[0][:80]}")

    def text(self, name: str) -> str | None:
        """Return a parameter, or None if it was not sent."""
        values = self.values.get(name, ())
        if len(values) > 1:
            raise refused(name, f"Parameter {name} supplied more than once")
        if values and (len(values[0]) > LONGEST or _CONTROL.search(values[0])):
            raise refused(name, f"Parameter {name} is too long or holds control characters")
        return values[0] if values else None

    def number(self, name: str) -> int:
        """Return a required whole number."""
        self.text(name)
        return self.numbers(name)[0]

    def numbers(self, name: str) -> list[int]:
        """Return a required list of whole numbers."""
        values = [value.strip() for value in self.values.get(name, ())]
        if not any(values):
            raise missing(name)
        if not all(re.fullmatch(r"[0-9]{1,18}", value) for value in values):
            raise refused(name, f"Parameter {name} must be a whole number")
        return [int(value) for value in values]


def missing(*names: str) -> CallRefused:
    """Return the refusal of a call that lacks parameters."""
    errors = {name: f"Required parameter {name} not supplied" for name in names}
    return CallRefused("; ".join(errors.values()), errors=errors)
