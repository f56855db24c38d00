"""Text values in the character sets of PS3.3 section C.12.1.1.2."""

from __future__ import annotations

from pydicom.charset import convert_encodings, decode_bytes, python_encoding

from anontui.deid.refusal import Reason, Refused

UTF8_TERM = "ISO_IR 192"
UTF8: list[str] = convert_encodings(UTF8_TERM)
DEFAULT: list[str] = convert_encodings("")
AFFECTED_VRS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})

_ESCAPE = b"\x1b"
_PN_DELIMITERS = {0x5E, 0x3D}
_TEXT_DELIMITERS = {0x0D, 0x0A, 0x09, 0x0C}


def encodings_of(value: bytes) -> list[str]:
    """Python's codecs for a value of Specific Character Set (0008,0005).

    Raises
    ------
    Refused
        If a term is not a defined one (nor a common misspelling of one): text could then
        not be examined, and the term itself might be anything.
    """
    terms = [term.strip(" \0") for term in value.decode("latin-1").split("\\")]
    for term in terms:
        spelled = term.replace("-", " ").replace("ISO IR", "ISO_IR")
        if term not in python_encoding and spelled not in python_encoding:
            raise Refused(Reason.CHARACTER_SET)
    return convert_encodings(terms if len(terms) > 1 else terms[0])


def decode(value: bytes, encodings: list[str], vr: str) -> str | None:
    """The text of a value without padding; ``None`` if it is not text in this set."""
    if vr not in AFFECTED_VRS:
        encodings = DEFAULT
    if is_plain(value):
        return value.decode("ascii").strip(" \0")
    delimiters = {0x5C} | (_PN_DELIMITERS if vr == "PN" else _TEXT_DELIMITERS)
    try:
        text = decode_bytes(value, encodings, delimiters)
    except (UnicodeError, ValueError, LookupError):
        return None
    return None if "\N{REPLACEMENT CHARACTER}" in text else text.strip(" \0")


def is_plain(value: bytes) -> bool:
    """Whether the bytes mean the same in every character set."""
    return value.isascii() and _ESCAPE not in value
