"""Templates of pseudonyms: a text with the place of a number."""

from __future__ import annotations

import re

from anontui.errors import UsageError

DEFAULT_TEMPLATE = "{site}-{n:06d}"
_NUMBER = re.compile(r"\{n(?::0?([1-9][0-9]?)d)?\}")
_MOST_DIGITS = 12


def check_template(template: str, site: str = "") -> str:
    """Return a template with its ``{site}`` filled in.

    Raises
    ------
    UsageError
        If it has no ``{n}`` or two, or makes no valid Patient ID.
    """
    filled = template.replace("{site}", site)
    bare = _NUMBER.sub("", filled)
    digits = int((_NUMBER.search(filled) or ["", "0"])[1] or 0)
    is_valid = len(bare) + max(digits, _MOST_DIGITS) <= 64 and bare.isprintable()
    if len(_NUMBER.findall(filled)) != 1 or re.search(r"[{}\\]", bare) or not is_valid:
        raise UsageError(
            "This is no template for pseudonyms",
            advice="Write a short text with one {n}, such as " + DEFAULT_TEMPLATE,
        )
    return filled


def is_template(pseudonym: str) -> bool:
    """True if a pseudonym is to be made of a number that is given out."""
    return _NUMBER.search(pseudonym) is not None


def numbered(template: str, number: int) -> str:
    """Return the pseudonym that a template makes of a number."""
    return _NUMBER.sub(lambda found: str(number).zfill(int(found[1] or 0)), template)
