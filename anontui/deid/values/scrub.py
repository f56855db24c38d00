"""Scrubbing: free text without what tells who the patient, the staff or the place were.

Taken out is every name, id, date and address that stands anywhere in the same header, and
whatever looks like a date, a phone number, an identifier or an address.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# identifiers: Accession Number, Patient ID, its issuer, Patient's Birth Date, Other Patient IDs,
# Medical Record Locator, Study ID, Admission ID, Requested and Scheduled Procedure (Step) ID,
# Placer and Filler Order Number, Device Serial Number, telephone numbers
_IDS = frozenset(
    {
        0x00080050, 0x00080094, 0x00100020, 0x00100021, 0x00100030, 0x00101000, 0x00101090,
        0x00102154, 0x00102155, 0x00181000, 0x00200010, 0x00380010, 0x00400009, 0x00401001,
        0x00402016, 0x00402017,
    }
)  # fmt: skip
# places: Institution Name, Address and Department, Station Name, addresses, current location,
# Issuer of Admission ID; words of theirs are searched for one by one
_PLACES = frozenset(
    {
        0x00080080, 0x00080081, 0x00080092, 0x00081010, 0x00081040, 0x00101040, 0x00102150,
        0x00102152, 0x00380011, 0x00380300, 0x00380400, 0x00400243,
    }
)  # fmt: skip
_COMMON = frozenset(
    ("the", "and", "for", "von", "van", "der", "den", "del", "of", "at", "in", "de", "la", "le")
)
_SHORTEST_WORD = 2
_SHORTEST_ID = 3
_LONGEST_PATTERN = 8192  # characters of all names and identifiers of a header

_MONTHS = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mrt|mei|okt|mai|dez|märz|"
    r"januar[iy]?|febr?uar[iy]?|march|maart|april|june|juni|july|juli|august|augustus|"
    r"september|october|oktober|november|december|dezember)"
)
_TITLES = r"(?:Dr|DR|Prof|PROF|Mr|Mrs|MRS|Ms|Mevr|Mw|Dhr|Herr|Frau|Mme|Sig|Sr|Sra|Dra)"
_STREETS = r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr)"
_LOOKS_TELLING = re.compile(
    "|".join(
        (
            r"[\w.+-]{1,64}@[\w-]+\.[\w.]+",  # mail
            r"(?:https?|ftp)://\S+|www\.\S+",
            r"(?<!\d)\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?!\d)",  # dates
            rf"(?<!\w)\d{{1,2}}\.?[ -]?{_MONTHS}\.?[ ,-]*(?:\d{{4}}|\d{{2}})?(?!\w)",
            rf"(?<!\w){_MONTHS}\.? ?\d{{1,2}}(?:st|nd|rd|th)?,? ?(?:\d{{4}})?(?!\w)",
            r"(?<!\w)\d{1,2}\.? [^\W\d_]{3,10}\.? (?:19|20)\d\d(?!\w)",  # in any language
            r"(?<!\d)\d{1,2}:\d\d(?::\d\d)?(?!\d)",  # times of day
            r"(?<!\d)(?:\+\d|\(\d|0\d)[\d ()/-]{5,20}\d",  # telephone numbers
            r"(?<!\d)\d{3}[-. ]\d{3}[-. ]\d{4}(?!\d)",
            r"(?<!\w)\d{4} ?(?-i:[A-Z]{2})(?!\w)",  # postal codes
            rf"(?<!\w)\d{{1,5}}[a-z]? [\w'.-]{{1,40}} {_STREETS}(?!\w)",
            r"(?<!\w)[\w'-]{0,40}(?:stra(?:ss|ß|at)e?|str\.|weg|laan|plein|gracht|gasse|platz)"
            r" ?\d+[a-z]?(?!\w)",
            rf"(?<!\w)(?-i:{_TITLES})(?!\w)\.?:?(?: (?-i:[A-Z])[\w'-]+){{1,3}}",
            r"(?<!\w)[\w-]{0,40}\d{5}[\w-]*",  # identifiers: five digits on end
            r"(?<!\w)(?:[a-wyz]{0,8}-?\d){6}[a-z\d-]*(?!\w)",  # or six, with letters between
        )
    ),
    re.IGNORECASE,
)
_LEFTOVER = re.compile(r"(?:^[\s.,;:/()\[\]&^=-]+)|(?:[\s.,;:/(\[&^=-]+$)|(?<=\s)[.,;:&^=]+(?=\s)")


class Scrubber:
    """Collects what tells identities in one header, then takes it out of texts."""

    def __init__(self) -> None:
        self._words: set[str] = set()
        self._ids: set[str] = set()

    @staticmethod
    def wants(tag: int, vr: str) -> bool:
        """Whether :meth:`collect` is to be told of an attribute, kept or not."""
        return vr in ("PN", "DA") or tag in _IDS or tag in _PLACES

    def collect(self, tag: int, vr: str, text: str) -> None:
        """Take in the text of an attribute that tells who or where somebody is."""
        if tag in _IDS or vr == "DA":
            parts = (part.strip() for part in text.split("\\"))
            self._ids.update(part for part in parts if len(part) >= _SHORTEST_ID)
        if tag not in _IDS and vr != "DA":
            for word in re.findall(r"[^\W_]+", text):
                if len(word) >= _SHORTEST_WORD and word.casefold() not in _COMMON:
                    self._words.update((word.lower(), _unaccented(word.lower())))

    def scrub(self, text: str) -> str:
        """The text without what tells; it may become empty."""
        if sum(map(len, self._words | self._ids)) > _LONGEST_PATTERN:
            return ""  # nobody is called that
        text = _LOOKS_TELLING.sub(" ", text)  # first: words that are known may be part of it
        finder = _finder(frozenset(self._words), frozenset(self._ids))
        if finder is not None:
            text = _LOOKS_TELLING.sub(" ", finder.sub(" ", text))
        lines = (" ".join(line.split()) for line in text.splitlines())
        kept = (_LEFTOVER.sub("", _LEFTOVER.sub("", line)) for line in lines)
        return "\n".join(line for line in kept if re.search(r"\w", line))


@lru_cache(maxsize=256)
def _finder(words: frozenset[str], ids: frozenset[str]) -> re.Pattern[str] | None:
    if not words and not ids:
        return None
    by_length = sorted({re.escape(word) for word in words | ids}, key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(by_length)})(?![^\W_])", re.IGNORECASE)


def _unaccented(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(char for char in decomposed if not unicodedata.combining(char))
