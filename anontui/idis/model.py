"""Jobs as the web API speaks of them.

The names of the fields are the wire's own. Nothing here does I/O; the client and the
server share it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from anontui.errors import UnexpectedAnswer


class JobStatus(StrEnum):
    """Where a job is in its life."""

    ACTIVE = "ACTIVE"
    UPLOADED = "UPLOADED"
    DONE = "DONE"
    ERROR = "ERROR"
    INACTIVE = "INACTIVE"

    @property
    def is_final(self) -> bool:
        """True if the server will not touch the job any more by itself."""
        return self in (JobStatus.DONE, JobStatus.ERROR, JobStatus.INACTIVE)


@dataclass(frozen=True, slots=True)
class Job:
    """One job. Core fields first; the extended ones are None in a core answer."""

    job_id: int
    date: str | None
    user_name: str | None
    status: JobStatus
    error: str | None
    description: str | None
    project_name: str | None
    priority: int | None
    files_downloaded: int | None
    files_processed: int | None
    destination_id: int | None = None
    destination_name: str | None = None
    destination_path: str | None = None
    destination_network: str | None = None
    destination_status: str | None = None
    destination_type: str | None = None
    source_id: int | None = None
    source_instance_id: str | None = None
    source_status: str | None = None
    source_type: str | None = None
    source_name: str | None = None
    source_path: str | None = None
    source_protocol: str | None = None
    source_subject: str | None = None
    source_anonymizedpatientid: str | None = None
    source_anonymizedpatientname: str | None = None
    source_pims_keyfile_id: str | None = None

    @property
    def error_text(self) -> str:
        """The error, empty where there is none (a reset job has a blank one)."""
        return (self.error or "").strip()

    def to_json(self, *, extended: bool = True) -> dict[str, Any]:
        """The job object as the web API answers it."""
        names = FIELDS if extended else CORE_FIELDS
        values = asdict(self)
        return {name: values[name] for name in names}

    @classmethod
    def from_json(cls, answer: object) -> Job:
        """Read a job object, believing nothing.

        Raises
        ------
        UnexpectedAnswer
            If ``answer`` is not an object, a core field is missing, or a field has
            another type than the web API gives it. Unknown fields are ignored.
        """
        if not isinstance(answer, Mapping):
            raise _not_a_job(f"{type(answer).__name__} instead of an object")
        missing = [name for name in CORE_FIELDS if name not in answer]
        if missing:
            raise _not_a_job(f"no {', '.join(missing)}")
        values: dict[str, Any] = {}
        for name in FIELDS:
            value = answer.get(name)
            if name == "status":
                if not isinstance(value, str) or value not in JobStatus.__members__:
                    raise _not_a_job("unknown status")
                value = JobStatus(value)
            elif name in INTEGER_FIELDS:
                value = _integer(name, value)
            elif value is not None:
                value = _text(name, value)
            values[name] = value
        if values["job_id"] is None:
            raise _not_a_job("no job_id")
        return cls(**values)


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Job))
CORE_FIELDS: tuple[str, ...] = FIELDS[:10]
INTEGER_FIELDS = frozenset(
    {"job_id", "priority", "files_downloaded", "files_processed", "destination_id", "source_id"}
)


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What ``create_job`` is asked: the form's fields, by their wire names."""

    source_type: str
    project_name: str
    destination_path: str
    source_path: str | None = None
    source_name: str | None = None
    source_instance_id: str | None = None
    source_sop_class_filter_list: str | None = None
    destination_type: str = "PATH"
    anonymizedpatientname: str | None = None
    anonymizedpatientid: str | None = None
    description: str | None = None
    pims_keyfile_id: str | None = None
    practice: str | None = None  # "True": all but deliver; servers of ours only

    def to_form(self) -> dict[str, str]:
        """The fields to send; absent ones are left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def plain(text: str) -> str:
    """Replace what a terminal would obey or cannot show; tabs and line ends stay."""
    return text if text.isprintable() else _UNSAFE.sub("\ufffd", text)


# control characters, changes of writing direction, halves of letters
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LARGEST = 2**63 - 1


def _not_a_job(reason: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        "The server's answer is not a job",
        cause=reason,
        advice="Check the server's url; if it is right, tell the server's admin.",
    )


def _integer(name: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        return value
    raise _not_a_job(f"{name} is not a number")


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        return str(value)
    raise _not_a_job(f"{name} is not text")
