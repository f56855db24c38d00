"""What the executor over bytes knows beforehand: for each tag as it stands in a file, what to do.

A :class:`Scope` holds for the top level of the files of a
:class:`~anontui.deid.engine.plan.Plan`, or for
the items of one sequence.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from pydicom.dataset import Dataset

from anontui.deid.engine import facts as at
from anontui.deid.engine.private import is_creator
from anontui.deid.engine.quiet import quiet
from anontui.deid.engine.raw import Unusual
from anontui.deid.engine.structure import LONG_VRS, SHORT_VRS
from anontui.deid.rules import tables
from anontui.deid.rules.actions import Action, Rule
from anontui.deid.rules.tables import Types
from anontui.deid.values import charset
from anontui.deid.values.form import is_string, is_valid_binary, is_valid_text, number_size
from anontui.deid.values.guard import Guard
from anontui.deid.values.treatment import action_deletes

if TYPE_CHECKING:
    from anontui.deid.engine.plan import Plan

# what is done with an element, most frequent first
STRICT, MEMO, KEEP, DROP, CONST, SEQUENCE, PRIVATE, PIXELS = range(8)

IS_FACT, IS_TOKEN = 1, 2

MOST_REMEMBERED = 4096
_LONGEST_REMEMBERED = 1024
_CONSTANT = (Action.EMPTY, Action.REPLACE, Action.PSEUDONYM, Action.REPLACE_WITH_VALUE)
_STRICT_BYTES = {
    "DS": re.compile(rb"[ \0]*[0-9+\-.eE\\\s]*[ \0]*"),
    "IS": re.compile(rb"[ \0]*[0-9+\-.eE\\\s]*[ \0]*"),
    "UI": re.compile(rb"[ \0]*[0-9.\\]*[ \0]*"),
}


class Kind(NamedTuple):
    """What to do with the elements of one tag and VR.

    ``form`` is where the length of four bytes stands behind the tag's first byte; 0 for one of
    two bytes at 6. ``wanted`` says what the value is needed for beside. ``argument`` is a
    regular expression, a number's size, a VR, or the bytes that take the element's place;
    ``counted`` what is counted.
    """

    do: int
    tag: int
    form: int
    wanted: int
    argument: object
    counted: str


class Entry(NamedTuple):
    """What became of an element; ``out`` is ``None`` if it is kept as it is.

    ``text`` is given where bytes do not show it, for the last look. ``stayed`` is what is left
    of a cleaned text.
    """

    out: bytes | None
    text: str = ""
    counted: str = ""
    stayed: tuple[int, str] | None = None


class Scope:
    """What to do with the elements of one data set, or of the items of one sequence."""

    def __init__(self, plan: Plan, types: Types | None, *, is_top: bool) -> None:
        self.kinds: dict[bytes, Kind] = {}
        self.memo: dict[bytes, Entry] = {}
        self._plan = plan
        self._types = types
        self._is_top = is_top
        self._rules: dict[int, Rule] = {}
        self._private_rules: dict[tuple[int, str], Rule] = {}

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
        if group == 0xFFFE:
            raise Unusual
        if group & 1 and self._plan.policy.keeps_some_private:
            if is_creator(tag) and not (written_vr == "LO" or self._plan.implicit):
                raise Unusual
            kind = Kind(PRIVATE, tag, form, 0, written_vr, "")
        else:
            kind = self._kind(tag, vr, written_vr, form)
        if len(self.kinds) >= MOST_REMEMBERED:
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
        if self._is_top and tag in self._plan.inserted_tags:  # ours takes its place
            counted = "" if rule.action is Action.KEEP else rule.action.value
            return Kind(DROP, tag, form, wanted, b"", counted)
        if action_deletes(rule.action):
            return Kind(DROP, tag, form, wanted, b"", rule.action.value)
        if tag >> 16 & 1 or tag >> 24 == 0x60 or (" or " in vr and rule.action is not Action.KEEP):
            raise Unusual
        if vr == "SQ":
            return self._sequence_kind(rule, tag, written, form, wanted)
        if rule.action is Action.KEEP:
            return self._kept_kind(tag, vr.split(" or "), written, form, wanted)
        if rule.action in _CONSTANT and not (rule.action is Action.REPLACE and vr == "UI"):
            entry = self._treated(rule, tag, vr, b"")
            return Kind(CONST, tag, form, wanted, entry.out, entry.counted)
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
            if len(self.memo) >= MOST_REMEMBERED:
                self.memo.clear()
            self.memo[raw] = entry
        return entry

    def private(self, kind: Kind, creator: bytes, value: bytes) -> Entry:
        """What becomes of a private element in a creator's block."""
        name, vr = creator.decode("latin-1").strip(" \0"), str(kind.argument)
        rule = self._private_rules.get((kind.tag, name))
        if rule is None:
            found = self._plan.policy.rule(kind.tag, self._types, name)
            if not isinstance(found, Rule):
                raise Unusual
            if len(self._private_rules) >= MOST_REMEMBERED:
                self._private_rules.clear()
            rule = self._private_rules[kind.tag, name] = found
        if action_deletes(rule.action):
            return Entry(b"", counted=rule.action.value)
        if rule.action is not Action.KEEP or vr == "SQ" or not is_valid_binary(value, vr):
            raise Unusual
        if not is_string([vr]):
            return Entry(None)
        with quiet():
            return self._kept(kind.tag, vr, value)

    def _made(self, kind: Kind, value: bytes) -> Entry:
        rule, vr = self._rules[kind.tag], str(kind.argument)
        if rule.action is Action.KEEP:
            return self._kept(kind.tag, vr, value)
        return self._treated(rule, kind.tag, vr, value)

    def _kept(self, tag: int, vr: str, value: bytes) -> Entry:
        if tag == at.CHARACTER_SET:
            if value != self._plan.character_set:
                raise Unusual
            return Entry(None)
        text = charset.decode(value, self._plan.encodings, vr)
        if text is None or not is_valid_text(text, vr):
            raise Unusual
        return Entry(None, "" if charset.is_plain(value) else text)

    def _treated(self, rule: Rule, tag: int, vr: str, value: bytes) -> Entry:
        plan = self._plan
        treated = plan.treatment.treat(
            rule,
            tag,
            vr,
            value,
            encodings=plan.encodings,
            written=plan.encodings,
            scrubber=plan.scrubber,
        )
        if treated.value is None:
            return Entry(b"", counted=rule.action.value)
        text = "" if treated.text.isascii() else treated.text
        stayed = (tag, treated.text) if treated.text and not treated.is_listed else None
        return Entry(plan.element(tag, vr, treated.value), text, rule.action.value, stayed)
