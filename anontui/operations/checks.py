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
from pathlib import Path
from typing import ParamSpec, TypeVar

from anontui import unc
from anontui.errors import AnonTUIError, ProjectError
from anontui.idis.model import JobRequest
from anontui.project.selection import Selection
from anontui.project.source import Source, SourceKind
from anontui.unc import ShareMap

P = ParamSpec("P")
T = TypeVar("T")

NOT_SET = "NOT_SET"  # what AnonAPI writes where nobody chose a project
WADO_SOURCE = "IDC_WADO"


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


@dataclass(frozen=True)
class _Found:
    """What the disk told of a path source."""

    data: str
    error: AnonTUIError | None = None


class RowChecker:
    """Checks rows one by one; what several have in common is looked up once."""

    def __init__(self, shares: ShareMap) -> None:
        self._shares = shares
        self._normalise = lru_cache(maxsize=None)(unc.normalise)
        self._look = lru_cache(maxsize=None)(self._look_on_disk)

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

        def tried(column: str, function: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T | None:
            try:
                return function(*args, **kw)
            except AnonTUIError as error:
                message = f"{error.message} ({error.cause})" if error.cause else error.message
                problems.append(Problem(row, column, message, error.advice))
                return None

        def value(name: str) -> str:
            return values.get(name, "").strip()

        project = tried("project", _project, value("project"))
        destination = tried("destination_path", self._destination, value("destination_path"))
        pseudo_id = tried("pseudo_id", _pseudonym, value("pseudo_id") or value("pseudo_name"))
        pseudo_name = tried("pseudo_name", _pseudonym, value("pseudo_name") or value("pseudo_id"))
        source = tried("source", Source.parse, value("source"))
        found = _Found("")
        if source is None:
            where = None
        elif source.is_path:
            path = tried("source", self._path, source.value, value("root_source_path"))
            if path is not None:
                found = self._look(source.kind, path)
                if found.error:
                    problems.append(Problem(row, "source", found.error.message, found.error.advice))
            where = {"source_type": "PATH", "source_path": f"{source.kind}:{path}"}
        else:
            where = tried("source", _study, source)
        if not (value("pseudo_id") or value("pseudo_name")):
            problems = [problem for problem in problems if problem.column != "pseudo_name"]
        if problems:
            return Checked(None, found.data, tuple(problems))
        assert project and destination and where  # noqa: S101 - each absence is a problem
        request = JobRequest(
            **where,
            project_name=project,
            destination_path=destination,
            anonymizedpatientname=pseudo_name,
            anonymizedpatientid=pseudo_id,
            description=value("description") or None,
            pims_keyfile_id=value("pims_key") or None,
        )
        return Checked(request, found.data, ())

    def _destination(self, text: str) -> str:
        if not text:
            raise ProjectError(
                "There is no destination", advice="Set the option 'destination_path'."
            )
        return self._whole(text, "The destination")

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
        """A UNC path, normalised; for a local one, the advice tells its UNC path if known."""
        if unc.is_unc(text):
            return self._normalise(text)
        known = self._shares.to_unc(Path(text)) if os.path.isabs(text) else None
        raise ProjectError(
            f"{what} is not a UNC path, so the server cannot tell which folder is meant",
            advice=f"Write {known}" if known else r"Write it as \\server\share\folder.",
        )

    def _look_on_disk(self, kind: SourceKind, path: str) -> _Found:
        """Look at a source where the share map knows its place, else believe it."""
        is_selection = kind is SourceKind.FILESELECTION
        folder = path.rpartition("\\")[0] if is_selection else path
        local = self._shares.to_local(path)
        if local is None:
            return _Found(folder)
        try:
            if is_selection:
                if not Selection.load(local).paths:
                    raise ProjectError("The selection is empty", advice="Select files in it.")
            else:
                with os.scandir(local) as entries:
                    if next(entries, None) is None:
                        raise ProjectError("The folder is empty", advice="Delete the row.")
        except ProjectError as error:
            return _Found(folder, error)
        except (FileNotFoundError, NotADirectoryError):
            return _Found(
                folder, ProjectError("There is no such folder", advice="Correct its path.")
            )
        except OSError:
            pass  # closed to this user is not closed to the server
        return _Found(folder)


def _project(text: str) -> str:
    if text in ("", NOT_SET):
        raise ProjectError("No project is chosen", advice="Set the option 'project'.")
    return text


def _pseudonym(text: str) -> str:
    if not text:
        raise ProjectError("There is no pseudonym", advice="Fill in pseudo_id or pseudo_name.")
    return text


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
