"""The executor that goes through pydicom: a policy obeyed, element by element.

Elements stay bytes, as they were read, unless a rule touches them; so what no rule touches
is written as it came. Everything that is kept has been looked at: a value that is not what
its attribute can hold is not passed on.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from typing import NamedTuple

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_sequence
from pydicom.filewriter import write_data_element
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from anontui.deid.engine.facts import PIXEL_DATA
from anontui.deid.engine.inserted import code_item, texts_of
from anontui.deid.engine.private import Creators
from anontui.deid.engine.source import Parsed
from anontui.deid.engine.structure import UNDEFINED, are_items
from anontui.deid.refusal import Reason, Refused
from anontui.deid.rules import tables
from anontui.deid.rules.actions import Action, AnyRule, Rule
from anontui.deid.rules.choices import decided
from anontui.deid.rules.profile import PATIENT_ID
from anontui.deid.rules.tables import Types
from anontui.deid.rules.tags import tag_text
from anontui.deid.values import charset
from anontui.deid.values.dummies import padded
from anontui.deid.values.form import (
    DATE_VRS,
    Element,
    bytes_of,
    element_of,
    is_string,
    is_valid_binary,
    is_valid_text,
    may_hold,
    number_size,
    text_at,
)
from anontui.deid.values.guard import Guard
from anontui.deid.values.scrub import Scrubber
from anontui.deid.values.treatment import Treated, Treatment, action_deletes, value_of

_CHARACTER_SET = 0x00080005
_METHOD_CODES = 0x00120064
_OVERLAY_TYPE = 0x0040
_PIXEL_GROUPS = (0x0028, 0x7FE0)  # without one of these the pixels mean something else
_LONGEST_SEARCHED = 1 << 16  # bytes of a binary value that the guard looks through


class Step(NamedTuple):
    """What happened to one element.

    ``path`` leads to it: tags of sequences and numbers of items, in turn. ``after`` is ``None``
    if the element is gone; ``before`` if it was put in.
    """

    path: tuple[int, ...]
    tag: int
    rule: Rule
    before: Element | None
    after: Element | None


class _Place(NamedTuple):
    """Where an element stands."""

    source: Dataset
    types: Types | None
    encodings: list[str]
    path: tuple[int, ...]

    @property
    def depth(self) -> int:
        return len(self.path) // 2


class Executor:
    """Obeys one policy over one file.

    Parameters
    ----------
    treatment
        What is done to values.
    parsed
        The file as it came.
    pixels
        Attributes that are already settled because the pixels were cleaned: tag to value,
        ``None`` for gone.
    steps
        A list to tell each step to.
    """

    def __init__(
        self,
        treatment: Treatment,
        parsed: Parsed,
        pixels: Mapping[int, Element | None] | None = None,
        steps: list[Step] | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.steps = steps
        self.cleaned: list[tuple[int, str]] = []
        self._treatment = treatment
        self._policy = treatment.policy
        self._parsed = parsed
        self._pixels = pixels
        self._encoding = parsed.encoding
        self._to_utf8 = treatment.needs_utf8
        self._guard = Guard()
        self._scrubber: Scrubber | None = None

    def run(self, sop_class: str) -> Dataset:
        """The de-identified data set, a new one.

        Raises
        ------
        Refused
            If it cannot be made safe.
        """
        types = tables.types_at_top(sop_class)
        source = self._parsed.dataset
        if self._policy.clean_by == "scrub":
            self._scrubber = Scrubber()
            self._collect(source, charset.DEFAULT, 0)
        result = self._dataset(_Place(source, types, charset.DEFAULT, ()))
        for changed, cleaned in (self._pixels or {}).items():
            if cleaned is not None:
                result[changed] = cleaned
            elif changed in result:
                del result[changed]
        for element in self._inserted(types):
            result[element.tag] = element
            if self.steps is not None:
                rule = Rule(Action.REPLACE_WITH_VALUE, "PS3.15 E.1.1")
                own = [step for step in self.steps if not step.path and step.tag == element.tag]
                before = own[0].before if own else None
                self.steps[:] = (step for step in self.steps if step not in own)
                self.steps.append(Step((), int(element.tag), rule, before, element))
        if self._policy.filters.identity_left and (leak := self._guard.leak()) is not None:
            raise Refused(Reason.IDENTITY_LEFT, tag_text(leak))
        return result

    def _inserted(self, types: Types | None) -> list[Element]:
        """What a de-identified instance says of itself (PS3.15 section E.1.1), and the patient."""
        # a color palette has no patient
        has_patient = types is None or PATIENT_ID in types
        masked = self._pixels is not None
        texts = texts_of(self._treatment, has_patient=has_patient, pixels_cleaned=masked)
        codes = self._policy.codes(pixels_cleaned=masked)
        written = charset.UTF8 if self._to_utf8 else charset.DEFAULT
        made: list[Element] = []
        for tag, text in texts.items():
            value = value_of(text, _vr(tag), written, self._encoding.little)
            if value is not None:
                made.append(self._made(tag, _vr(tag), value))
        made.append(DataElement(BaseTag(_METHOD_CODES), "SQ", Sequence(map(code_item, codes))))
        return made

    def _collect(self, source: Dataset, encodings: list[str], depth: int) -> None:
        """Tell the scrubber who and where everybody in the header is."""
        if _CHARACTER_SET in source:
            encodings = charset.encodings_of(bytes_of(element_of(source, _CHARACTER_SET)))
        for key in sorted(source.keys()):
            tag = int(key)
            element = element_of(source, tag)
            vr = _written_vr(element)
            if vr == "SQ" and depth < self._policy.limits.depth:
                for item in self._items(element, encodings) or ():
                    self._collect(item, encodings, depth + 1)
            elif self._scrubber is not None and Scrubber.wants(tag, vr):
                text = charset.decode(bytes_of(element), encodings, vr)
                self._scrubber.collect(tag, vr, text or "")

    def _dataset(self, place: _Place) -> Dataset:
        """One data set or item; its encodings are its parent's, until it names its own."""
        source = place.source
        parent = charset.UTF8 if self._to_utf8 else place.encodings
        if _CHARACTER_SET in source:
            encodings = charset.encodings_of(bytes_of(element_of(source, _CHARACTER_SET)))
            place = place._replace(encodings=encodings)
        creators = Creators(self._policy)
        elements: dict[BaseTag, Element] = {}
        for key in sorted(source.keys()):
            tag = int(key)
            element = element_of(source, tag)
            if creators.takes(tag, bytes_of(element)):
                continue
            kept = self._element(element, place, creators.of(tag))
            if kept is not None:
                elements[key] = kept
                creators.uses(tag)
        for tag, value in creators.used():
            self._guard.kept(tag, "LO", value.decode("latin-1"))
            elements[BaseTag(tag)] = self._made(tag, "LO", value)
        result = Dataset(dict(sorted(elements.items())), parent_encoding=parent)
        # pydicom writes bytes as they are where this says that nothing else is asked for
        written = charset.UTF8 if self._to_utf8 else place.encodings
        result.set_original_encoding(*self._encoding, written)
        result.is_undefined_length_sequence_item = source.is_undefined_length_sequence_item
        return result

    def _element(self, element: Element, place: _Place, creator: str) -> Element | None:
        tag = int(element.tag)
        rule = self._rule(element, place, creator)
        if Guard.wants(tag) and rule.action is not Action.KEEP:
            text = charset.decode(bytes_of(element), place.encodings, _vr(tag))
            self._guard.removed(tag, text or "")
        if rule.action is Action.KEEP:
            after = self._kept(element, place)
            if after is None:
                if tag >> 16 in _PIXEL_GROUPS:
                    raise Refused(Reason.INVALID_VALUE, tag_text(tag))
                self.counts["delete_invalid"] += 1
        else:
            self.counts[rule.action.value] += 1
            after = self._treated(rule, element, place)
        if self.steps is not None:
            self.steps.append(Step(place.path, tag, rule, element, after))
        return after

    def _rule(self, element: Element, place: _Place, creator: str) -> Rule:
        tag = int(element.tag)
        rule: AnyRule = self._policy.rule(tag, place.types, creator)
        rule = decided(rule, lambda other: self._text(place, other))
        is_overlay = tag >> 24 == 0x60 and not tag >> 16 & 1
        if is_overlay and not rule.told and not action_deletes(rule.action):
            # what is drawn, other than a region of interest, may be writing
            kind = tag & 0xFFFF0000 | _OVERLAY_TYPE
            if text_at(place.source, kind) != "R":
                return Rule(Action.DELETE, "E.1-1 X, overlay of graphics")
        return rule

    def _text(self, place: _Place, tag: int) -> str | None:
        if tag not in place.source:
            return None
        element = element_of(place.source, tag)
        return charset.decode(bytes_of(element), place.encodings, _vr(tag)) or ""

    # --- elements that change

    def _treated(self, rule: Rule, element: Element, place: _Place) -> Element | None:
        tag = int(element.tag)
        if action_deletes(rule.action):
            return None
        if rule.action is Action.FUNCTION:
            return self._computed(rule, element, place)
        vr = _vr(tag) if not tag >> 16 & 1 else _written_vr(element)
        if vr == "SQ":
            return self._treated_sequence(rule, tag)
        written = charset.UTF8 if self._to_utf8 else place.encodings
        time = ""
        if rule.action is Action.SHIFT_DATE and vr == "DA":
            time = self._text(place, tables.time_of(tag) or 0) or ""
        treated = self._treatment.treat(
            rule,
            tag,
            vr,
            bytes_of(element),
            encodings=place.encodings,
            written=written,
            little=self._encoding.little,
            scrubber=self._scrubber,
            time_of_day=time,
        )
        self._look_at(tag, vr, treated)
        return None if treated.value is None else self._made(tag, vr, treated.value)

    def _look_at(self, tag: int, vr: str, treated: Treated) -> None:
        """What is left of a text is looked at like a text that is kept, unless it is listed."""
        if treated.text and not treated.is_listed:
            self._guard.kept(tag, vr, treated.text)
            self.cleaned.append((tag, treated.text))

    def _treated_sequence(self, rule: Rule, tag: int) -> Element | None:
        if rule.action is Action.EMPTY:
            return DataElement(BaseTag(tag), "SQ", Sequence())
        if rule.action is Action.REPLACE:
            item = tables.dummy_item(tag)
            items = [] if item is None else [Dataset.from_json(item)]
            return DataElement(BaseTag(tag), "SQ", Sequence(items))
        return None  # what is done to values cannot be done to items

    def _computed(self, rule: Rule, element: Element, place: _Place) -> Element | None:
        """What a user's function makes of an element; it is given a copy of the data set."""
        tag = BaseTag(element.tag)
        scratch = copy.deepcopy(place.source)
        if rule.function is not None:
            rule.function(scratch, tag)
        if tag not in scratch:
            return None
        changed = scratch[tag]
        if changed.VR == "SQ":
            item_types = tables.types_inside(int(tag))
            items = [
                self._dataset(_Place(item, item_types, place.encodings, (*place.path, int(tag), n)))
                for n, item in enumerate(_as_read(changed.value, self._encoding, place.encodings))
            ]
            return DataElement(tag, "SQ", Sequence(items))
        buffer = DicomBytesIO()
        buffer.is_implicit_VR, buffer.is_little_endian = True, self._encoding.little
        written = charset.UTF8 if self._to_utf8 else place.encodings
        write_data_element(buffer, changed, written)
        value = buffer.getvalue()[8:]
        if is_string([changed.VR]):
            text = charset.decode(value, written, changed.VR) or ""
            self._guard.kept(int(tag), changed.VR, text)
        return RawDataElement(tag, changed.VR, len(value), value, 0, *self._encoding)

    # --- elements that stay

    def _kept(self, element: Element, place: _Place) -> Element | None:
        """What is passed on of an element that no rule touches; ``None`` if nothing can be."""
        tag = int(element.tag)
        vr = _vr(tag) if not tag >> 16 & 1 else _written_vr(element)
        if vr == "SQ":
            return self._sequence(element, place)
        if not isinstance(element, RawDataElement):
            return None
        if tag == _CHARACTER_SET:
            term = charset.UTF8_TERM.encode() if self._to_utf8 else bytes_of(element)
            return self._made(tag, "CS", term)
        if element.length == UNDEFINED:
            return element if tag in PIXEL_DATA else None
        return self._checked(element, vr.split(" or "), place.encodings)

    def _checked(
        self, raw: RawDataElement, vrs: list[str], encodings: list[str]
    ) -> RawDataElement | None:
        value = raw.value or b""
        vr = vrs[0] if raw.VR in (None, "UN") else str(raw.VR)
        if not may_hold(vr, vrs) or not is_valid_binary(value, vr):
            return None
        if is_string(vrs):
            text = charset.decode(value, encodings, vrs[0])
            if text is None or not is_valid_text(text, vrs[0]):
                if vrs[0] not in DATE_VRS:
                    return None
                text = ""  # a malformed date is emptied
                value = b""
            self._guard.kept(raw.tag, vrs[0], text)
            if self._to_utf8 and not charset.is_plain(value):
                value = padded(text.encode(), vrs[0])
        elif raw.tag >> 16 != 0x7FE0 and len(value) <= _LONGEST_SEARCHED:
            kind = vr if number_size(vr) > 1 else "OB"
            self._guard.kept(raw.tag, kind, value.decode("latin-1"))
        if raw.VR is None and not self._encoding.implicit:  # an implicit item in an explicit file
            raw = raw._replace(VR=vr if len(vrs) == 1 else "UN")
        return raw._replace(value=value, length=len(value))

    def _sequence(self, element: Element, place: _Place) -> Element | None:
        """A kept sequence: the same rules apply inside its items."""
        limits = self._policy.limits
        if place.depth >= limits.depth:
            raise Refused(Reason.TOO_DEEP, f"more than {limits.depth} levels")
        items = self._items(element, place.encodings)
        if items is None:
            return None
        tag = int(element.tag)
        types = tables.types_inside(tag)
        clean = [
            self._dataset(_Place(item, types, place.encodings, (*place.path, tag, number)))
            for number, item in enumerate(items)
        ]
        result = DataElement(element.tag, "SQ", Sequence(clean))
        result.is_undefined_length = not isinstance(element, RawDataElement)
        return result

    def _items(self, element: Element, encodings: list[str]) -> Sequence | None:
        if not isinstance(element, RawDataElement):
            return element.value if isinstance(element.value, Sequence) else None
        value = element.value or b""
        if element.VR not in (None, "SQ", "UN"):
            return None
        is_unknown = element.VR == "UN"  # then implicit VR little endian (PS3.5 section 6.2.2)
        if is_unknown and not (self._encoding.little and are_items(value, self._policy.limits)):
            return None
        implicit = element.is_implicit_VR or is_unknown
        little = element.is_little_endian
        return read_sequence(BytesIO(value), implicit, little, len(value), encodings)

    def _made(self, tag: int, vr: str, value: bytes) -> Element:
        """An element of ours, whatever the original was written as."""
        value = padded(value, vr)
        return RawDataElement(BaseTag(tag), vr, len(value), value, 0, *self._encoding)


def _vr(tag: int) -> str:
    known = tables.attribute(tag)
    return "UN" if known is None else known.vr


def _written_vr(element: Element) -> str:
    """The VR that an element is written as, the dictionary's if none is written."""
    return _vr(int(element.tag)) if element.VR is None else str(element.VR)


def _as_read(items: Sequence, encoding: tuple[bool, bool], encodings: list[str]) -> Sequence:
    """Items that a function made, as if they had come from a file."""
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = encoding
    write_data_element(buffer, DataElement(BaseTag(0x00081115), "SQ", items), encodings)
    value = buffer.getvalue()[8 if encoding[0] else 12 :]
    return read_sequence(BytesIO(value), *encoding, len(value), encodings)
