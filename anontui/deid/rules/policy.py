"""What happens to each attribute: the policy, compiled once, asked for every element.

The rules come from Table E.1-1 of PS3.15, its options' columns, and a user's own rules, which
overrule them. A compound code such as X/Z/D is decided by the attribute's type in the file's
IOD, or inside the sequence where it stands (PS3.15 section E.3; PS3.5 section 7.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Literal

from anontui.deid.rules import tables
from anontui.deid.rules.actions import Action, AnyRule, Choice, Rule
from anontui.deid.rules.options import BASIC_CODE, Option, check_options
from anontui.deid.rules.pixelrules import PixelRules
from anontui.deid.rules.profile import cleaned, safe_private, standard_rules, unlisted
from anontui.deid.rules.tables import Types
from anontui.deid.rules.tags import TagPattern
from anontui.deid.rules.whitelist import WhiteList
from anontui.errors import DeidError

# Which of an action's ways is taken by type: the one that takes most away and leaves the file
# valid. ``?`` is an attribute of an IOD that is not known.
_BY_TYPE = {
    Action.EMPTY: {"1": Action.REPLACE},  # "zero length, or a dummy": only the dummy is valid
    Action.EMPTY_OR_REPLACE: {
        "1": Action.REPLACE,
        "2": Action.EMPTY,
        "3": Action.EMPTY,
        "?": Action.REPLACE,
    },
    Action.DELETE_OR_EMPTY: {
        "1": Action.REPLACE,
        "2": Action.EMPTY,
        "3": Action.DELETE,
        "?": Action.EMPTY,
    },
    Action.DELETE_OR_REPLACE: {
        "1": Action.REPLACE,
        "2": Action.REPLACE,
        "3": Action.DELETE,
        "?": Action.REPLACE,
    },
    Action.DELETE_OR_EMPTY_OR_REPLACE: {
        "1": Action.REPLACE,
        "2": Action.EMPTY,
        "3": Action.DELETE,
        "?": Action.REPLACE,
    },
    # references stay, with their UIDs replaced: that is as safe, and results agree with each other
    Action.DELETE_OR_EMPTY_OR_REPLACE_UID: dict.fromkeys("123?", Action.KEEP),
}
CleanBy = Literal["remove", "scrub"]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which files are set aside for a person before anything is written.

    Each of the first is a case where removing attributes does not make a file safe.
    """

    burned_in: bool = True
    """Burned In Annotation (0028,0301) is YES, and no pixel rule blacks it out."""
    secondary_capture: bool = True
    """No pixel rule fits; the same for ultrasound."""
    ultrasound: bool = True
    encapsulated_document: bool = True
    dose_report: bool = True
    screen: bool = True
    """Image Type or Series Description say patient protocol, dose report or screen save."""
    embedded_overlay: bool = True
    """An overlay in the unused bits of the pixel data, which stay as they are."""
    identity_left: bool = True
    """A value that would be kept repeats the patient's name or an identifier."""
    patient_conflict: bool = True
    """Files of one study name different patients; the whole study is set aside."""
    required: frozenset[int] = frozenset()
    """Tags of attributes that must have a value."""
    sop_classes: frozenset[str] = frozenset()
    """If any, only instances of these SOP classes pass; others are rejected."""
    opt_out: frozenset[str] = field(default=frozenset(), repr=False)
    """Patient IDs of those who opted out; their files are rejected."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may demand."""

    file_bytes: int = 2 << 30
    inflated_bytes: int = 512 << 20
    """Of a deflated data set."""
    elements: int = 1_000_000
    """Of data elements, items and delimiters together."""
    depth: int = 64
    """Sequences inside each other; well below what Python's stack holds."""


@dataclass(frozen=True, eq=False)
class Policy:
    """What happens to each attribute, and to which files.

    Made by :meth:`build` (or :meth:`basic`). It can be pickled, so that workers obey the same.

    Parameters
    ----------
    options
        Those of PS3.15 section E.3 that are on.
    rules
        Tag to rule: the standard's.
    told
        The user's rules; the last one that fits an element wins.
    keep_private
        Whether all private elements stay, which nobody can call safe.
    white_list
        Values that cleaned attributes may have.
    clean_by
        What is done with other values of cleaned attributes: removed, or scrubbed of what
        tells an identity (names, ids, dates, addresses of the same header; what looks like one).
    shift_time
        Whether shifted dates also move in the day.
    pixel_rules
        What is blacked out, for option clean-pixel-data.
    filters, limits
        Which files are set aside.
    """

    options: frozenset[Option] = frozenset()
    rules: Mapping[int, Rule] = field(default_factory=dict, repr=False)
    told: tuple[tuple[TagPattern, AnyRule], ...] = ()
    keep_private: bool = False
    white_list: WhiteList = field(default_factory=WhiteList, repr=False)
    clean_by: CleanBy = "remove"
    shift_time: bool = False
    pixel_rules: PixelRules = field(default_factory=PixelRules, repr=False)
    filters: Filters = Filters()
    limits: Limits = Limits()

    @classmethod
    def build(
        cls,
        *,
        options: Iterable[Option] = (),
        rules: Iterable[tuple[TagPattern, AnyRule]] = (),
        white_list: WhiteList | None = None,
        clean_by: CleanBy = "remove",
        keep_private: bool = False,
        shift_time: bool = False,
        pixel_rules: PixelRules | None = None,
        filters: Filters = Filters(),
        limits: Limits = Limits(),
    ) -> Policy:
        """Compile a policy; later rules overrule earlier ones, and all of them the standard's.

        Raises
        ------
        DeidError
            If options contradict each other or cannot be had, or a rule would keep private
            elements by number, without their creator.
        """
        chosen = frozenset(options)
        check_options(chosen)
        pixel_rules = pixel_rules or PixelRules()
        if Option.CLEAN_PIXEL_DATA in chosen and not pixel_rules:
            raise DeidError(
                "Pixel data cannot be cleaned without pixel rules",
                advice="Name a file with the rectangles to black out.",
            )
        compiled = standard_rules(chosen)
        white_list = white_list or WhiteList()
        for tag in white_list.values:
            compiled[tag] = cleaned(compiled.get(tag), "white list")
        told = tuple(rules)
        for pattern, rule in told:
            _check_private(pattern, rule)
        return cls(
            chosen,
            compiled,
            told,
            keep_private,
            white_list,
            clean_by,
            shift_time,
            pixel_rules,
            filters,
            limits,
        )

    @classmethod
    def basic(cls, *, filters: Filters = Filters(), limits: Limits = Limits()) -> Policy:
        """The Basic Application Level Confidentiality Profile, without options."""
        return cls.build(filters=filters, limits=limits)

    @property
    def edition(self) -> str:
        """The editions of PS3.15 that the rules come from."""
        return tables.edition()

    def rule(self, tag: int, types: Types | None, creator: str = "") -> AnyRule:
        """What happens to an element, decided as far as its tag and place decide it.

        Parameters
        ----------
        tag
            Its tag, group in the upper 16 bits.
        types
            The types of what it stands in, see :mod:`anontui.deid.rules.tables`; ``None`` if that
            is not known. An attribute that is not listed there counts as type 3.
        creator
            Of a private element, who reserved its block; empty if nobody did.
        """
        kind = "?" if types is None else types.get(tag, "3")
        return resolve(self._undecided(tag, creator), kind)

    def _undecided(self, tag: int, creator: str) -> AnyRule:
        rule = self._told(tag, creator)
        if rule is not None and not isinstance(rule, Rule):
            return rule
        if rule is not None and rule.action is Action.CLEAN:
            return cleaned(self.rules.get(tag), rule.because)
        if rule is not None and rule.action is not Action.STANDARD:
            return rule
        return self._private(tag, creator) if tag >> 16 & 1 else self._standard(tag)

    def _told(self, tag: int, creator: str) -> AnyRule | None:
        """The last of the user's rules that fits; scripts have thousands, nearly all of one tag."""
        single, several = self._places
        place = -1 if creator else single.get(tag, -1)
        for at in several:
            if at < place:
                break
            if self.told[at][0].matches(tag, creator):
                place = at
                break
        return None if place < 0 else self.told[place][1]

    @cached_property
    def _places(self) -> tuple[dict[int, int], tuple[int, ...]]:
        """Where in :attr:`told` each single tag stands last; and the patterns, last ones first."""
        tags = [pattern.tag for pattern, _ in self.told]
        single = {tag: at for at, tag in enumerate(tags) if tag is not None}
        return single, tuple(at for at in reversed(range(len(tags))) if tags[at] is None)

    def _standard(self, tag: int) -> Rule:
        group = tag >> 16
        if not tag & 0xFFFF:
            return Rule(Action.DELETE, "group length")
        if group < 0x0008:
            return Rule(Action.DELETE, "no part of a data set")
        if group >> 8 == 0x50:
            return Rule(Action.DELETE, "E.1-1 X, curve")
        if group >> 8 == 0x60:
            return self._overlay(tag)
        return self.rules.get(tag) or unlisted(tag, self.options)

    def _private(self, tag: int, creator: str) -> Rule:
        if self.keep_private:
            return Rule(Action.KEEP, "private elements are kept")
        is_safe = (tag >> 16, tag & 0xFF, creator) in safe_private()
        if is_safe and Option.RETAIN_SAFE_PRIVATE in self.options:
            return Rule(Action.KEEP, "E.3.10-1, safe private")
        return Rule(Action.DELETE_PRIVATE, "private")

    def _overlay(self, tag: int) -> Rule:
        if Option.CLEAN_GRAPHICS not in self.options:
            # without its data (60xx,3000) an overlay is invalid, so its whole group goes
            return Rule(Action.DELETE, "E.1-1 X, overlay")
        if tag & 0xFFFF in (0x0022, 0x1500, 0x4000):  # description, label, comments
            return Rule(Action.CLEAN, f"option {Option.CLEAN_GRAPHICS}: C")
        return Rule(Action.KEEP, f"option {Option.CLEAN_GRAPHICS}: region of interest")

    @property
    def keeps_some_private(self) -> bool:
        """Whether any private element can stay, so that creators must be known."""
        return (
            self.keep_private
            or Option.RETAIN_SAFE_PRIVATE in self.options
            or any(pattern.creator for pattern, _ in self.told)
        )

    @cached_property
    def inserted(self) -> dict[int, str]:
        """Tag to text of the attributes that a user's rules make where there are none."""
        return {
            pattern.tag: rule.value
            for pattern, rule in self.told
            if isinstance(rule, Rule)
            and rule.insert
            and pattern.tag is not None
            and pattern.tag >> 16 >= 0x0008
            and not pattern.tag >> 16 & 1
            and self._undecided(pattern.tag, "") is rule
        }

    def all_rules(self) -> Iterator[Rule]:
        """Every rule that a user told, those inside choices too."""
        pending = [rule for _, rule in self.told]
        while pending:
            rule = pending.pop()
            if isinstance(rule, Choice):
                pending += [rule.then, rule.otherwise]
            else:
                yield rule

    @property
    def has_choices(self) -> bool:
        """Whether a rule looks at other attributes before it decides."""
        return any(isinstance(rule, Choice) for _, rule in self.told)

    def codes(self, *, pixels_cleaned: bool) -> list[tuple[str, str]]:
        """What a result may claim in (0012,0064): code values and meanings, of scheme DCM."""
        claimed = [
            option.code
            for option in Option
            if option in self.options and (pixels_cleaned or option is not Option.CLEAN_PIXEL_DATA)
        ]
        return [BASIC_CODE, *claimed]

    @property
    def temporal_information(self) -> str:
        """What (0028,0303) says of dates."""
        if Option.RETAIN_FULL_DATES in self.options:
            return "UNMODIFIED"
        return "MODIFIED" if Option.RETAIN_MODIFIED_DATES in self.options else "REMOVED"


@cache
def _resolved(action: Action, kind: str) -> Action:
    return _BY_TYPE.get(action, {}).get(kind, action)


def resolve(rule: AnyRule, kind: str) -> AnyRule:
    """Decide a rule by the attribute's type (1, 1C, 2, 2C, 3; ``?`` if that is not known)."""
    if isinstance(rule, Choice):
        return replace(rule, then=resolve(rule.then, kind), otherwise=resolve(rule.otherwise, kind))
    if rule.told and rule.action is Action.EMPTY:
        return rule
    if rule.action is Action.CLEAN:
        return replace(rule, otherwise=_resolved(rule.otherwise, kind[0]))
    action = _resolved(rule.action, kind[0])
    if action is rule.action:
        return rule
    return replace(rule, action=action, because=f"{rule.because}, type {kind}")


def _check_private(pattern: TagPattern, rule: AnyRule) -> None:
    if not pattern.value >> 16 & 1 or pattern.creator:
        return
    if isinstance(rule, Rule) and rule.action in (
        Action.DELETE,
        Action.EMPTY,
        Action.REPLACE,
        Action.FUNCTION,
    ):
        return
    raise DeidError(
        "A rule keeps a private element by its number, without its creator",
        advice='Name the creator, as in (0029,"SIEMENS CSA HEADER",10).',
    )
