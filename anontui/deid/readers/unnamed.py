"""Removing whatever no rule names, as scripts and recipes can ask."""

from __future__ import annotations

from anontui.deid.rules.actions import Action, Rule
from anontui.deid.rules.tags import TagPattern

INSTANCE_TAGS = (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)
"""SOP class, SOP instance, study and series: without them a file is no instance."""
_CHARACTER_SET = 0x00080005
_GROUP, _REPEATING = 0xFFFF0000, 0xFF000000


def unnamed_removed(because: str) -> list[tuple[TagPattern, Rule]]:
    """Rules that remove everything, up to what no instance or image can be read without.

    Of that, the standard decides: the instance's UIDs and character set, the image's
    description (0028,xxxx), overlays (60xx,xxxx) and pixels (7FE0,xxxx). Rules for single
    attributes come after these.
    """
    standard = Rule(Action.STANDARD, because)
    tags = [TagPattern(tag) for tag in (_CHARACTER_SET, *INSTANCE_TAGS)]
    groups = [
        TagPattern(0x00280000, _GROUP),
        TagPattern(0x60000000, _REPEATING),
        TagPattern(0x7FE00000, _GROUP),
    ]
    everything = (TagPattern(0, 0), Rule(Action.DELETE, because))
    return [everything, *((pattern, standard) for pattern in (*tags, *groups))]
