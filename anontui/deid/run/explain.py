"""What would happen to each element of a file and why, and how two files differ."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.filereader import read_file_meta_info
from pydicom.tag import BaseTag

from anontui.deid.engine.dataset import Step
from anontui.deid.engine.quiet import quiet
from anontui.deid.engine.source import parse
from anontui.deid.file import Deidentifier
from anontui.deid.outcome import Outcome
from anontui.deid.refusal import Refused
from anontui.deid.rules import tables
from anontui.deid.rules.actions import Action
from anontui.deid.rules.policy import Limits
from anontui.deid.rules.tags import tag_text
from anontui.deid.values import charset
from anontui.deid.values.form import NUMBER_FORMATS, Element, bytes_of, element_of, is_string
from anontui.errors import DeidError

_CHARACTER_SET = 0x00080005
_Path = tuple[int, ...]


class Explained(NamedTuple):
    """One element: what it is, what happens to it, and which rule says so.

    ``place`` are the tags of the sequences and the numbers of the items (from 1) that it stands
    in. ``before`` is ``None`` if the element is put in, ``after`` if it is taken out. Both are
    identity.
    """

    place: str
    tag: str
    name: str
    vr: str
    action: str
    because: str
    before: str | None
    after: str | None
    is_changed: bool


class Difference(NamedTuple):
    """One element that two files do not have in common; ``None`` where a file lacks it."""

    place: str
    tag: str
    name: str
    vr: str
    before: str | None
    after: str | None


def explain(deidentifier: Deidentifier, source: Path) -> tuple[Outcome, list[Explained]]:
    """Tell what would happen to each element of a file; nothing is written.

    Returns
    -------
    Outcome, list of Explained
        In the order of the file, a sequence before what is in it. A file that is held has the
        elements up to where it was, maybe none.
    """
    outcome, steps = deidentifier.steps(source)
    return outcome, list(_explained(steps))


def differences(one: Path, other: Path) -> list[Difference]:
    """Tell which elements two DICOM files do not have in common.

    Raises
    ------
    DeidError
        If one cannot be read.
    """
    before, after = _flat(one), _flat(other)
    found = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old is not None and new is not None and old.value == new.value:
            continue
        vr = (new or old or _Value("UN", b"", "")).vr
        texts = (None if value is None else value.text for value in (old, new))
        found.append(Difference(_place(key[:-1]), tag_text(key[-1]), _name(key[-1]), vr, *texts))
    return found


def _explained(steps: list[Step]) -> Iterator[Explained]:
    encodings: dict[tuple[_Path, bool], list[str]] = {}
    for path, tag, rule, before, after in sorted(steps, key=lambda step: (*step.path, step.tag)):
        texts: list[str | None] = []
        for element, is_new in ((before, False), (after, True)):
            if tag == _CHARACTER_SET and element is not None:
                encodings[path, is_new] = _encodings(bytes_of(element))
            known = _inherited(encodings, path, is_new)
            texts.append(None if element is None else text_of(element, known))
        action = rule.action.value
        if rule.action is Action.KEEP and after is None:
            action = "delete_invalid"
        element = after or before
        vr = _vr(element) if element is not None else "UN"
        is_changed = not (before is after or _are_equal(before, after))
        names = (_place(path), tag_text(tag), _name(tag), vr)
        yield Explained(*names, action, rule.because, texts[0], texts[1], is_changed)


def text_of(element: Element, encodings: list[str]) -> str:
    """An element's value for people; of what is no text or number, how large it is."""
    vr = _vr(element)
    if not isinstance(element, RawDataElement):
        count = len(element.value) if vr == "SQ" else 0
        return f"<{count} item{'s' * (count != 1)}>"
    value = bytes_of(element)
    if vr == "SQ":
        return f"<sequence of {len(value):,} bytes>"
    if is_string([vr]):
        text = charset.decode(value, encodings, vr)
        return f"<{len(value):,} bytes>" if text is None else text.rstrip(" \0")
    order = "<" if element.is_little_endian else ">"
    form = NUMBER_FORMATS.get(vr)
    size = struct.calcsize(f"<{form}") if form else 0
    if form and value and len(value) % size == 0 and len(value) <= 64 * size:
        numbers = struct.unpack(f"{order}{len(value) // size}{form}", value)
        return "\\".join(map("{:.10g}".format if vr in ("FL", "FD") else str, numbers))
    if vr == "AT" and len(value) % 4 == 0 and len(value) <= 256:
        halves = struct.unpack(f"{order}{len(value) // 2}H", value)
        pairs = zip(halves[::2], halves[1::2], strict=True)
        return "\\".join(tag_text(group << 16 | number) for group, number in pairs)
    return f"<{len(value):,} bytes>" if value else ""


class _Value(NamedTuple):
    vr: str
    value: object
    text: str


def _flat(path: Path) -> dict[_Path, _Value]:
    """Every element of a file by its place, those of the file meta information too."""
    try:
        with quiet():
            found = dict(_elements(parse(path.read_bytes(), Limits()).dataset, (), charset.DEFAULT))
            with suppress(Exception):  # a file may have none, or a broken one
                for element in read_file_meta_info(path):
                    value = str(element.value)
                    found[(int(element.tag),)] = _Value(str(element.VR), value, value)
            return found
    except Refused as refused:
        raise DeidError(f"A file cannot be compared: {refused.words()}") from None
    except OSError as error:
        raise DeidError(
            "A file cannot be read", cause=error.strerror or "", advice="Check the path."
        ) from error
    except Exception as error:  # noqa: BLE001 - pydicom on hostile bytes
        raise DeidError("A file cannot be parsed", cause=type(error).__name__) from None


def _elements(
    dataset: Dataset, path: _Path, encodings: list[str]
) -> Iterator[tuple[_Path, _Value]]:
    if _CHARACTER_SET in dataset:
        encodings = _encodings(bytes_of(element_of(dataset, _CHARACTER_SET)))
    # all of them first: pydicom converts others when it is asked for a sequence
    for tag, raw in [(tag, element_of(dataset, tag)) for tag in sorted(dataset.keys())]:
        if _vr(raw) != "SQ":
            text = text_of(raw, encodings)
            is_told = is_string([_vr(raw)]) or not text.startswith("<")
            yield (*path, int(tag)), _Value(_vr(raw), text if is_told else bytes_of(raw), text)
            continue
        items = list(dataset[tag].value or ())
        text = f"<{len(items)} item{'s' * (len(items) != 1)}>"
        yield (*path, int(tag)), _Value("SQ", len(items), text)
        for number, item in enumerate(items):
            yield from _elements(item, (*path, int(tag), number), encodings)


def _encodings(value: bytes) -> list[str]:
    try:
        return charset.encodings_of(value)
    except Refused:
        return charset.DEFAULT


def _inherited(
    encodings: dict[tuple[_Path, bool], list[str]], path: _Path, is_new: bool
) -> list[str]:
    while (path, is_new) not in encodings and path:
        path = path[:-2]
    return encodings.get((path, is_new), charset.DEFAULT)


def _are_equal(before: Element | None, after: Element | None) -> bool:
    if before is None or after is None:
        return False
    if _vr(after) == "SQ":  # what changes inside is told of what is inside
        return _vr(before) in ("SQ", "UN")
    return bytes_of(before) == bytes_of(after)


def _vr(element: Element) -> str:
    if element.VR in (None, "UN"):
        known = tables.attribute(int(element.tag))
        return "UN" if known is None else known.vr.split(" or ")[0]
    return str(element.VR)


def _name(tag: int) -> str:
    known = tables.attribute(tag)
    if known is not None:
        return known.keyword
    return "private" if BaseTag(tag).is_private else ""


def _place(path: _Path) -> str:
    pairs = zip(path[::2], path[1::2], strict=True)
    return " ".join(f"{tag_text(tag)}[{number + 1}]" for tag, number in pairs)
