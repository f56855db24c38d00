"""What an action makes of one value: bytes in, bytes out. Both executors obey through this."""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from functools import lru_cache
from typing import NamedTuple

from pydicom.charset import encode_string

from anontui.deid.earlier import NOTHING, Earlier
from anontui.deid.pseudonym import Pseudonym
from anontui.deid.rules.actions import Action, Choice, Rule
from anontui.deid.rules.policy import Policy
from anontui.deid.rules.profile import PATIENT_ID
from anontui.deid.values import charset
from anontui.deid.values.dates import Offset, offset_of, shifted
from anontui.deid.values.dummies import dummy_value, padded
from anontui.deid.values.form import NUMBER_FORMATS, is_string
from anontui.deid.values.scrub import Scrubber
from anontui.deid.values.uids import new_uid

_AGE = re.compile(r"([0-9]{3})([DWMY])")
_OLDEST = 89  # years; above, age alone can tell who somebody is (HIPAA 164.514(b)(2)(i)(C))
_PER_YEAR = {"D": 365.2425, "W": 52.1775, "M": 12.0, "Y": 1.0}
_LENGTHS = {"SH": 16, "CS": 16, "AE": 16, "LO": 64, "PN": 64, "DS": 16, "IS": 9}
_LONGEST_SEARCHED = 2048
_LONGEST_SCRUBBED = 1 << 14
_SCRUBBED_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
DELETIONS = frozenset({Action.DELETE, Action.DELETE_PRIVATE, Action.DELETE_UNKNOWN})


class Treated(NamedTuple):
    """A value after its action.

    ``value`` is ``None`` if the element goes. ``text`` is what is left of a free text, for the
    last look and the report; empty if nothing of the original can be in the value.
    """

    value: bytes | None
    text: str = ""
    is_listed: bool = False


class Treatment:
    """What one policy does to the values of one patient.

    Parameters
    ----------
    policy, key, pseudonym
        What to do, with which secret, and who the patient becomes.
    patient_id
        Who the patient was, for the dates' offset.
    earlier
        What was given out before.
    """

    def __init__(
        self,
        policy: Policy,
        key: bytes,
        pseudonym: Pseudonym,
        patient_id: str,
        earlier: Earlier = NOTHING,
    ) -> None:
        self.policy = policy
        self.key = key
        self.pseudonym = pseudonym
        self.patient_id = patient_id
        self.uids: dict[str, str] | None = None  # original to new, while somebody asks
        self._uid_actions: dict[int, Action] = {}
        self.offset = offset_of(key, patient_id, shift_time=policy.shift_time)
        self._earlier = earlier
        if patient_id in earlier.offsets:
            self.offset = Offset(earlier.offsets[patient_id], self.offset.seconds)
        texts = [pseudonym.patient_id, pseudonym.patient_name]
        texts += [
            text for rule in policy.all_rules() for text in (rule.value, *rule.table.values())
        ]
        self.needs_utf8 = not "".join(texts).isascii()

    def is_told(self, tag: int) -> bool:
        """Whether a user's rule, not the standard, says what becomes of an attribute."""
        rule = self.policy.rule(tag, None)
        return isinstance(rule, Choice) or rule.told

    def treat(  # noqa: PLR0911 - one return an action
        self,
        rule: Rule,
        tag: int,
        vr: str,
        value: bytes,
        *,
        encodings: list[str],
        written: list[str],
        little: bool = True,
        scrubber: Scrubber | None = None,
        time_of_day: str = "",
    ) -> Treated:
        """Do what ``rule`` says; not for sequences, and not for keeping or functions.

        Parameters
        ----------
        rule
            A rule that :func:`anontui.deid.rules.policy.resolve` has decided.
        tag, vr, value
            The element; the VR is the one that the result will have.
        encodings, written
            Character sets of the value as it is, and of the result.
        little
            Byte order of binary numbers.
        scrubber
            What is known of the header, if the policy scrubs.
        time_of_day
            For a date, the text of the time that belongs to it.
        """
        match rule.action:
            case Action.EMPTY:
                return Treated(b"")
            case Action.REPLACE if vr != "UI":
                return Treated(dummy_value(tag, vr))
            case Action.REPLACE | Action.REPLACE_UID:
                return Treated(padded(self.new_uids(value), vr))
            case Action.PSEUDONYM:
                who = self.pseudonym
                name = who.patient_name if vr == "PN" else who.patient_id
                return Treated(_encoded(name, vr, written))
            case Action.REPLACE_WITH_VALUE:
                return Treated(value_of(rule.value, vr, written, little))
        text = charset.decode(value, encodings, vr)
        if rule.action is Action.CLEAN and not is_string([vr]):
            if text and self.policy.white_list.has(tag, text):
                return Treated(value, text, is_listed=True)
            rule = Rule(rule.otherwise, rule.because)
            return self.treat(rule, tag, vr, value, encodings=encodings, written=written)
        if action_deletes(rule.action) or text is None:
            return Treated(None)
        new, is_listed = self._new_text(rule, tag, vr, text, scrubber, time_of_day)
        if new is None:
            return Treated(None)
        tells = new if rule.action in (Action.CLEAN, Action.REGEXP) else ""
        if new == text and encodings is written:
            return Treated(value, tells, is_listed)
        return Treated(value_of(new, vr, written, little), tells, is_listed)

    def _new_text(
        self, rule: Rule, tag: int, vr: str, text: str, scrubber: Scrubber | None, time: str
    ) -> tuple[str | None, bool]:
        new: str | None = None
        match rule.action:
            case Action.CLEAN:
                return self._cleaned(rule, tag, vr, text, scrubber)
            case Action.REGEXP:
                if is_string([vr]) and len(text) <= _LONGEST_SEARCHED:  # else it takes for ever
                    new = _pattern(rule.find).sub(rule.value, text)
            case Action.SHIFT_DATE:
                offset = self.offset if rule.number is None else Offset(rule.number)
                kind = vr if vr in ("DA", "TM") else "DT"
                new = shifted(text, kind, offset, time) or ""  # a malformed one is emptied
            case Action.HASH:
                new = self.hashed(text, vr, rule.number)
            case Action.ROUND_AGE | Action.LIMIT_AGE:
                width = (rule.number or 5) if rule.action is Action.ROUND_AGE else 1
                new = _age(text, width)
            case Action.LOOK_UP:
                new = rule.table.get(text)
        return new, False

    def _cleaned(
        self, rule: Rule, tag: int, vr: str, text: str, scrubber: Scrubber | None
    ) -> tuple[str | None, bool]:
        values = text.split("\\") if vr in ("LO", "SH", "CS") else [text]
        if text and all(self.policy.white_list.has(tag, value) for value in values):
            return text, True
        may_scrub = self.policy.clean_by == "scrub" and vr in _SCRUBBED_VRS
        may_scrub = may_scrub and len(text) <= _LONGEST_SCRUBBED
        if may_scrub and scrubber is not None and (scrubbed := scrubber.scrub(text)):
            return scrubbed, False
        match rule.otherwise:
            case Action.EMPTY:
                return "", False
            case Action.REPLACE:
                return dummy_value(tag, vr).decode("ascii").strip(" \0"), False
        return None, False

    def new_uids(self, value: bytes) -> bytes:
        """The UIDs that stand for those in a value."""
        old = [uid.strip(" \0") for uid in value.decode("latin-1").split("\\")]
        new = [self._new_uid(uid) for uid in old]
        if self.uids is not None:
            self.uids.update(zip(old, new, strict=True))
        return "\\".join(new).encode("latin-1")

    @property
    def new_patient_id(self) -> str:
        """The Patient ID of results; empty if a rule makes it of each file's own."""
        rule = self.policy.rule(PATIENT_ID, None)
        action = rule.action if isinstance(rule, Rule) else Action.FUNCTION
        if action is Action.KEEP:
            return self.patient_id
        return self.pseudonym.patient_id if action is Action.PSEUDONYM else ""

    def new_uid_at(self, tag: int, uid: str) -> str:
        """What becomes of a UID that identifies an instance, its series or its study."""
        action = self._uid_actions.get(tag)
        if action is None:
            rule = self.policy.rule(tag, {tag: "1"})
            action = rule.action if isinstance(rule, Rule) else Action.FUNCTION
            self._uid_actions[tag] = action
        return uid if action is Action.KEEP else self._new_uid(uid)

    def _new_uid(self, uid: str) -> str:
        return self._earlier.uids.get(uid) or new_uid(self.key, uid)

    def hashed(self, text: str, vr: str, longest: int | None = None) -> str:
        """A keyed hash of a text, as the VR can hold it; empty if it cannot."""
        if not text or vr in ("AS", "DA", "DT", "TM"):
            return ""
        if vr == "UI":
            return self._new_uid(text)
        if vr == "SH" and text in self._earlier.accessions:
            return self._earlier.accessions[text]
        digest = hmac.digest(
            self.key, b"hash\0" + text.encode("utf-8", "surrogateescape"), "sha256"
        )
        most = min(longest or 32, _LENGTHS.get(vr, 32))
        if vr in ("DS", "IS"):
            return str(int.from_bytes(digest[:8], "big"))[:most]
        return digest.hex().upper()[:most]


def action_deletes(action: Action) -> bool:
    """Whether an action takes the element out, whatever it holds."""
    return action in DELETIONS


def key_id(key: bytes) -> str:
    """A name for a key by which reports tell whether it is the same; it tells nothing of it."""
    return hashlib.sha256(b"key id\0" + key).hexdigest()[:16]


def _age(text: str, width: int) -> str:
    """An age rounded, and 90 years for anybody older than 89; empty if it is malformed."""
    found = _AGE.fullmatch(text)
    if found is None:
        return ""
    number, unit = int(found[1]), found[2]
    if number / _PER_YEAR[unit] > _OLDEST + (unit != "Y"):
        return "090Y"
    rounded = min((number + width // 2) // width * width, 999)
    return f"{rounded:03}{unit}"


@lru_cache(maxsize=256)
def _pattern(find: str) -> re.Pattern[str]:
    return re.compile(find)


def _encoded(text: str, vr: str, encodings: list[str]) -> bytes:
    if text.isascii():
        return padded(text.encode("ascii"), vr)
    return padded(bytes(encode_string(text, encodings)), vr)


def value_of(text: str, vr: str, encodings: list[str], little: bool = True) -> bytes | None:
    """A text as a value of a VR; ``None`` if it is not one."""
    if is_string([vr]):
        return _encoded(text, vr, encodings)
    form = NUMBER_FORMATS.get(vr)
    if form is None:
        return None
    convert = float if vr in ("FL", "FD") else int
    try:
        numbers = [convert(part) for part in text.split("\\") if part.strip()]
        return struct.pack(f"{'<' if little else '>'}{len(numbers)}{form}", *numbers)
    except (ValueError, OverflowError, struct.error):
        return None
