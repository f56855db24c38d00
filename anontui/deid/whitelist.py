"""White lists: the values that a cleaned attribute may have."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from anontui.deid.tags import tag_pattern
from anontui.errors import DeidError

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
            If it cannot be read, or is not such a file.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise DeidError(
                f"The white list {path.name} cannot be read",
                cause=type(error).__name__,
                advice="It must be a JSON file.",
            ) from error
        return cls.of(data, path.name)

    @classmethod
    def of(cls, data: object, where: str = "the white list") -> WhiteList:
        """Check what a white list's file holds.

        Raises
        ------
        DeidError
            If it is not an object of lists of strings by tag.
        """
        problem = DeidError(
            f"{where} is not a white list",
            advice='It must look like {"0008,1030": ["CT CHEST W/CONTRAST"]}.',
        )
        if not isinstance(data, dict):
            raise problem
        values: dict[int, frozenset[str]] = {}
        for name, texts in data.items():
            tag = tag_pattern(str(name)).tag
            if tag is None or not isinstance(texts, list):
                raise problem
            if not all(isinstance(text, str) for text in texts):
                raise problem
            values[tag] = values.get(tag, frozenset()) | {plain(text) for text in texts}
        return cls(values)


def plain(text: str) -> str:
    """Text as white lists compare it: lower case, ``-_,.`` dropped, spaces folded."""
    return " ".join(_DROPPED.sub("", text.lower()).split())
