"""What can go wrong with a server or a job, and what the user can do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from anontui.idis.model import Job, JobStatus

RESET: Final = "reset"
OPT_OUT: Final = "set-opt-out-ignore"
"""Actions, by the names of their commands."""

TELL_ADMIN = "Tell the server's admin."
TRY_AGAIN = "Try again in some minutes; if it stays so, tell the server's admin."
CHECK_URL = "Check the server's url."
CHECK_NETWORK = "Check the server's url and your network (is a VPN needed?)."
REFUSED = "The machine is up but the server on it is not: tell the server's admin."
PROXY = "Check the environment's proxy, or add the server's host to NO_PROXY."
SERVER_FAILED = "Something is wrong with the job itself: tell the server's admin."
NOT_A_WEB_API = "Check the server's url (its path too); if it is right, tell the server's admin."
OTHER_VERSION = "The server may be of another version: tell its admin."
CREDENTIALS = "Check user_name and user_token in the settings, or ask for a new token."
CERTIFICATE = (
    "Ask the server's admin for a certificate that this machine trusts, or set SSL_CERT_FILE "
    "to your organisation's; only if you trust the network, set validate_ssl to false."
)


@dataclass(frozen=True)
class Advice:
    """What to do about a job: a sentence, and the action at hand that does it, if there is one."""

    text: str
    action: Literal["", "reset", "set-opt-out-ignore"] = ""


JOB_ERRORS = (
    (
        r"http ?(error|status)?:? ?404\b|\b404 (client error|not found)",
        Advice(
            "The archive did not give the data. After 30 minutes or more, reset the job.", RESET
        ),
    ),
    (
        r"http ?(error|status)?:? ?400\b|\b400 (client error|bad request)",
        Advice(
            "An internal error in the archive. After some hours or days, reset the job; if "
            "that does not help, report the accession number to the archive's admin.",
            RESET,
        ),
    ),
    (
        r"could not move file(?! to the destination:)|no space left|disk quota",
        Advice("The destination share is full. Make room on it, then reset the job.", RESET),
    ),
    (
        r"could not move file to the destination",  # and why, which is not that it is full
        Advice("Check the destination's path and the rights to it, then reset the job.", RESET),
    ),
    (
        r"opt(ed|s)?[- ]?out",
        Advice(
            "The patient's data may not be used. Only with a signed consent, have the opt-out "
            "ignored for that reason, then reset the job.",
            OPT_OUT,
        ),
    ),
    (
        r"source holds no files|source cannot be read",
        Advice("Check the source's path and the rights to it, then reset the job.", RESET),
    ),
    (
        r"could not (get the data|send the files)",
        Advice(
            "An archive was away, or gave or took only a part. The server tries again by itself "
            "for some hours; after that, reset the job: what is there is not moved again.",
            RESET,
        ),
    ),
    (
        r"not available on this server yet",
        Advice("This server cannot do that. Create the job on another server."),
    ),
)
"""Advice by a pattern in the job's error, in lower case."""

REFUSALS = {
    "does not exist": "Check the job id, and that the right server is active.",
    "is not connected to": "Check the project's name, or ask the server's admin to connect you.",
    "not supplied": OTHER_VERSION,
}
"""By a part of the server's account of a refused call, in lower case."""

_STUCK = timedelta(minutes=30)


def advice_for(job: Job, *, now: datetime) -> Advice | None:
    """What to do about a job; None if nothing.

    Parameters
    ----------
    job
        The job as the server tells of it.
    now
        The current time. If it has no time zone it is compared with the job's own date as
        it stands, which the web API gives in the server's local time.
    """
    if job.status is JobStatus.UPLOADED and _is_behind(job) and _age(job, now) > _STUCK:
        return Advice(
            "Part of the data is held in quarantine, as happens with burned-in text "
            f"(ultrasound). Give the job id {job.job_id} to the server's admin."
        )
    if job.status is not JobStatus.ERROR:
        return None
    error = job.error_text.lower()
    known = (advice for pattern, advice in JOB_ERRORS if re.search(pattern, error))
    return next(known, Advice(f"Give the job id {job.job_id} to the server's admin."))


def first_of(table: dict[str, str], text: str) -> str:
    """Return the advice of the first sign in ``table`` that ``text`` holds; else empty."""
    text = text.lower()
    return next((advice for sign, advice in table.items() if sign in text), "")


def _is_behind(job: Job) -> bool:
    return (job.files_processed or 0) < (job.files_downloaded or 0)


def _age(job: Job, now: datetime) -> timedelta:
    """How long ago the job was created; nothing nearer to its upload is told."""
    try:
        created = datetime.fromisoformat(job.date or "")
    except ValueError:
        return timedelta(0)
    if (created.tzinfo is None) != (now.tzinfo is None):
        created, now = created.astimezone(), now.astimezone()
    return now - created
