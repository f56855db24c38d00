"""Study dates as people write them."""

from __future__ import annotations

import re
from calendar import monthrange

from anontui.errors import UsageError

_DATE = r"(\d{4}-\d\d-\d\d|\d{8}|\d{4}-\d\d(?!\d)|\d{6}|\d{4})"
_BETWEEN = re.compile(rf"\s*{_DATE}?\s*(?:(-|–|\.\.|to)\s*{_DATE}?)?\s*")


def days(text: str) -> tuple[str, str]:
    """Return the first and the last day (``YYYYMMDD``) that a text means; each may be empty.

    A day, a month or a year, or two of them with ``-``, ``–``, ``..`` or ``to`` between
    them, of which one may be missing: ``20240301``, ``2024-03``, ``2022-2024``,
    ``2024-03-01 – 2024-03-31``, ``2024-``. Both are included. Nothing means any day.

    Raises
    ------
    UsageError
        If there is no such day, or the last comes before the first.
    """
    if not text.strip():
        return "", ""
    found = _BETWEEN.fullmatch(text)
    if found and (found[1] or found[3]):
        first = _day(found[1] or "", last=False)
        last = _day((found[3] if found[2] else found[1]) or "", last=True)
        if first is not None and last is not None and (not first or not last or first <= last):
            return first, last
    raise UsageError(
        "These are no dates", advice="Write 2024-03-01, 2024-03, or two of them: 2022-2024."
    )


def _day(text: str, *, last: bool) -> str | None:
    """The first or last day of a year, month or day; empty for none, None if it is no day."""
    digits = text.replace("-", "")
    if not digits:
        return ""
    year, month = int(digits[:4]), int(digits[4:6] or (12 if last else 1))
    if not 1 <= month <= 12 or year < 1:
        return None
    length = monthrange(year, month)[1]
    day = int(digits[6:] or (length if last else 1))
    return f"{year:04}{month:02}{day:02}" if 1 <= day <= length else None
