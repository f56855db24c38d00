"""The record of created jobs, beside the batch: so that no job is created twice.

One line of JSON a job, on disk before anything else happens. Nothing of the request
stands there but its fingerprint, a SHA-256 of its content.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from anontui.atomic import sync_folder
from anontui.errors import ProjectError
from anontui.project import files

FILENAME = ".anonbatch-created"


def record(folder: Path, fingerprint: str, job_id: int, server_url: str) -> None:
    """Add a created job; it is on disk when this returns. See :func:`record_all`."""
    record_all(folder, {fingerprint: job_id}, server_url)


def record_all(folder: Path, jobs: Mapping[str, int], server_url: str) -> None:
    """Add created jobs, by their fingerprints; they are on disk when this returns.

    Raises
    ------
    ProjectError
        If they cannot be written; the message tells the jobs' ids.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lines = "".join(
        json.dumps(
            {"server": server_url, "fingerprint": fingerprint, "job_id": job_id, "date": now}
        )
        + "\n"
        for fingerprint, job_id in jobs.items()
    )
    path = folder / FILENAME
    try:
        new = not path.exists()
        with open(path, "ab+", opener=_private) as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - 1, 0))
            torn = file.read(1) not in (b"", b"\n")  # by a crash in the middle of a line
            file.write((b"\n" if torn else b"") + lines.encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync_folder(folder)
    except OSError as error:
        ids = ", ".join(map(str, jobs.values()))
        raise ProjectError(
            f"Job {ids} was created, but that cannot be recorded in {FILENAME}",
            advice=f"Note the number {ids}, and make the folder writable before you go on.",
            cause=files.reason(error),
        ) from None


def read(folder: Path) -> dict[tuple[str, str], int]:
    """Return the job of each (server's url, fingerprint); lines torn by a crash are left out.

    Raises
    ------
    ProjectError
        If there is a record that cannot be read.
    """
    path = folder / FILENAME
    if not path.exists():
        return {}
    found: dict[tuple[str, str], int] = {}
    for line in files.read_bytes(path, "record of created jobs").splitlines():
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        match entry:
            case {"server": str(server), "fingerprint": str(fingerprint), "job_id": int(job_id)}:
                found[server, fingerprint] = job_id
    return found


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
