"""What keeps a row of a mapping from becoming a job, and what it sends if nothing does.

Beside this, :mod:`anontui.project.checks` looks at the form of the row itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from anontui import unc
from anontui.errors import AnonTUIError, ProjectError
from anontui.idis.model import JobRequest
from anontui.project.selection import Selection
from anontui.project.source import Source, SourceKind
from anontui.unc import ShareMap

T = TypeVar("T")

NOT_SET = "NOT_SET"  # what AnonAPI writes where nobody chose a project
WADO_SOURCE = "IDC_WADO"
SHARED_PSEUDONYM = "Several sources have this pseudonym"


class Severity(StrEnum):
    """An error keeps its row (without a row: every row) from being sent; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """Something wrong in a mapping. ``row`` counts from 0; None means the whole mapping."""

    row: int | None
    column: str
    message: str
    advice: str = ""
    severity: Severity = Severity.ERROR


@dataclass(frozen=True)
class Checked:
    """A row after its check.

    ``request`` is None where an error keeps it from being made; ``data`` is the UNC folder
    that holds the files (or their selection), empty for data from a PACS.
    """

    request: JobRequest | None
    data: str
    problems: tuple[Problem, ...]


class RowChecker:
    """Checks rows one by one; what several have in common is looked up once."""

    def __init__(self, shares: ShareMap) -> None:
        self._shares = shares
        self._normalise = lru_cache(maxsize=None)(unc.normalise)
        self._look = lru_cache(maxsize=None)(self._trouble_on_disk)

    def check(self, row: int, values: Mapping[str, str]) -> Checked:
        """Check one row.

        Parameters
        ----------
        row
            Its number, for the problems.
        values
            All that holds for it (defaults, options, cells), by canonical names.
        """
        problems: list[Problem] = []

        def tried(column: str, function: Callable[..., T], *names: str) -> T | None:
            try:
                return function(*(values.get(name, "").strip() for name in names))
            except AnonTUIError as error:
                message = f"{error.message} ({error.cause})" if error.cause else error.message
                problems.append(Problem(row, column, message, error.advice))
                return None

        project = tried("project", _project, "project")
        destination = tried("destination_path", self._destination, "destination_path")
        pseudonyms = tried("pseudo_id", _pseudonyms, "pseudo_id", "pseudo_name")
        source = tried("source", self._source, "source", "root_source_path")
        where, data = source or ({}, "")
        if project is None or destination is None or pseudonyms is None or source is None:
            return Checked(None, data, tuple(problems))
        request = JobRequest(
            **where,
            project_name=project,
            destination_path=destination,
            anonymizedpatientid=pseudonyms[0],
            anonymizedpatientname=pseudonyms[1],
            description=values.get("description") or None,
            pims_keyfile_id=values.get("pims_key") or None,
        )
        return Checked(request, data, ())

    def _destination(self, text: str) -> str:
        if not text:
            raise ProjectError(
                "There is no destination", advice="Set the option 'destination_path'."
            )
        return self._whole(text, "The destination")

    def _source(self, text: str, root: str) -> tuple[dict[str, str], str]:
        """The wire's fields of a source, and the UNC folder of its files."""
        source = Source.parse(text)
        if not source.is_path:
            return _study(source), ""
        path = self._path(source.value, root)
        if trouble := self._look(source.kind, path):
            raise trouble
        is_folder = source.kind is SourceKind.FOLDER
        fields = {"source_type": "PATH", "source_path": f"{source.kind}:{path}"}
        return fields, path if is_folder else path.rpartition("\\")[0]

    def _path(self, text: str, root: str) -> str:
        """The UNC path of a path source."""
        if unc.is_unc(text):
            return self._normalise(text)
        if re.match(r"[A-Za-z]:|[\\/]", text):
            return self._whole(text, "The source")
        if not root:
            raise ProjectError(
                "The source is a relative path, and nothing says what it is relative to",
                advice="Set the option 'root_source_path'.",
            )
        return unc.join(self._whole(root, "The root_source_path"), text)

    def _whole(self, text: str, what: str) -> str:
        """A UNC path, normalised; a local one becomes what the share map knows it as."""
        if unc.is_unc(text):
            return self._normalise(text)
        local = unc.as_local(text)
        if local and (known := self._shares.to_unc(local)):
            return known
        raise ProjectError(
            f"{what} is not a UNC path, so the server cannot tell which folder is meant",
            advice=r"Write it as \\server\share\folder, or name its share: anontui paths.",
        )

    def _trouble_on_disk(self, kind: SourceKind, path: str) -> ProjectError | None:
        """What is wrong with a source where the share map knows its place; else believe it."""
        local = self._shares.to_local(path)
        if local is None:
            return None
        try:
            if kind is SourceKind.FILESELECTION:
                if not Selection.load(local).paths:
                    return ProjectError("The selection is empty", advice="Select files in it.")
            else:
                with os.scandir(local) as entries:
                    if next(entries, None) is None:
                        return ProjectError("The folder is empty", advice="Delete the row.")
        except ProjectError as error:
            return error
        except (FileNotFoundError, NotADirectoryError):
            return ProjectError("There is no such folder", advice="Correct its path.")
        except OSError:
            pass  # closed to this user is not closed to the server
        return None


def _project(text: str) -> str:
    if text in ("", NOT_SET):
        raise ProjectError("No project is chosen", advice="Set the option 'project'.")
    return text


def _pseudonyms(id_: str, name: str) -> tuple[str, str]:
    if not (id_ or name):
        raise ProjectError("There is no pseudonym", advice="Fill in pseudo_id or pseudo_name.")
    return id_ or name, name or id_


def _study(source: Source) -> dict[str, str]:
    """How a study in a PACS is named on the wire; never something that matches several."""
    is_uid = source.kind is SourceKind.STUDY_INSTANCE_UID
    if re.search(r"[*?\\]", source.value):
        raise ProjectError(
            "This source could mean several studies",
            advice=r"Write one whole number, without * ? and \.",
        )
    instance = source.value if is_uid else f"{source.kind}:{source.value}"
    return {
        "source_type": "WADO",
        "source_name": WADO_SOURCE,
        "source_instance_id": instance,
    }
