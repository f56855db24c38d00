"""Each known trouble of a job leads to what the user can do about it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from anontui.idis.advice import advice_for
from anontui.idis.model import Job, JobStatus
from tests.idis.answers import core

NOW = datetime(2024, 3, 1, 12, 0)


def job(**changes: object) -> Job:
    return Job.from_json(core(77, **changes))


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("getting data: HTTP Error 404: Not Found", "reset the job after 30 minutes"),
        ("HTTP Error 400: Bad Request", "report the accession number"),
        ("Could not move file to share", "make room"),
        ("Patient has opted out", "signed consent"),
        ("patient opt-out found", "signed consent"),
        ("Something nobody knows", "Give the job id 77"),
        (" ", "Give the job id 77"),
        (None, "Give the job id 77"),
    ],
)
def test_job_in_error(error: str | None, advice: str) -> None:
    assert advice in advice_for(job(status="ERROR", error=error), now=NOW)


@pytest.mark.parametrize("status", [s for s in JobStatus if s is not JobStatus.ERROR])
def test_other_jobs_need_nothing(status: JobStatus) -> None:
    assert advice_for(job(status=status, date="2024-03-01T11:59:00"), now=NOW) == ""


@pytest.mark.parametrize(
    ("minutes", "downloaded", "processed", "is_stuck"),
    [
        (31, 1683, 1600, True),
        (31, 5, None, True),
        (29, 1683, 1600, False),
        (31, 1600, 1600, False),
        (31, None, None, False),
        (-600, 10, 0, False),
    ],
)
def test_job_that_stays_uploaded(
    minutes: int, downloaded: int | None, processed: int | None, is_stuck: bool
) -> None:
    stuck = job(
        status="UPLOADED",
        date=(NOW - timedelta(minutes=minutes)).isoformat(),
        files_downloaded=downloaded,
        files_processed=processed,
    )
    advice = advice_for(stuck, now=NOW)
    assert ("quarantine" in advice and "77" in advice) == is_stuck


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("date", "is_stuck"),
    [
        ((NOW - HOUR).isoformat(), True),
        ((NOW - HOUR).astimezone().isoformat(), True),
        ((NOW - HOUR).astimezone(timezone(14 * HOUR)).isoformat(), True),
        ((NOW - MINUTE).astimezone(timezone(-11 * HOUR)).isoformat(), False),
        ("yesterday", False),
        ("", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("now", [NOW, NOW.astimezone()])
def test_dates_with_and_without_a_zone(date: str | None, is_stuck: bool, now: datetime) -> None:
    stuck = job(status="UPLOADED", date=date, files_downloaded=2, files_processed=1)
    assert bool(advice_for(stuck, now=now)) == is_stuck
