"""Looking at settings and projects before anybody depends on them."""

from __future__ import annotations

from collections.abc import Iterator

from anontui.errors import AnonTUIError, CannotStart, SettingsError
from anontui.server.exposure import Exposure
from anontui.server.folder import DataFolder
from anontui.server.projects import Projects


def check(projects: Projects) -> None:
    """Refuse projects that are wrong.

    Raises
    ------
    SettingsError
        For the first; it names file and line, and says how many there are.
    """
    problems = list(projects.problems())
    if problems:
        first, more = problems[0], len(problems) - 1
        raise SettingsError(
            first.message,
            cause=first.cause,
            advice=first.advice + (f" There are {more} more: anontui serve check." * bool(more)),
        )


def problems(folder: DataFolder) -> Iterator[AnonTUIError]:
    """Yield everything that is wrong with a data folder's settings and projects."""
    config = folder.config
    try:
        settings = config.current()
        Exposure.of(settings)
    except (SettingsError, CannotStart) as error:
        yield error
        return
    for unc, local in settings.shares.pairs:
        if not local.is_dir():
            yield SettingsError(
                f"The folder {local} of the share {unc} is not there",
                advice="Mount it, or correct server.yml.",
            )
    yield from Projects(folder.projects, config, folder.path).problems()
