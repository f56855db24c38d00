"""Private blocks and who reserved them (PS3.5 section 7.8)."""

from __future__ import annotations

from collections.abc import Iterator

from anontui.deid.rules.policy import Policy


class Creators:
    """The private creators of one data set; they stay where an element of their block stays."""

    def __init__(self, policy: Policy) -> None:
        self._on = policy.keeps_some_private
        self._names: dict[int, tuple[str, bytes]] = {}  # (gggg,00bb) to the creator
        self._used: set[int] = set()

    def takes(self, tag: int, value: bytes) -> bool:
        """Whether the element is a private creator, and then remembered and not to be treated."""
        if not self._on or not is_creator(tag):
            return False
        self._names[tag] = (value.decode("latin-1").strip(" \0"), value)
        return True

    def of(self, tag: int) -> str:
        """Who reserved the block of a private element; empty if nobody did."""
        name, _ = self._names.get(creator_tag(tag), ("", b""))
        return name

    def uses(self, tag: int) -> None:
        """An element stays."""
        if self._on and tag >> 16 & 1:
            self._used.add(creator_tag(tag))

    def used(self) -> Iterator[tuple[int, bytes]]:
        """Tags and values of the creators that stay."""
        for tag, (_, value) in self._names.items():
            if tag in self._used:
                yield tag, value


def is_creator(tag: int) -> bool:
    """Whether a tag is that of a private creator: (gggg,0010) to (gggg,00FF), gggg odd."""
    return bool(tag >> 16 & 1) and 0x10 <= tag & 0xFFFF <= 0xFF


def creator_tag(tag: int) -> int:
    """The tag of the creator that reserved a private element's block."""
    return tag & 0xFFFF0000 | (tag >> 8 & 0xFF)
