"""The last look: does anything that is kept repeat who the patient was?

Attributes that no rule touches can still repeat an identity: a protocol named after the
patient, an id typed into a device's text. What is searched for is the patient's names
(parts of four letters or more, as whole words) and identifiers (five characters or more,
as a whole).
"""

from __future__ import annotations

import re
from functools import lru_cache

# Patient's Name, Other Patient Names, Patient's Birth Name, Mother's Birth Name
_NAMES = frozenset({0x00100010, 0x00101001, 0x00101005, 0x00101060})
# Accession Number, Patient ID, Patient's Birth Date, Other Patient IDs
_IDS = frozenset({0x00080050, 0x00100020, 0x00100030, 0x00101000})
# Philips and Test are people's names too: makers, models and codes are only searched for ids,
_NAMELESS = frozenset(
    {0x00080070, 0x00081090, 0x00181020, 0x00080100, 0x00080102, 0x00080103, 0x00080119}
)
# and so are the code strings, which the standard enumerates: HEAD, KNEE.
_NAMELESS_VRS = frozenset({"AE", "CS", "OB", "OW", "UN", "UR"})
# every number in these may be a short id, or a date of birth, by chance
_NUMERIC_VRS = frozenset({"DS", "IS", "UI", "DA", "DT", "TM"})

_SHORTEST_NAME = 4
_SHORTEST_ID = 5
_LONGEST_PATTERN = 1024  # characters


class Guard:
    """Collects what told the patient's identity and what is kept, then compares."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._ids: set[str] = set()
        self._kept: list[tuple[int, bool, str]] = []

    @staticmethod
    def wants(tag: int) -> bool:
        """Whether :meth:`removed` is to be told of this attribute."""
        return tag in _NAMES or tag in _IDS

    def removed(self, tag: int, text: str) -> None:
        """The text of an identifying attribute, which is not kept."""
        text = text.casefold()
        if tag in _NAMES:
            words = re.findall(r"[^\W\d_]+", text)
            self._names.update(word for word in words if len(word) >= _SHORTEST_NAME)
        else:
            ids = (part.strip() for part in text.split("\\"))
            self._ids.update(part for part in ids if len(part) >= _SHORTEST_ID)

    def kept(self, tag: int, vr: str, text: str) -> None:
        """The text of an element that is kept."""
        if text and vr not in _NUMERIC_VRS:
            is_private = tag >> 16 & 1  # whose bytes may be text all the same
            has_names = bool(is_private) or (vr not in _NAMELESS_VRS and tag not in _NAMELESS)
            self._kept.append((tag, has_names, text))

    def searched(self) -> frozenset[str]:
        """All names and ids, case folded."""
        return frozenset(self._ids | self._names)

    def leak(self) -> int | None:
        """The tag of a kept element that repeats an identity; ``None`` if none does."""
        ids, both = frozenset(self._ids), frozenset(self._ids | self._names)
        for tag, has_names, text in self._kept:
            if _is_in(both if has_names else ids, text.casefold()):
                return tag
        return None


def _is_in(words: frozenset[str], text: str) -> bool:
    if sum(map(len, words)) > _LONGEST_PATTERN:  # nobody is called that, so any sign will do
        return any(word in text for word in words)
    finder = _finder(words)
    return finder is not None and finder.search(text) is not None


@lru_cache(maxsize=256)
def _finder(words: frozenset[str]) -> re.Pattern[str] | None:
    if not words:
        return None
    alternatives = "|".join(re.escape(word) for word in sorted(words))
    return re.compile(rf"(?<![^\W_])(?:{alternatives})(?![^\W_])")
