"""The standard's tables, read once a process when they are first needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple, TypedDict, cast

Types = Mapping[int, str]
"""Tag to type (1, 1C, 2, 2C, 3) of the attributes of one IOD or of one sequence's items."""


class Attribute(NamedTuple):
    """An attribute of the data dictionary (PS3.6 section 6)."""

    vr: str
    retired: bool
    keyword: str


class _Profile(TypedDict):
    edition: str
    newer_edition: str
    rows: list[dict[str, str]]
    newer: list[dict[str, str]]


class _AttributeTypes(TypedDict):
    sop: dict[str, str]
    top: dict[str, dict[str, str]]
    nested: dict[str, dict[str, str]]


def edition() -> str:
    """The editions of PS3.15 that :func:`profile_rows` holds."""
    profile = _profile()
    return f"{profile['edition']}, new rows of {profile['newer_edition']}"


@cache
def profile_rows() -> dict[int, dict[str, str]]:
    """Tag to row of Table E.1-1: the basic profile's code and those of the options' columns.

    Rows for private attributes and repeating groups are not here: they are whole groups.
    """
    profile = _profile()
    return {
        int(tag, 16): row
        for row in profile["rows"] + profile["newer"]
        if (tag := row["tag"][1:-1].replace(",", "")).isalnum() and "X" not in tag
    }


def safe_private_rows() -> list[dict[str, str]]:
    """The rows of Table E.3.10-1: tag (``xx`` for the block), creator, VR, VM and meaning."""
    return cast(dict[str, list[dict[str, str]]], _load("ps3.15-safe-private.json"))["rows"]


@cache
def iod_of(sop_class: str) -> str | None:
    """The IOD that a SOP class stores, such as ``ct-image``; ``None`` if it is not known."""
    return _types()["sop"].get(sop_class)


@cache
def types_at_top(sop_class: str) -> Types | None:
    """The types at the top level of a SOP class's IOD; ``None`` if it is not known."""
    types = _types()["top"].get(iod_of(sop_class) or "")
    return None if types is None else _by_tag(types)


@cache
def types_inside(sequence: int) -> Types | None:
    """The types inside the items of a sequence; ``None`` if none is known."""
    known = attribute(sequence)
    types = _types()["nested"].get(known.keyword) if known else None
    return None if types is None else _by_tag(types)


@cache
def dummy_item(sequence: int) -> dict[str, dict[str, object]] | None:
    """The item that replaces those of a sequence, in the DICOM JSON model (PS3.18 annex F)."""
    items = cast(dict[str, dict[str, dict[str, object]]], _load("dummy-items.json"))
    return items.get(f"{sequence:08X}")


@cache
def attribute(tag: int) -> Attribute | None:
    """What the data dictionary says of a standard attribute; ``None`` if it has none."""
    from pydicom import datadict

    try:
        vr, _, _, retired, keyword = datadict.get_entry(tag)
    except KeyError:
        return None
    return Attribute(vr, bool(retired), keyword)


@cache
def time_of(tag: int) -> int | None:
    """The tag of the time that belongs to a date: Study Date to Study Time."""
    from pydicom import datadict

    known = attribute(tag)
    if known is None or not known.keyword.endswith("Date"):
        return None
    return datadict.tag_for_keyword(known.keyword[: -len("Date")] + "Time")


@cache
def _profile() -> _Profile:
    return cast(_Profile, _load("ps3.15-table-e1-1.json"))


@cache
def _types() -> _AttributeTypes:
    return cast(_AttributeTypes, _load("ps3.3-attribute-types.json"))


def _by_tag(types: Mapping[str, str]) -> Types:
    return {int(tag, 16): kind for tag, kind in types.items()}


def _load(name: str) -> object:
    folder = resources.files("anontui.deid") / "data"
    return json.loads((folder / name).read_text(encoding="utf-8"))
