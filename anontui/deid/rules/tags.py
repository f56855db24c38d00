"""Tags and patterns of tags, as rules name them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anontui.errors import DeidError

_NUMBERS = re.compile(
    r"\(?\s*(?:0x)?([0-9a-fx]{4})\s*,?\s*(?:0x)?([0-9a-fx]{4})\s*\)?", re.IGNORECASE
)
_PRIVATE = re.compile(
    r"\(?\s*(?:0x)?([0-9a-f]{4})\s*,\s*[\"'](.+?)[\"']\s*,\s*(?:0x)?(?:xx)?([0-9a-f]{2})\s*\)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TagPattern:
    """A tag, tags that agree in some digits, or a private element of a creator's block.

    Parameters
    ----------
    value, mask
        A tag matches if it equals ``value`` in the bits of ``mask``.
    creator
        The private creator whose block it is in; the element's upper two digits (the block)
        are then no part of the mask. Empty for attributes of the standard.
    """

    value: int
    mask: int = 0xFFFFFFFF
    creator: str = ""

    @property
    def tag(self) -> int | None:
        """The one tag that is meant; ``None`` if it is several."""
        return self.value if self.mask == 0xFFFFFFFF and not self.creator else None

    def matches(self, tag: int, creator: str = "") -> bool:
        """Whether a tag is meant, that of a private element together with its creator."""
        return tag & self.mask == self.value and creator == self.creator


def tag_pattern(text: str) -> TagPattern:
    """Read a tag as people write it.

    ``(0x0010, 0x0020)``, ``(0010,0020)``, ``00100020``, ``PatientID``, with ``x`` for any digit
    ``(50xx,xxxx)``, and for private elements ``(0029,"SIEMENS CSA HEADER",10)``.

    Raises
    ------
    DeidError
        If it is none of these.
    """
    if found := _PRIVATE.fullmatch(text.strip()):
        group, creator, element = found.groups()
        if not int(group, 16) & 1:
            raise DeidError(
                f"{text} names a private creator, but its group is even",
                advice="Private elements are in groups with an odd number.",
            )
        value = int(group, 16) << 16 | int(element, 16)
        return TagPattern(value, 0xFFFF00FF, creator.strip())
    if found := _NUMBERS.fullmatch(text.strip()):
        digits = "".join(found.groups()).lower()
        # (0x0010, 0x0020) has its 0x taken off already: what is left of x is any digit
        mask = int("".join("0" if digit == "x" else "f" for digit in digits), 16)
        return TagPattern(int(digits.replace("x", "0"), 16), mask)
    from pydicom import datadict

    tag = datadict.tag_for_keyword(text.strip())
    if tag is None:
        raise DeidError(
            f"{text} is not a tag",
            advice='Write it as (0010,0020), PatientID, (50xx,xxxx) or (0029,"CREATOR",10).',
        )
    return TagPattern(tag)


def tag_text(tag: int) -> str:
    """A tag as the standard prints it."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
