"""Study dates as people write them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.errors import UsageError
from anontui.operations.dates import days

DAYS = st.dates(date(1, 1, 1))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("", "", ""),
        ("20240301", "20240301", "20240301"),
        ("2024-03-01", "20240301", "20240301"),
        ("2024-02", "20240201", "20240229"),
        ("202312", "20231201", "20231231"),
        ("2024", "20240101", "20241231"),
        ("2022-2024", "20220101", "20241231"),
        ("2024-02 - 2024", "20240201", "20241231"),
        ("20240101-20240131", "20240101", "20240131"),
        ("2024-01-30..2024-02", "20240130", "20240229"),
        (" 2023 to 2024-01 ", "20230101", "20240131"),
        ("2024-", "20240101", ""),
        ("- 2024-02", "", "20240229"),
    ],
)
def test_days(text: str, first: str, last: str) -> None:
    assert days(text) == (first, last)


@pytest.mark.parametrize(
    "text", ["-", "2024-13", "20240230", "2024 to 2022", "yesterday", "2024-2-1", "24", "0000"]
)
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        days(text)
    assert caught.value.advice


@given(DAYS, DAYS, st.sampled_from(["-", " – ", "..", " to "]))
def test_any_two_days(one: date, other: date, between: str) -> None:
    first, last = sorted((one, other))
    wanted = (f"{first:%Y%m%d}".zfill(8), f"{last:%Y%m%d}".zfill(8))
    assert days(f"{first.isoformat()}{between}{last.isoformat()}") == wanted
    assert days(between.join(wanted)) == wanted
