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
    ("error", "advice", "action"),
    [
        ("getting data: HTTP Error 404: Not Found", "After 30 minutes", "reset"),
        ("404 Client Error: Not Found for url: https://archive", "After 30 minutes", "reset"),
        ("HTTP Error 400: Bad Request", "report the accession number", "reset"),
        ("HTTP 400", "report the accession number", "reset"),
        ("Could not move file to share", "Make room", "reset"),
        ("Could not move file to the destination: No space left on device", "Make room", "reset"),
        ("Patient has opted out", "signed consent", "set-opt-out-ignore"),
        ("patient opt-out found", "signed consent", "set-opt-out-ignore"),
        ("The source holds no files", "Check the source's path", "reset"),
        ("Not available on this server yet: PACS retrieval", "on another server", ""),
        ("Could not get the data: 3 of 5 instances came from PACS.", "tries again", "reset"),
        ("Could not send the files: PACS ended the connection.", "tries again", "reset"),
        ("HTTP Error 404: Not Found: PACS has no such study.", "After 30 minutes", "reset"),
        ("Something nobody knows", "Give the job id 77", ""),
        ("404 files were looked at", "Give the job id 77", ""),
        (" ", "Give the job id 77", ""),
        (None, "Give the job id 77", ""),
    ],
)
def test_job_in_error(error: str | None, advice: str, action: str) -> None:
    found = advice_for(job(status="ERROR", error=error), now=NOW)
    assert found and advice in found.text and found.action == action


@pytest.mark.parametrize("status", [s for s in JobStatus if s is not JobStatus.ERROR])
def test_other_jobs_need_nothing(status: JobStatus) -> None:
    assert advice_for(job(status=status, date="2024-03-01T11:59:00"), now=NOW) is None


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
    assert bool(advice and "quarantine" in advice.text and "77" in advice.text) == is_stuck


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
