"""Files on their way into jobs: ``incoming/`` in the server's data folder.

``incoming/jobs/<job>/<study key>/`` is what a job collected from an archive, and
``incoming/received/<project>/<study key>/`` what somebody sends us. A study that came whole
is ``<study key>.<id>``, and belongs to the job that carries that name. A study's key is a
hash of its UID, so that no name in here tells whose it is.

What is where says how far it is, whatever crashes; nothing else is kept about it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from anontui.pacs.inbox import Inbox
from anontui.server.database import Database, Row
from anontui.server.items import Found
from anontui.server.places import safe_name

RECEIVED = "received"
"""The source name of jobs whose files were sent to us; nobody else may give it."""
RECEIVER = "anontui-receiver"
"""The user of these jobs, who has no token."""
_CLOSED = re.compile(r"[0-9a-f]{32}\.[0-9a-f]{8}")
_OPEN = re.compile(r"[0-9a-f]{32}")
_GONE = ".gone"


def is_received(job: Row) -> bool:
    """Whether a job's files were sent to us."""
    return job.get("source_type") == "WADO" and job.get("source_name") == RECEIVED


def study_key(study: str) -> str:
    """What names a study's folder: a hash of its StudyInstanceUID."""
    return sha256(study.encode()).hexdigest()[:32]


def client_key(project: str, name: str) -> str:
    """By what the job of a closed study is known: never two for one folder."""
    return f"{safe_name(project)}/{name}"


class Incoming:
    """The folders.

    Parameters
    ----------
    data
        The server's data folder.
    """

    def __init__(self, data: Path) -> None:
        self._jobs = data / "incoming" / "jobs"
        self._received = data / "incoming" / RECEIVED

    def folder_of(self, job: Row) -> Path:
        """Where the files of a job are collected, or were received; it need not exist."""
        if not is_received(job):
            return self._jobs / str(job.get("job_id"))
        name = str(job["source_instance_id"])
        if not _CLOSED.fullmatch(name):
            name = "none"
        return self.received(str(job["project_name"])) / name

    def received(self, project: str) -> Path:
        """Where a project's studies arrive."""
        return self._received / safe_name(project)

    def open_studies(self) -> Iterator[Path]:
        """The folders of studies that may not have come whole yet."""
        yield from self._studies(_OPEN)

    def closed_studies(self) -> Iterator[Path]:
        """The folders of studies that came whole."""
        yield from self._studies(_CLOSED)

    def sweep(self, database: Database) -> None:
        """Delete what jobs collected that are done or cancelled, and received ones' that are done.

        What a failed job collected stays, so that it goes on where it stopped.
        """
        for folder in self._folders(self._jobs):
            if folder.name.endswith(_GONE):
                shutil.rmtree(folder, ignore_errors=True)
            elif folder.name.isdecimal():
                self._remove(folder, database, _OVER, json.dumps([int(folder.name)]))
        for project in self._folders(self._received):
            for folder in self._folders(project):
                if folder.name.endswith(_GONE):
                    shutil.rmtree(folder, ignore_errors=True)
                elif _CLOSED.fullmatch(folder.name):
                    key = f"{project.name}/{folder.name}"
                    self._remove(folder, database, _RECEIVED_DONE, json.dumps([RECEIVER, key]))

    def discard(self, job: Row, database: Database) -> None:
        """Delete what a job collected or received, if it is done."""
        folder = self.folder_of(job)
        if not folder.is_dir():
            return
        if is_received(job):
            key = client_key(str(job["project_name"]), folder.name)
            self._remove(folder, database, _RECEIVED_DONE, json.dumps([RECEIVER, key]))
        elif job["source_type"] == "WADO":
            self._remove(folder, database, _OVER, json.dumps([job["job_id"]]))

    def _remove(self, folder: Path, database: Database, sql: str, values: str) -> None:
        if not database.rows(sql, {"values": values}):
            return
        gone = folder.with_name(folder.name + _GONE)
        # within, so that nobody takes the job up meanwhile
        with database.transaction() as connection:
            if not connection.execute(sql, {"values": values}).fetchone():
                return
            with suppress(OSError):
                os.rename(folder, gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _studies(self, form: re.Pattern[str]) -> Iterator[Path]:
        for project in self._folders(self._received):
            yield from filter(lambda one: form.fullmatch(one.name), self._folders(project))

    @staticmethod
    def _folders(top: Path) -> list[Path]:
        try:
            with os.scandir(top) as entries:
                return sorted(
                    Path(one.path) for one in entries if one.is_dir(follow_symlinks=False)
                )
        except FileNotFoundError:
            return []


_OVER = """
    SELECT 1 FROM jobs WHERE job_id = json_extract(:values, '$[0]') AND owner IS NULL
    AND status IN ('DONE', 'INACTIVE')
"""
_RECEIVED_DONE = """
    SELECT 1 FROM jobs WHERE user_name = json_extract(:values, '$[0]')
    AND client_key = json_extract(:values, '$[1]') AND owner IS NULL AND status = 'DONE'
"""


def files_in(folder: Path) -> Iterator[Found]:
    """The instances in a folder of a study, or in the folders of several.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    inner = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
    for one in sorted(inner) or [folder]:
        for path in Inbox(one).files():
            yield Found(path, path.stat().st_size)
