"""Pixel rules in YAML; what they look like is in :mod:`anontui.deid.rules.pixelrules`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from anontui.deid.readers.patterns import checked_pattern
from anontui.deid.readers.texts import read_text, refused, shown
from anontui.deid.readers.yamlnodes import Node, load_nodes
from anontui.deid.rules.pixelrules import Box, PixelRule
from anontui.deid.rules.tables import attribute
from anontui.deid.rules.tags import tag_pattern
from anontui.errors import DeidError

LARGEST = 0xFFFF
"""Rows or columns that an image can have."""
_KEYS = ("name", "match", "rows", "columns", "top", "boxes")
_TEXT_VRS = frozenset(
    {
        "AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI",
        "UR", "UT",
    }
)  # fmt: skip


def yaml_rules(path: Path) -> list[PixelRule]:
    """The rules of a file.

    Raises
    ------
    DeidError
        If it cannot be read, or holds anything that is not understood; names the line.
    """
    root = load_nodes(read_text(path), path.name)
    rules = [_rule(node) for node in _list(root, "a list of rules is expected")]
    if not rules:
        raise refused(root.where, "there are no rules", "Write a list of rules.")
    return rules


def matchable(text: str, where: str) -> int:
    """The tag of an attribute that rules may look at.

    Raises
    ------
    DeidError
        If it is not a standard attribute of the data set that holds text.
    """
    try:
        tag = tag_pattern(text).tag
    except DeidError:
        tag = None
    known = None if tag is None or tag >> 16 < 0x0008 else attribute(tag)
    if tag is None or known is None or known.vr not in _TEXT_VRS:
        raise refused(
            where,
            f"{shown(text)} cannot be matched",
            "Name a standard attribute of the data set that holds text.",
        )
    return tag


def checked_boxes(
    boxes: Iterable[Box], rows: int | None, columns: int | None, where: str
) -> tuple[Box, ...]:
    """Boxes that have pixels inside an image of so many rows and columns (``None`` for any).

    Raises
    ------
    DeidError
        If one is empty or wholly outside.
    """
    checked = tuple(boxes)
    for box in checked:
        is_inside = box.left < (columns or LARGEST) and box.top < (rows or LARGEST)
        if not (0 <= box.left < box.right and 0 <= box.top < box.bottom and is_inside):
            raise refused(
                where,
                f"the box from column {box.left}, row {box.top} to {box.right}, {box.bottom} "
                "holds no pixel",
                "Correct its numbers.",
            )
    return checked


def _rule(node: Node) -> PixelRule:
    parts = node.names()
    for name, part in parts.items():
        if name not in _KEYS:
            raise refused(
                part.where, f"{shown(name)} is not known", f"A rule has: {', '.join(_KEYS)}."
            )
    if "match" not in parts or not (match := _match(parts["match"])):
        raise refused(node.where, "the rule would fit any image", "Say in match which device.")
    if "boxes" not in parts and "top" not in parts:
        raise refused(
            node.where, "the rule has no boxes", "Write 'boxes: []' if nothing is burned in."
        )
    rows, columns, top = (
        _number(parts[name]) if name in parts else None for name in ("rows", "columns", "top")
    )
    boxes: list[Box] = []
    if top is not None:
        boxes += checked_boxes([Box(0, 0, LARGEST, top)], rows, columns, parts["top"].where)
    for item in _list(parts["boxes"], "a list of boxes is expected") if "boxes" in parts else ():
        boxes += checked_boxes([_box(item)], rows, columns, item.where)
    name = parts["name"].text() if "name" in parts else ""
    return PixelRule(name, match, rows, columns, tuple(boxes))


def _match(node: Node) -> dict[int, str]:
    match: dict[int, str] = {}
    for name, value in node.names().items():
        tag = matchable(name, value.where)
        if tag in match:
            raise refused(value.where, f"{shown(name)} is given twice", "Write one expression.")
        match[tag] = checked_pattern(value.text(), value.where)
    return match


def _box(node: Node) -> Box:
    numbers = [_number(item) for item in _list(node, "[left, top, right, bottom] is expected")]
    if len(numbers) != 4:
        raise refused(
            node.where, "[left, top, right, bottom] is expected", "Write four numbers of pixels."
        )
    return Box(*numbers)


def _number(node: Node) -> int:
    text = node.text()
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII) or not 0 <= int(text) <= LARGEST:
        raise refused(
            node.where, f"{shown(text)} is not a number from 0 to {LARGEST}", "Count in pixels."
        )
    return int(text)


def _list(node: Node, problem: str) -> list[Node]:
    """A list that is written as one: nothing at all may be a line that was forgotten."""
    if not isinstance(node.value, list):
        raise refused(node.where, problem, "Begin each of its lines with a dash.")
    return node.value
