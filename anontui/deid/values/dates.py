"""Dates and times moved by one offset a patient (PS3.15 section E.3.6; PS3.5 section 6.2)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

_LONGEST = 3650  # days; about ten years into the past
_DAY = 24 * 60 * 60
_DA = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_TM = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(\.\d{1,6})?)?)?", re.ASCII)
_DT = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(\d\d(?:\d\d(?:\d\d(?:\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?",
    re.ASCII,
)


class Offset(NamedTuple):
    """How far a patient's dates move: whole days, and seconds of the day (0 to 86,399)."""

    days: int
    seconds: int = 0


def offset_of(key: bytes, patient_id: str, *, shift_time: bool) -> Offset:
    """The offset of a patient: 1 to 3,650 days back, the same wherever the key is."""
    digest = hmac.digest(key, b"date\0" + patient_id.encode("utf-8", "surrogateescape"), "sha256")
    days = 1 + int.from_bytes(digest[:8], "big") % _LONGEST
    seconds = int.from_bytes(digest[8:16], "big") % _DAY if shift_time else 0
    return Offset(-days, seconds)


def shifted(text: str, vr: str, offset: Offset, time_of_day: str = "") -> str | None:
    """A value of VR DA, TM or DT moved; several values and ranges each in their place.

    Parameters
    ----------
    text
        The value, without padding.
    vr
        ``DA``, ``TM`` or ``DT``.
    offset
        How far.
    time_of_day
        For a DA, the TM that belongs to it: together they cross midnight.

    Returns
    -------
    str or None
        ``None`` if the value, or one of several, is malformed. An empty one stays empty.
    """
    move: Callable[[str], str | None]
    if vr == "DA":
        carry = _carry(time_of_day, offset)
        move = lambda one: _date(one, offset.days + carry)  # noqa: E731 - one of three
    elif vr == "TM":
        move = lambda one: _time(one, offset.seconds)  # noqa: E731 - where it is used
    else:
        move = lambda one: _datetime(one, offset)  # noqa: E731 - where it is used
    values = [_range(one.strip(), vr, move) for one in text.split("\\")]
    known = [one for one in values if one is not None]
    return "\\".join(known) if len(known) == len(values) else None


def _range(text: str, vr: str, move: Callable[[str], str | None]) -> str | None:
    if not text:
        return ""
    whole = move(text)
    if whole is not None or "-" not in text:
        return whole
    ends = text.split("-")
    if len(ends) != 2 or not any(ends):
        return None
    moved = [move(end.strip()) if end.strip() else "" for end in ends]
    return None if None in moved else "-".join(end or "" for end in moved)


def _date(text: str, days: int) -> str | None:
    found = _DA.fullmatch(text)
    if not found:
        return None
    try:
        moved = date(*map(int, found.groups())) + timedelta(days)
    except (ValueError, OverflowError):
        return None
    return f"{moved.year:04}{moved.month:02}{moved.day:02}"


def _seconds_of(text: str) -> int | None:
    found = _TM.fullmatch(text)
    if not found:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[:3])
    valid = hours < 24 and minutes < 60 and seconds <= 60  # a leap second
    return (hours * 60 + minutes) * 60 + seconds if valid else None


def _carry(time_of_day: str, offset: Offset) -> int:
    """A day more if the time that belongs to a date passes midnight."""
    if not offset.seconds:
        return 0
    seconds = _seconds_of(time_of_day.split("\\", 1)[0].strip())
    return 0 if seconds is None else (seconds + offset.seconds) // _DAY


def _time(text: str, by: int) -> str | None:
    seconds = _seconds_of(text)
    if seconds is None:
        return None
    if not by:
        return text
    moved = (seconds + by) % _DAY
    whole = f"{moved // 3600:02}{moved // 60 % 60:02}{moved % 60:02}"
    digits, _, fraction = text.partition(".")
    return whole[: len(digits)] + (f".{fraction}" if fraction else "")


def _datetime(text: str, offset: Offset) -> str | None:
    """Precision and offset from UTC stay; parts that are missing count as the first."""
    found = _DT.fullmatch(text)
    if not found:
        return None
    year, month, day, clock, zone = found.groups()
    seconds = 0 if clock is None else _seconds_of(clock)
    if seconds is None:
        return None
    try:
        moved = datetime.combine(date(int(year), int(month or 1), int(day or 1)), time())
        moved += timedelta(offset.days, seconds + (offset.seconds if clock else 0))
    except (ValueError, OverflowError):
        return None
    digits, _, fraction = (clock or "").partition(".")
    whole = f"{moved:%m%d%H%M%S}"
    precision = len(month or "") + len(day or "") + len(digits)
    fraction = f".{fraction}" if fraction else ""
    return f"{moved.year:04}{whole[:precision]}{fraction}{zone or ''}"
