"""The projects' policies: ``projects/<name>/policy.yml`` in the server's data folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from anontui.server.places import safe_name

if TYPE_CHECKING:
    from anontui.deid import Policy


class Policies:
    """Reads the policy of a project anew for each job, so that a change holds from the next on.

    Parameters
    ----------
    folder
        Where the projects are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, project: str) -> Path:
        """Where the policy of a project is, if it has one of its own."""
        return self._folder / safe_name(project) / "policy.yml"

    def of(self, project: str) -> Policy:
        """The policy of a project; the basic profile without options if it has none.

        Raises
        ------
        DeidError
            If its file is wrong; it names the file and the line.
        """
        from anontui.deid import Policy
        from anontui.deid.readers.policyfile import read_policy

        path = self.path(project)
        return read_policy(path) if path.exists() else Policy.basic()

    def check(self, projects: Iterable[str]) -> None:
        """Read the policies of these projects.

        Raises
        ------
        DeidError
            For the first that is wrong.
        """
        for project in projects:
            if self.path(project).exists():
                self.of(project)
