"""What the executor over bytes knows beforehand: for each tag as it stands in a file, what to do.

A :class:`Plan` holds for files that agree in SOP class, character set, patient and encoding; a
:class:`Scope` of it for the top level, or for the items of one sequence.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from anontui.deid import charset, tables
from anontui.deid import facts as at
from anontui.deid.actions import Action, Choice, Rule
from anontui.deid.dummies import padded
from anontui.deid.facts import Facts, facts_wanted
from anontui.deid.filters import check
from anontui.deid.guard import Guard
from anontui.deid.inserted import code_item, texts_of
from anontui.deid.policy import Policy
from anontui.deid.profile import PATIENT_ID
from anontui.deid.quiet import quiet
from anontui.deid.refusal import Refused
from anontui.deid.runs import Runs
from anontui.deid.structure import LONG_VRS, SHORT_VRS
from anontui.deid.tables import Types
from anontui.deid.treatment import Treatment, action_deletes
from anontui.deid.values import is_string, is_valid_text, number_size

# what is done with an element, most frequent first
STRICT, MEMO, KEEP, DROP, CONST, SEQUENCE, PIXELS = range(7)

IS_FACT, IS_TOKEN = 1, 2

_MOST_REMEMBERED = 4096
_LONGEST_REMEMBERED = 1024
_UID_ACTIONS = (Action.KEEP, Action.REPLACE, Action.REPLACE_UID)
_CONSTANT = (Action.EMPTY, Action.REPLACE, Action.PSEUDONYM, Action.REPLACE_WITH_VALUE)
_STRICT_BYTES = {
    "DS": re.compile(rb"[ \0]*[0-9+\-.eE\\\s]*[ \0]*"),
    "IS": re.compile(rb"[ \0]*[0-9+\-.eE\\\s]*[ \0]*"),
    "UI": re.compile(rb"[ \0]*[0-9.\\]*[ \0]*"),
}


class Unusual(Exception):
    """Nothing is wrong, but the other executor must do it."""


class Kind(NamedTuple):
    """What to do with the elements of one tag and VR.

    ``form`` is where the length of four bytes stands behind the tag's first byte; 0 for one of
    two bytes at 6. ``wanted`` says what the value is needed for beside. ``argument`` is a
    regular expression, a number's size or the bytes that take the element's place; ``count``
    what is counted.
    """

    do: int
    tag: int
    form: int
    wanted: int
    argument: object
    count: str


class Entry(NamedTuple):
    """What became of an element; ``out`` is ``None`` if it is kept as it is.

    ``text`` is given where bytes do not show it, for the last look.
    """

    out: bytes | None
    text: str
    count: str


def may_plan(policy: Policy) -> bool:
    """Whether the executor over bytes can obey a policy at all."""
    uids = (
        policy.rule(tag, {tag: "1"})
        for tag in (at.STUDY_INSTANCE, at.SERIES_INSTANCE, at.SOP_INSTANCE)
    )
    return not (
        policy.has_choices
        or any(isinstance(rule, Choice) or rule.action not in _UID_ACTIONS for rule in uids)
        or policy.clean_by == "scrub"
        or policy.shift_time
        or any(rule.action is Action.FUNCTION for rule in policy.all_rules())
    )


class Plan:
    """Everything that is the same for files of one kind.

    Parameters
    ----------
    treatment
        What is done to values.
    sop_class, character_set, patient_id
        Values as they stand in the files.
    implicit
        Whether VRs are not written.

    Raises
    ------
    Unusual
        If there can be no plan.
    """

    def __init__(
        self,
        treatment: Treatment,
        sop_class: bytes,
        character_set: bytes,
        patient_id: bytes,
        implicit: bool,
    ) -> None:
        if treatment.needs_utf8:
            raise Unusual
        self.treatment = treatment
        self.policy = treatment.policy
        self.sop_class = sop_class.decode("latin-1").strip(" \0")
        self.sop_class_value = sop_class
        self.character_set = character_set
        self.patient_id = patient_id
        self.implicit = implicit
        try:
            with quiet():
                self.encodings = charset.encodings_of(character_set)
        except Refused:
            raise Unusual from None
        self.wanted = facts_wanted(self.policy)
        types = tables.types_at_top(self.sop_class)
        self.top = Scope(self, types, is_top=True)
        self.inserted = self._inserted(types)
        self._scopes: dict[int, Scope] = {}
        self._fates: dict[object, bool] = {}
        self._words: dict[tuple[tuple[int, bytes], ...], Words] = {}
        self.runs = Runs([tag for tag, _ in self.inserted])

    def inside(self, sequence: int) -> Scope:
        """The scope of a sequence's items."""
        scope = self._scopes.get(sequence)
        if scope is None:
            scope = Scope(self, tables.types_inside(sequence), is_top=False)
            self._scopes[sequence] = scope
        return scope

    def check(self, facts: Facts, syntax: str) -> None:
        """Let a file with these facts pass; its own UIDs are there and not among them.

        Raises
        ------
        Refused, Unusual
            If a filter holds it, or its pixels are to be cleaned.
        """
        key = (syntax, facts.pixel_length, *facts.values.items())
        known = self._fates.get(key)
        if known is None:
            if len(self._fates) >= _MOST_REMEMBERED:
                self._fates.clear()
            uids = dict.fromkeys((at.STUDY_INSTANCE, at.SERIES_INSTANCE, at.SOP_INSTANCE), b"1.2")
            whole = Facts({**facts.values, **uids}, True, facts.pixel_length)
            known = self._fates[key] = check(whole, syntax, self.policy) is None
        if not known:
            raise Unusual

    def words(self, told: tuple[tuple[int, bytes], ...]) -> Words:
        """What the last look searches for, from the values of identifying attributes."""
        words = self._words.get(told)
        if words is None:
            if len(self._words) >= _MOST_REMEMBERED:
                self._words.clear()
            guard = Guard()
            with quiet():
                for tag, value in told:
                    known = tables.attribute(tag)
                    text = charset.decode(value, self.encodings, known.vr if known else "UN")
                    guard.removed(tag, text or "")
            words = self._words[told] = Words.of(guard.searched())
        return words

    def element(self, tag: int, vr: str, value: bytes) -> bytes:
        """An element of ours, encoded."""
        value = padded(value, vr)
        head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
        if self.implicit:
            return head + struct.pack("<L", len(value)) + value
        name = vr.encode("ascii")
        if name in LONG_VRS:
            return head + name + b"\0\0" + struct.pack("<L", len(value)) + value
        if len(value) > 0xFFFF:
            raise Unusual
        return head + name + struct.pack("<H", len(value)) + value

    def encoded(self, tag: int, items: list[Dataset]) -> bytes:
        """A sequence of ours, encoded."""
        buffer = DicomBytesIO()
        buffer.is_implicit_VR, buffer.is_little_endian = self.implicit, True
        write_data_element(buffer, DataElement(BaseTag(tag), "SQ", Sequence(items)))
        return buffer.getvalue()

    def _inserted(self, types: Types | None) -> list[tuple[int, bytes]]:
        texts = texts_of(
            self.treatment,
            has_patient=types is None or PATIENT_ID in types,
            pixels_cleaned=False,
        )
        made = []
        for tag, text in texts.items():
            known = tables.attribute(tag)
            made.append((tag, self.element(tag, known.vr if known else "UN", text.encode("ascii"))))
        codes = [code_item(code) for code in self.policy.codes(pixels_cleaned=False)]
        made.append((0x00120064, self.encoded(0x00120064, codes)))
        return sorted(made)


class Scope:
    """What to do with the elements of one data set, or of the items of one sequence."""

    def __init__(self, plan: Plan, types: Types | None, *, is_top: bool) -> None:
        self.kinds: dict[bytes, Kind] = {}
        self.memo: dict[bytes, Entry] = {}
        self._plan = plan
        self._types = types
        self._is_top = is_top
        self._rules: dict[int, Rule] = {}

    def inside(self, sequence: int) -> Scope:
        """The scope of a sequence's items."""
        return self._plan.inside(sequence)

    def learn(self, key: bytes) -> Kind:
        """Decide what is done with a tag, given by its bytes (and those of the VR, if written).

        Raises
        ------
        Unusual
            If the other executor must decide.
        """
        group, element = struct.unpack_from("<HH", key)
        tag = group << 16 | element
        known = tables.attribute(tag)
        vr = known.vr if known else "UN"
        form = 4
        if not self._plan.implicit:
            written = key[4:6]
            if written not in LONG_VRS and written not in SHORT_VRS:
                raise Unusual
            form = 8 if written in LONG_VRS else 0
            written_vr = written.decode("ascii")
        else:
            written_vr = vr.split(" or ")[0]
        if group == 0xFFFE or (group & 1 and self._plan.policy.keeps_some_private):
            raise Unusual
        kind = self._kind(tag, vr, written_vr, form)
        if len(self.kinds) >= _MOST_REMEMBERED:
            self.kinds.clear()
        self.kinds[key] = kind
        return kind

    def _kind(self, tag: int, vr: str, written: str, form: int) -> Kind:
        rule = self._plan.policy.rule(tag, self._types)
        if not isinstance(rule, Rule):
            raise Unusual
        wanted = IS_FACT if self._is_top and tag in self._plan.wanted else 0
        if Guard.wants(tag) and rule.action is not Action.KEEP:
            wanted |= IS_TOKEN
        self._rules[tag] = rule
        if action_deletes(rule.action):
            return Kind(DROP, tag, form, wanted, b"", rule.action.value)
        if tag >> 16 & 1 or tag >> 24 == 0x60 or " or " in vr and rule.action is not Action.KEEP:
            raise Unusual
        if vr == "SQ":
            return self._sequence_kind(rule, tag, written, form, wanted)
        if rule.action is Action.KEEP:
            return self._kept_kind(tag, vr.split(" or "), written, form, wanted)
        if rule.action in _CONSTANT and not (rule.action is Action.REPLACE and vr == "UI"):
            entry = self._treated(rule, tag, vr, b"")
            return Kind(CONST, tag, form, wanted, entry.out, entry.count)
        return Kind(MEMO, tag, form, wanted, vr, rule.action.value)

    def _sequence_kind(self, rule: Rule, tag: int, written: str, form: int, wanted: int) -> Kind:
        if rule.action is Action.KEEP:
            if written != "SQ":
                raise Unusual
            return Kind(SEQUENCE, tag, form, wanted, None, "")
        out = b""
        if rule.action is Action.EMPTY:
            out = self._plan.encoded(tag, [])
        elif rule.action is Action.REPLACE:
            item = tables.dummy_item(tag)
            out = self._plan.encoded(tag, [] if item is None else [Dataset.from_json(item)])
        return Kind(CONST, tag, form, wanted, out, rule.action.value)

    def _kept_kind(self, tag: int, vrs: list[str], written: str, form: int, wanted: int) -> Kind:
        if written not in vrs:
            raise Unusual
        if self._is_top and tag in at.PIXEL_DATA:
            return Kind(PIXELS, tag, form, wanted, None, "")
        if written in _STRICT_BYTES:
            return Kind(STRICT, tag, form, wanted, _STRICT_BYTES[written].fullmatch, "")
        if is_string(vrs):
            return Kind(MEMO, tag, form, wanted, vrs[0], "")
        return Kind(KEEP, tag, form, wanted, number_size(written), "")

    def entry(self, kind: Kind, raw: bytes, value: bytes) -> Entry:
        """What becomes of an element that :attr:`memo` does not have yet."""
        if charset.is_plain(value):
            entry = self._made(kind, value)
        else:
            with quiet():
                entry = self._made(kind, value)
        if len(raw) <= _LONGEST_REMEMBERED:
            if len(self.memo) >= _MOST_REMEMBERED:
                self.memo.clear()
            self.memo[raw] = entry
        return entry

    def _made(self, kind: Kind, value: bytes) -> Entry:
        rule, vr = self._rules[kind.tag], str(kind.argument)
        if rule.action is Action.KEEP:
            return self._kept(kind.tag, vr, value)
        return self._treated(rule, kind.tag, vr, value)

    def _kept(self, tag: int, vr: str, value: bytes) -> Entry:
        if tag == at.CHARACTER_SET:
            if value != self._plan.character_set:
                raise Unusual
            return Entry(None, "", "")
        text = charset.decode(value, self._plan.encodings, vr)
        if text is None or not is_valid_text(text, vr):
            raise Unusual
        return Entry(None, "" if charset.is_plain(value) else text, "")

    def _treated(self, rule: Rule, tag: int, vr: str, value: bytes) -> Entry:
        plan = self._plan
        treated = plan.treatment.treat(
            rule, tag, vr, value, encodings=plan.encodings, written=plan.encodings
        )
        if treated.value is None:
            return Entry(b"", "", rule.action.value)
        text = "" if treated.text.isascii() else treated.text
        return Entry(plan.element(tag, vr, treated.value), text, rule.action.value)


class Words(NamedTuple):
    """What the last look searches for: in bytes as they stand, and in decoded texts."""

    plain: list[bytes]
    whole: re.Pattern[bytes] | None
    texts: list[str]

    @classmethod
    def of(cls, words: frozenset[str]) -> Words:
        """From case-folded names and ids."""
        plain = sorted(word.encode("ascii") for word in words if word.isascii())
        whole = None
        if plain:
            alternatives = b"|".join(map(re.escape, plain))
            whole = re.compile(rb"(?<![a-z0-9])(?:" + alternatives + rb")(?![a-z0-9])")
        return cls(plain, whole, sorted(words))

    def may_be_in(self, head: bytes, texts: list[str]) -> bool:
        """Whether a closer look is needed."""
        lower = head.lower()
        if any(word in lower for word in self.plain):
            if self.whole is not None and self.whole.search(lower):
                return True
        return any(word in text.casefold() for text in texts for word in self.texts)
