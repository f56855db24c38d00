"""From where to where a job's files go: folders of shares, archives, what was received."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from anontui.pacs.node import Node
from anontui.server.database import Row
from anontui.server.incoming import is_received
from anontui.server.places import Places, SourcePlace, refused
from anontui.server.projects import Projects

FIRST = ("", "IDC_WADO")
"""Source names that mean the project's first archive; the second is that of IDIS."""
ACCESSION = "accession_number:"
_LETTER = r"[^*?\\\x00-\x1f\x7f]"  # wildcards would bring the whole archive
_WANTED = re.compile(rf"[0-9.]{{1,64}}|{ACCESSION}(?! *$){_LETTER}{{1,64}}")


@dataclass(frozen=True)
class Route:
    """The way of a job's files.

    Parameters
    ----------
    root
        The folder that holds the sources, once they are collected.
    places
        What the project may read and write on shares.
    source
        Of a job over a share: its place.
    archive
        Of a job from an archive: which; None if the project has none.
    destination
        Of a job to a share: the folder.
    target
        Of a job to an archive: which.
    """

    root: Path
    places: Places
    source: SourcePlace | None = None
    archive: Node | None = None
    destination: Path | None = None
    target: Node | None = None


def route_of(job: Row, projects: Projects) -> Route:
    """Look where a job's files come from and go, by what its project allows now.

    Raises
    ------
    CallRefused
        If something of it may not be, or is not there; the text fits the job's error, too.
    SettingsError
        If there is no such project, or a file of the settings is wrong.
    """
    name = str(job["project_name"])
    project, places = projects.of(name), projects.places(name)
    target = destination = None
    written = str(job["destination_path"])
    if job["destination_type"] == "NODE":
        target = _node(projects, written, project.targets)
        if target is None:
            raise refused("destination_path", f"Project {name} delivers to no such node")
    else:
        destination = places.destination(written)
    if job["source_type"] == "PATH":
        read = str(job["source_path"])
        source = places.source(read) if target else places.pair(read, written)[0]
        return Route(source.folder, places, source, None, destination, target)
    root = projects.incoming.folder_of(job)
    if is_received(job):
        return Route(root, places, None, None, destination, target)
    if not _WANTED.fullmatch(str(job["source_instance_id"])):
        raise refused(
            "source_instance_id",
            f"source_instance_id is neither a StudyInstanceUID nor {ACCESSION} and a number",
        )
    chosen = str(job["source_name"] or "")
    if chosen in FIRST:
        chosen = next(iter(project.archives), "")
    archive = _node(projects, chosen, project.archives)
    if chosen and archive is None:
        raise refused("source_name", f"Project {name} has no such archive")
    return Route(root, places, None, archive, destination, target)


def _node(projects: Projects, name: str, allowed: tuple[str, ...]) -> Node | None:
    return projects.nodes.current().get(name) if name in allowed else None
