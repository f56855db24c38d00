"""The executor that goes through pydicom: a policy obeyed, element by element.

Elements stay bytes, as they were read, unless a rule touches them; so what no rule touches
is written as it came. Everything that is kept has been looked at: a value that is not what
its attribute can hold is not passed on.
"""

from __future__ import annotations

from collections import Counter
from io import BytesIO

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_sequence
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from anontui import __version__
from anontui.deid import charset, tables
from anontui.deid.dummies import dummy_value, padded
from anontui.deid.filters import tag_text
from anontui.deid.guard import Guard
from anontui.deid.policy import PATIENT_ID, PATIENT_NAME, Action, Policy
from anontui.deid.pseudonym import Pseudonym
from anontui.deid.refusal import Reason, Refused
from anontui.deid.source import Parsed
from anontui.deid.structure import UNDEFINED, are_items
from anontui.deid.tables import Types
from anontui.deid.uids import new_uid
from anontui.deid.values import (
    Element,
    bytes_of,
    element_of,
    is_string,
    is_valid_size,
    is_valid_text,
    may_hold,
)

PIXEL_DATA = 0x7FE00010
_CHARACTER_SET = 0x00080005
_IDENTITY_REMOVED = 0x00120062
_METHOD = 0x00120063
_METHOD_CODES = 0x00120064
_TEMPORAL_INFORMATION = 0x00280303
_PIXEL_GROUPS = (0x0028, 0x7FE0)  # without one of these the pixels mean something else
_LONGEST_SEARCHED = 1 << 16  # bytes of a binary value that the guard looks through


class Executor:
    """Obeys one policy over one file.

    Parameters
    ----------
    policy, key, pseudonym
        What to do, with which secret, and who the patient becomes.
    parsed
        The file as it came.
    """

    def __init__(self, policy: Policy, key: bytes, pseudonym: Pseudonym, parsed: Parsed) -> None:
        self.counts: Counter[str] = Counter()
        self._policy = policy
        self._key = key
        self._pseudonym = {
            PATIENT_NAME: pseudonym.patient_name,
            PATIENT_ID: pseudonym.patient_id,
        }
        self._parsed = parsed
        self._encoding = parsed.encoding
        self._to_utf8 = not "".join(self._pseudonym.values()).isascii()
        self._guard = Guard()

    def run(self, sop_class: str) -> Dataset:
        """The de-identified data set, a new one.

        Raises
        ------
        Refused
            If it cannot be made safe.
        """
        types = tables.types_at_top(sop_class)
        result = self._dataset(self._parsed.dataset, types, charset.DEFAULT, 0)
        for element in self._inserted(types):
            result[element.tag] = element
        if self._policy.filters.identity_left and (leak := self._guard.leak()) is not None:
            raise Refused(Reason.IDENTITY_LEFT, tag_text(leak))
        return result

    def _inserted(self, types: Types | None) -> list[Element]:
        """What a de-identified instance says of itself (PS3.15 section E.1.1), and the patient."""
        texts = {
            _IDENTITY_REMOVED: "YES",
            _METHOD: f"anontui {__version__}, PS3.15 E.1-1 {self._policy.edition}"[:64],
            _TEMPORAL_INFORMATION: "REMOVED",
        }
        if types is None or PATIENT_ID in types:  # a color palette has no patient
            texts |= self._pseudonym
        if self._to_utf8:
            texts[_CHARACTER_SET] = charset.UTF8_TERM
        codes = Sequence([_code(value, meaning) for value, meaning in self._policy.codes])
        return [
            *(self._made(tag, text.encode()) for tag, text in texts.items()),
            DataElement(BaseTag(_METHOD_CODES), "SQ", codes),
        ]

    def _dataset(
        self, source: Dataset, types: Types | None, encodings: list[str], depth: int
    ) -> Dataset:
        """One data set or item; ``encodings`` are its parent's, until it names its own."""
        parent = charset.UTF8 if self._to_utf8 else encodings
        if _CHARACTER_SET in source:
            encodings = charset.encodings_of(bytes_of(element_of(source, _CHARACTER_SET)))
        elements: dict[BaseTag, Element] = {}
        for tag in sorted(source.keys()):
            element = self._element(element_of(source, tag), types, encodings, depth)
            if element is not None:
                elements[tag] = element
        result = Dataset(elements, parent_encoding=parent)
        # pydicom writes bytes as they are where this says that nothing else is asked for
        written = charset.UTF8 if self._to_utf8 else encodings
        result.set_original_encoding(*self._encoding, written)
        result.is_undefined_length_sequence_item = source.is_undefined_length_sequence_item
        return result

    def _element(
        self, element: Element, types: Types | None, encodings: list[str], depth: int
    ) -> Element | None:
        tag = int(element.tag)
        action = self._policy.action(tag, types)
        if Guard.wants(tag):
            text = charset.decode(bytes_of(element), encodings, _vr(tag))
            self._guard.removed(tag, text or "")
        if action is Action.KEEP:
            kept = self._kept(element, encodings, depth)
            if kept is None:
                if tag >> 16 in _PIXEL_GROUPS:
                    raise Refused(Reason.INVALID_VALUE, tag_text(tag))
                self.counts["delete_invalid"] += 1
            return kept
        self.counts[action.value] += 1
        match action:
            case Action.PSEUDONYM:
                return self._made(tag, self._pseudonym[tag].encode())
            case Action.REPLACE_UID:
                return self._made(tag, self._new_uids(bytes_of(element)))
            case Action.REPLACE:
                return self._dummy(tag, element)
            case Action.EMPTY:
                return self._made(tag, b"")
        return None

    def _kept(self, element: Element, encodings: list[str], depth: int) -> Element | None:
        """What is passed on of an element that no rule touches; ``None`` if nothing can be."""
        tag = int(element.tag)
        vr = _vr(tag)
        if vr == "SQ":
            return self._sequence(element, encodings, depth)
        if not isinstance(element, RawDataElement):
            return None
        if tag == _CHARACTER_SET:
            term = charset.UTF8_TERM.encode() if self._to_utf8 else bytes_of(element)
            return self._made(tag, term)
        if element.length == UNDEFINED:
            return element if tag == PIXEL_DATA else None
        return self._checked(element, vr.split(" or "), encodings)

    def _checked(
        self, raw: RawDataElement, vrs: list[str], encodings: list[str]
    ) -> RawDataElement | None:
        value = raw.value or b""
        vr = vrs[0] if raw.VR in (None, "UN") else str(raw.VR)
        if not may_hold(vr, vrs) or not is_valid_size(len(value), vr):
            return None
        if is_string(vrs):
            text = charset.decode(value, encodings, vrs[0])
            if text is None or not is_valid_text(text, vrs[0]):
                return None
            self._guard.kept(raw.tag, vrs[0], text)
            if self._to_utf8 and not charset.is_plain(value):
                value = padded(text.encode(), vrs[0])
        elif raw.tag >> 16 != 0x7FE0 and len(value) <= _LONGEST_SEARCHED:
            self._guard.kept(raw.tag, "OB", value.decode("latin-1"))
        if raw.VR is None and not self._encoding.implicit:  # an implicit item in an explicit file
            raw = raw._replace(VR=vr if len(vrs) == 1 else "UN")
        return raw._replace(value=value, length=len(value))

    def _sequence(self, element: Element, encodings: list[str], depth: int) -> Element | None:
        """A kept sequence: the same rules apply inside its items."""
        limits = self._policy.limits
        if depth >= limits.depth:
            raise Refused(Reason.TOO_DEEP, f"more than {limits.depth} levels")
        items = self._items(element, encodings)
        if items is None:
            return None
        types = tables.types_inside(int(element.tag))
        clean = Sequence([self._dataset(item, types, encodings, depth + 1) for item in items])
        result = DataElement(element.tag, "SQ", clean)
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

    def _new_uids(self, value: bytes) -> bytes:
        uids = value.decode("latin-1").split("\\")
        return "\\".join(new_uid(self._key, uid.strip(" \0")) for uid in uids).encode("latin-1")

    def _dummy(self, tag: int, element: Element) -> Element:
        vr = _vr(tag)
        if vr == "UI":
            return self._made(tag, self._new_uids(bytes_of(element)))  # a dummy must be unique
        if vr != "SQ":
            return self._made(tag, dummy_value(tag, vr))
        item = tables.dummy_item(tag)
        items = [] if item is None else [Dataset.from_json(item)]
        return DataElement(BaseTag(tag), "SQ", Sequence(items))

    def _made(self, tag: int, value: bytes) -> Element:
        """An element of ours, whatever the original was written as."""
        vr = _vr(tag)
        if vr == "SQ":
            return DataElement(BaseTag(tag), "SQ", Sequence())
        value = padded(value, vr)
        return RawDataElement(BaseTag(tag), vr, len(value), value, 0, *self._encoding)


def _vr(tag: int) -> str:
    known = tables.attribute(tag)
    return "UN" if known is None else known.vr


def _code(value: str, meaning: str) -> Dataset:
    """An item of the Code Sequence Macro (PS3.3 section 8.8), of scheme DCM."""
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = "DCM"
    item.CodeMeaning = meaning
    return item
