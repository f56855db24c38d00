"""Answers in the shape that a real IDIS server gives, with invented content."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = {
    "404": "The API call you tried to make is not defined, here is some documentation",
    "documentation": {"overview": "some docs"},
}

CORE: dict[str, Any] = {
    "job_id": 1234,
    "date": "2019-09-04T14:12:43",
    "user_name": "z123",
    "status": "ACTIVE",
    "error": None,
    "description": "A test job",
    "project_name": "Wetenschap-Algemeen",
    "priority": 0,
    "files_downloaded": None,
    "files_processed": None,
}

EXTENDED: dict[str, Any] = CORE | {
    "destination_id": 44806,
    "destination_name": None,
    "destination_path": r"\\server\share\output",
    "destination_network": None,
    "destination_status": "BASE",
    "destination_type": "PATH",
    "source_id": 44806,
    "source_instance_id": None,
    "source_status": "NEW",
    "source_type": "PATH",
    "source_anonymizedpatientid": "01",
    "source_anonymizedpatientname": "TEST_NAME_01",
    "source_name": None,
    "source_path": r"\\server\share\data\patient1",
    # a real server answers numbers here, and leaves source_pims_keyfile_id out
    "source_protocol": 3178,
    "source_subject": 3178,
}

NO_SUCH_JOB = {"errors": {"job_id": "Job with id 447783 does not exist"}}
NOT_CONNECTED = {
    "errors": {
        "AnonymizeInputException": (
            "given user_name `z123` is not connected to given project_name testproject"
        )
    }
}
NO_JOB_ID = {"errors": {"job_id": "Required parameter job_id not supplied"}}


def core(job_id: int, /, **changes: Any) -> dict[str, Any]:
    """A job object as ``get_jobs`` holds it."""
    return CORE | {"job_id": job_id} | changes


def extended(job_id: int = 1234, /, **changes: Any) -> dict[str, Any]:
    """A job object as ``get_job`` answers it."""
    return EXTENDED | {"job_id": job_id} | changes


def keyed(*jobs: dict[str, Any]) -> dict[str, Any]:
    """Job objects by their id, as the lists answer them."""
    return {str(job["job_id"]): job for job in jobs}
