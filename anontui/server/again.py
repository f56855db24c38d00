"""What was delivered of a patient, and where: so that it can be sent again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anontui.errors import CallRefused, SettingsError
from anontui.server.database import Database
from anontui.server.folder import DataFolder
from anontui.server.identities import Identities
from anontui.server.projects import Projects
from anontui.server.review import Review
from anontui.server.templates import is_template

_DELIVERED = """
    SELECT job_id, destination_type, destination_path, target, source_anonymizedpatientid AS patient
    FROM items JOIN jobs USING (job_id) WHERE items.status = 'done' AND project_name = :project
    AND items.study IN (SELECT value FROM json_each(:studies)) ORDER BY item_id
"""


@dataclass(frozen=True)
class Delivered:
    """A de-identified file: its job, the archive or UNC path that it is in, and its name there.

    ``path`` is where this machine finds it, if it was there a moment ago.
    """

    job_id: int
    destination: str
    name: str
    path: Path | None = None


def deliveries(
    database: Database, identities: Identities, projects: Projects, pseudonym: str
) -> Iterator[Delivered]:
    """Yield what was delivered under a pseudonym, in the order of its delivery.

    Raises
    ------
    SettingsError
        If ``server.yml`` is wrong.
    """
    studies: dict[str, list[str]] = {}
    for project, study in identities.new_studies(pseudonym):
        studies.setdefault(project, []).append(study)
    for project, new in studies.items():
        values = {"project": project, "studies": json.dumps(new)}
        for row in database.rows(_DELIVERED, values):
            given, destination = str(row["patient"]), str(row["destination_path"])
            if given != pseudonym and not is_template(given):
                continue  # the same study under another pseudonym
            path = None
            if row["destination_type"] == "PATH":
                path = _local(projects, project, destination, str(row["target"]))
            yield Delivered(int(row["job_id"] or 0), destination, str(row["target"]), path)


def delivered_files(folder: DataFolder, pseudonym: str) -> list[Path]:
    """The files on shares that were delivered under a pseudonym and are still there, each once.

    Raises
    ------
    CannotStart
        If the data folder cannot be used.
    SettingsError
        If ``server.yml`` is wrong.
    """
    projects = Projects(folder.projects, folder.config, folder.path)
    with Review.of(folder) as review:
        found = deliveries(review.database, review.identities, projects, pseudonym)
        return list(dict.fromkeys(one.path for one in found if one.path is not None))


def _local(projects: Projects, project: str, destination: str, name: str) -> Path | None:
    try:
        path = projects.places(project).destination(destination) / name
    except (CallRefused, SettingsError):  # it is no place of the project any more
        return None
    return path if path.is_file() else None
