"""Everything that the executor over bytes works out once for files of one kind."""

from __future__ import annotations

import struct
from typing import NamedTuple

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from anontui.deid.engine import facts as at
from anontui.deid.engine.facts import Facts, facts_wanted
from anontui.deid.engine.filters import check
from anontui.deid.engine.inserted import code_item, texts_of
from anontui.deid.engine.quiet import quiet
from anontui.deid.engine.raw import Unusual
from anontui.deid.engine.runs import Runs
from anontui.deid.engine.scopes import MOST_REMEMBERED, Scope
from anontui.deid.engine.structure import LONG_VRS
from anontui.deid.refusal import Refused
from anontui.deid.rules import tables
from anontui.deid.rules.actions import Action, Choice
from anontui.deid.rules.policy import Policy
from anontui.deid.rules.profile import PATIENT_ID
from anontui.deid.rules.tables import Types
from anontui.deid.values import charset
from anontui.deid.values.dummies import padded
from anontui.deid.values.guard import Guard
from anontui.deid.values.scrub import Scrubber
from anontui.deid.values.treatment import Treatment, value_of

_METHOD_CODES = 0x00120064
_UID_ACTIONS = (Action.KEEP, Action.REPLACE, Action.REPLACE_UID)
_LONGEST_REMEMBERED = 1024  # bytes
_ID_ACTIONS = (Action.KEEP, Action.PSEUDONYM)
_UIDS = (at.STUDY_INSTANCE, at.SERIES_INSTANCE, at.SOP_INSTANCE)


def may_plan(policy: Policy) -> bool:
    """Whether the executor over bytes can obey a policy at all."""
    ids = ((PATIENT_ID, _ID_ACTIONS), *((tag, _UID_ACTIONS) for tag in _UIDS))
    return not (
        policy.has_choices
        or any(_action(policy, tag) not in actions for tag, actions in ids)
        or policy.shift_time
        or any(rule.action is Action.FUNCTION for rule in policy.all_rules())
    )


def _action(policy: Policy, tag: int) -> Action | None:
    rule = policy.rule(tag, {tag: "1"})
    return None if isinstance(rule, Choice) else rule.action


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
    told
        Tag, VR and value of what a scrubber must know, if the policy scrubs.

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
        told: tuple[tuple[int, str, bytes], ...],
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
        with quiet():
            self.scrubber = self._scrubber(told)
        self.wanted = facts_wanted(self.policy)
        types = tables.types_at_top(self.sop_class)
        self.inserted = self._inserted(types)
        self.inserted_tags = frozenset(tag for tag, _ in self.inserted)
        self.top = Scope(self, types, is_top=True)
        self._scopes: dict[int, Scope] = {}
        self._fates: dict[object, bool] = {}
        self._words: dict[tuple[tuple[int, bytes], ...], Words] = {}
        self.runs = Runs(
            [tag for tag, _ in self.inserted], skip_private=self.policy.keeps_some_private
        )

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
            if len(self._fates) >= MOST_REMEMBERED:
                self._fates.clear()
            uids = dict.fromkeys(_UIDS, b"1.2")
            whole = Facts({**facts.values, **uids}, True, facts.pixel_length)
            known = check(whole, syntax, self.policy) is None
            if sum(map(len, facts.values.values())) <= _LONGEST_REMEMBERED:
                self._fates[key] = known
        if not known:
            raise Unusual

    def words(self, told: tuple[tuple[int, bytes], ...]) -> Words:
        """What the last look searches for, from the values of identifying attributes."""
        words = self._words.get(told)
        if words is None:
            if len(self._words) >= MOST_REMEMBERED:
                self._words.clear()
            guard = Guard()
            with quiet():
                for tag, value in told:
                    known = tables.attribute(tag)
                    text = charset.decode(value, self.encodings, known.vr if known else "UN")
                    guard.removed(tag, text or "")
            words = Words.of(guard.searched())
            if sum(len(value) for _, value in told) <= _LONGEST_REMEMBERED:
                self._words[told] = words
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

    def _scrubber(self, told: tuple[tuple[int, str, bytes], ...]) -> Scrubber | None:
        if self.policy.clean_by != "scrub":
            return None
        scrubber = Scrubber()
        for tag, vr, value in told:
            scrubber.collect(tag, vr, charset.decode(value, self.encodings, vr) or "")
        return scrubber

    def _inserted(self, types: Types | None) -> list[tuple[int, bytes]]:
        texts = texts_of(
            self.treatment,
            has_patient=types is None or PATIENT_ID in types,
            pixels_cleaned=False,
        )
        made = []
        for tag, text in texts.items():
            known = tables.attribute(tag)
            vr = known.vr if known else "UN"
            value = value_of(text, vr, self.encodings)
            if value is not None:
                made.append((tag, self.element(tag, vr, value)))
        codes = [code_item(code) for code in self.policy.codes(pixels_cleaned=False)]
        made.append((_METHOD_CODES, self.encoded(_METHOD_CODES, codes)))
        return sorted(made)


class Words(NamedTuple):
    """What the last look searches for, names and ids case folded; ``plain`` if all is ASCII.

    The bytes around a value are no boundary of words, so it is not looked for whole words: that
    the other executor does.
    """

    texts: list[str]
    plain: list[bytes] | None

    @classmethod
    def of(cls, words: frozenset[str]) -> Words:
        """From case-folded names and ids."""
        texts = sorted(words)
        is_plain = all(map(str.isascii, texts))
        return cls(texts, [word.encode("ascii") for word in texts] if is_plain else None)

    def may_be_in(self, head: bytes, texts: list[str]) -> bool:
        """Whether a closer look is needed."""
        if self.plain is not None:
            lower = head.lower()
            is_there = any(word in lower for word in self.plain)
        else:
            folded = head.decode("latin-1").casefold()
            is_there = any(word in folded for word in self.texts)
        return is_there or any(word in text.casefold() for text in texts for word in self.texts)
