"""The standard's own rules: Table E.1-1 with its options, and what it does not name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache

from anontui.deid.rules import tables
from anontui.deid.rules.actions import Action, Rule
from anontui.deid.rules.options import Option

PATIENT_NAME = 0x00100010
PATIENT_ID = 0x00100020
_AGES = frozenset({0x00101010, 0x0072005F})

_BASIC = {
    "X": Action.DELETE,
    "Z": Action.EMPTY,
    "D": Action.REPLACE,
    "U": Action.REPLACE_UID,
    "X/Z": Action.DELETE_OR_EMPTY,
    "X/D": Action.DELETE_OR_REPLACE,
    "Z/D": Action.EMPTY_OR_REPLACE,
    "X/Z/D": Action.DELETE_OR_EMPTY_OR_REPLACE,
    "X/Z/U*": Action.DELETE_OR_EMPTY_OR_REPLACE_UID,
}

# Attributes that the table does not name although they name a person, an order, a date in
# another calendar, or another instance. Identity first: these are treated like their kin.
_BESIDE_THE_TABLE = {
    0x00081167: "U",  # Multi-frame Source SOP Instance UID
    0x00083012: "U",  # Radiopharmaceutical Administration Event UID
    0x00100033: "X",  # Patient's Birth Date in Alternative Calendar
    0x00100034: "X",  # Patient's Death Date in Alternative Calendar
    0x00102295: "X",  # Breed Registration Number
    0x00120063: "X",  # De-identification Method, of an earlier time
    0x00120064: "X",  # and its codes
    0x0018991E: "U",  # Target Frame of Reference UID
    0x00181803: "X",  # NTP Source Address
    0x00200242: "U",  # SOP Instance UID of Concatenation Source
    0x00209312: "U",  # Volume Frame of Reference UID
    0x00209313: "U",  # Table Frame of Reference UID
    0x00280304: "U",  # Referenced Color Palette Instance UID
    0x00400400: "X",  # Comments on the Scheduled Procedure Step
    0x0040E001: "X",  # HL7 Instance Identifier
    0x00440102: "U",  # Assertion UID
    0x00440108: "U",  # Referenced Assertion UID
    0x00687004: "U",  # Model Group UID
    0x0070031B: "U",  # Referenced Fiducial UID
    0x00701209: "U",  # Volumetric Presentation Input Set UID
    0x0072007F: "U",  # Selector UI Value
    0x0074100C: "X",  # Contact Display Name
    0x300A0675: "U",  # Equipment Frame of Reference UID
    0x4010101A: "X",  # Boarding Pass ID
    0x40101051: "X",  # Itinerary ID
}
# The same by VR: what tells a person, a moment or a network address is not kept unnamed...
_DATE_VRS = frozenset({"DA", "TM", "DT"})
_TELLING_VRS = frozenset({"PN", "UR"}) | _DATE_VRS
_TELLING_NOTHING = frozenset({0x0008010E, 0x00080120})  # ...except two URLs of coding schemes
# Old order numbers and identifiers hide among the retired texts, and second images among the
# retired bytes, which nothing reads any more.
_RETIRED_VRS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT", "OB", "OW", "OB or OW"})


def standard_rules(options: Collection[Option]) -> dict[int, Rule]:
    """Tag to rule for every attribute that the standard or its kin names.

    Where several options speak of an attribute, retaining goes before cleaning; but no date
    stays as it is among shifted ones.
    """
    rules = {
        tag: Rule(_BASIC[code], f"like E.1-1 {code}") for tag, code in _BESIDE_THE_TABLE.items()
    }
    for tag, row in tables.profile_rows().items():
        rules[tag] = Rule(_BASIC[row["basicProfile"]], f"E.1-1 {row['basicProfile']}")
        said = {row[option.column]: option for option in options if row.get(option.column)}
        known = tables.attribute(tag)
        is_date = known is not None and known.vr in _DATE_VRS
        if is_date and Option.RETAIN_MODIFIED_DATES in said.values():
            # a device's own date, kept, would tell how far the others are shifted
            said = {"C": Option.RETAIN_MODIFIED_DATES}
        for code in ("K", "C"):
            if code in said:
                basic, because = rules[tag], f"option {said[code]}: {code}"
                action = _kept(tag, code, said[code])
                is_clean = action is Action.CLEAN
                rules[tag] = cleaned(basic, because) if is_clean else Rule(action, because)
                break
    if Option.RETAIN_UIDS in options:
        kin = Rule(Action.KEEP, f"option {Option.RETAIN_UIDS}")
        rules |= {tag: kin for tag, code in _BESIDE_THE_TABLE.items() if code == "U"}
    rules[PATIENT_NAME] = rules[PATIENT_ID] = Rule(Action.PSEUDONYM, "the pseudonym")
    return rules


def cleaned(basic: Rule | None, because: str) -> Rule:
    """The rule that cleans an attribute; what may not stay is treated as the table says."""
    taking = basic is not None and basic.action not in (Action.KEEP, Action.CLEAN)
    otherwise = basic.action if basic is not None and taking else Action.DELETE
    if basic is not None and basic.action is Action.CLEAN:
        otherwise = basic.otherwise
    return Rule(Action.CLEAN, because, otherwise=otherwise)


def _kept(tag: int, code: str, option: Option) -> Action:
    """What ``K`` (keep) or ``C`` (clean) means for an attribute."""
    if tag in _AGES:
        return Action.LIMIT_AGE
    if code == "K":
        return Action.KEEP
    known = tables.attribute(tag)
    if option is Option.RETAIN_MODIFIED_DATES and known and known.vr in _DATE_VRS:
        return Action.SHIFT_DATE
    return Action.KEEP if known and known.vr == "SQ" else Action.CLEAN  # its items are cleaned


def unlisted(tag: int, options: Collection[Option]) -> Rule:
    """What happens to an attribute that neither the table nor a rule names."""
    known = tables.attribute(tag)
    if known is None:
        return Rule(Action.DELETE_UNKNOWN, "not in the data dictionary")
    if known.vr in _DATE_VRS and Option.RETAIN_FULL_DATES in options:
        return Rule(Action.KEEP, f"option {Option.RETAIN_FULL_DATES}")
    if known.vr in _DATE_VRS and Option.RETAIN_MODIFIED_DATES in options:
        return Rule(Action.SHIFT_DATE, f"option {Option.RETAIN_MODIFIED_DATES}")
    if known.vr in _TELLING_VRS and tag not in _TELLING_NOTHING:
        return Rule(Action.DELETE, f"not in E.1-1, and of VR {known.vr}")
    if known.retired and known.vr in _RETIRED_VRS:
        return Rule(Action.DELETE, "not in E.1-1, retired")
    return Rule(Action.KEEP, "no rule names it")


@cache
def safe_private() -> dict[tuple[int, int, str], str]:
    """Group, last two digits of the element, and creator, to VR (Table E.3.10-1)."""
    return dict(_safe_private())


def _safe_private() -> Iterator[tuple[tuple[int, int, str], str]]:
    for row in tables.safe_private_rows():
        group, element = row["tag"].strip("()").split(",")
        yield (int(group, 16), int(element[2:], 16), row["creator"]), row["vr"]
