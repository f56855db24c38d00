"""White lists: the values that a cleaned attribute may have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from anontui.deid.readers.texts import json_entries, read_text, refused
from anontui.deid.readers.told import pattern_of

_ADVICE = 'Write entries such as "0008,1030": ["CT CHEST W/CONTRAST"].'
_DROPPED = re.compile(r"[-_,.]")


@dataclass(frozen=True)
class WhiteList:
    """Tag to the values that may stay, each as :func:`plain` writes it."""

    values: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def has(self, tag: int, text: str) -> bool:
        """Whether an attribute may have this text."""
        allowed = self.values.get(tag)
        return allowed is not None and plain(text) in allowed

    @classmethod
    def read(cls, path: Path) -> WhiteList:
        """Read a file like dicom-pipeline's: ``{"0008,1030": ["CT CHEST W/CONTRAST"]}``.

        Raises
        ------
        DeidError
            If it cannot be read, or is not such a file; with the line.
        """
        return cls.of(
            (name, values, f"{path.name} line {line}")
            for line, name, values in json_entries(read_text(path), path.name)
        )

    @classmethod
    def of(cls, entries: Iterable[tuple[str, object, str]]) -> WhiteList:
        """Check what a white list holds: tags, lists of values, and where each entry stands.

        Raises
        ------
        DeidError
            If a tag is not that of one attribute, or its values are no list of texts.
        """
        values: dict[int, frozenset[str]] = {}
        for name, texts, where in entries:
            tag = pattern_of(name, where).tag
            if tag is None:
                raise refused(where, "a white list is for single attributes", _ADVICE)
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise refused(where, "a list of texts is expected", _ADVICE)
            values[tag] = values.get(tag, frozenset()) | {plain(text) for text in texts}
        return cls(values)


def plain(text: str) -> str:
    """Text as white lists compare it: lower case, ``-_,.`` dropped, spaces folded."""
    return " ".join(_DROPPED.sub("", text.lower()).split())
