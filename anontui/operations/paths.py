r"""The share map: which local folder is which share, agreed to by the user and kept in settings.

What the system has mounted is proposed; nothing is taken for a share before the user agrees,
because a wrong share would be a wrong patient's folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from anontui import unc
from anontui.errors import UsageError
from anontui.operations.mounts import Mount, system_mounts
from anontui.operations.workspace import Workspace
from anontui.unc import ShareMap


class Origin(StrEnum):
    """Who says that a folder is a share."""

    SETTINGS = "settings"
    BUILT_IN = "built-in server"
    PROPOSED = "mounted, not confirmed"


@dataclass(frozen=True, slots=True)
class Share:
    """One line of the share map. ``is_sure`` is False for a proposal that is a guess."""

    unc: str
    local: str
    origin: Origin
    is_sure: bool = True


def shares(workspace: Workspace) -> list[Share]:
    """Return the whole share map, what is in force first, then the proposals."""
    own = len(workspace.settings.shares.pairs)
    found = [
        Share(share, str(local), Origin.SETTINGS if number < own else Origin.BUILT_IN)
        for number, (share, local) in enumerate(workspace.share_map().pairs)
    ]
    proposed = proposals(workspace)
    return found + [Share(m.unc, m.local, Origin.PROPOSED, m.is_sure) for m in proposed]


def proposals(workspace: Workspace) -> list[Mount]:
    """Return the system's mounts that the share map says nothing of."""
    known = {_folded(str(local)) for _, local in workspace.share_map().pairs}
    return [
        mount
        for mount in system_mounts()
        if Path(mount.local).is_absolute() and _folded(mount.local) not in known
    ]


def proposal_for(workspace: Workspace, folder: Path) -> Mount | None:
    """Return the proposal that would give a folder its UNC path, if it has none yet."""
    if unc_of(workspace, folder) is not None:
        return None
    places = (Path(os.path.abspath(folder)), Path(os.path.realpath(folder)))
    above = [
        mount
        for mount in proposals(workspace)
        if any(place.is_relative_to(mount.local) for place in places)
    ]
    return max(above, key=lambda mount: len(mount.local), default=None)


def unc_of(workspace: Workspace, path: Path) -> str | None:
    """Return the UNC path of a local path; links are followed where that helps."""
    share_map = workspace.share_map()
    return share_map.to_unc(path) or share_map.to_unc(Path(os.path.realpath(path)))


def confirm(workspace: Workspace, mounts: Iterable[Mount]) -> Workspace:
    """Take proposals into the share map and save the settings.

    Raises
    ------
    SettingsError
        If the settings cannot be saved.
    """
    pairs = [(mount.unc, Path(mount.local)) for mount in mounts]
    return _saved(workspace, [*workspace.settings.shares.pairs, *pairs])


def add(workspace: Workspace, share: str, folder: Path) -> Workspace:
    """Say that a local folder is a share; it takes the place of what was said of that folder.

    Raises
    ------
    UsageError
        If ``share`` is no UNC path.
    SettingsError
        If the settings cannot be saved.
    """
    folder = Path(os.path.abspath(folder))
    kept = [pair for pair in workspace.settings.shares.pairs if pair[1] != folder]
    return _saved(workspace, [*kept, (share, folder)])


def remove(workspace: Workspace, name: str) -> Workspace:
    """Forget a share, named by its UNC path or its local folder.

    Raises
    ------
    UsageError
        If the settings have no such share.
    SettingsError
        If the settings cannot be saved.
    """
    pairs = workspace.settings.shares.pairs
    if unc.is_unc(name):
        share = _folded(unc.normalise(name))
        kept = [pair for pair in pairs if _folded(pair[0]) != share]
    else:
        folder = Path(os.path.abspath(name))
        kept = [pair for pair in pairs if pair[1] != folder]
    if len(kept) == len(pairs):
        raise UsageError(
            f"The settings have no share {name}", advice="See them with: anontui paths"
        )
    return _saved(workspace, kept)


def _saved(workspace: Workspace, pairs: Sequence[tuple[str, Path]]) -> Workspace:
    settings = workspace.settings.replace(shares=ShareMap(tuple(dict.fromkeys(pairs))))
    settings.save()
    return workspace.with_settings(settings)


def _folded(text: str) -> str:
    return os.path.normcase(text).rstrip("\\/").casefold() or "/"
