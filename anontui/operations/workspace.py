"""A project folder together with the user's settings: what every use case starts from."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from anontui.settings import Settings, load, settings_path
from anontui.unc import ShareMap

MAPPING_NAME = "anon_mapping.csv"


@dataclass(frozen=True)
class Workspace:
    """A project folder and the settings that hold in it."""

    folder: Path
    settings: Settings

    @property
    def mapping_path(self) -> Path:
        """Where the folder's mapping is, or would be."""
        return self.folder / MAPPING_NAME

    def share_map(self) -> ShareMap:
        """Which local folder is which share: the user's own, and what the built-in server shares.

        The user's own come first, so that of two equally long ones theirs wins.
        """
        if self.settings.built_in is None:
            return self.settings.shares
        from anontui.operations.builtin import shares

        return ShareMap(self.settings.shares.pairs + tuple(shares(self.settings.built_in).items()))

    def with_settings(self, settings: Settings) -> Workspace:
        """The same folder under other settings."""
        return replace(self, settings=settings)


def open_workspace(folder: Path) -> Workspace:
    """Open ``folder`` with the settings that hold in it.

    Raises
    ------
    SettingsError
        If the settings cannot be read.
    """
    folder = Path(os.path.abspath(folder))
    return Workspace(folder=folder, settings=load(settings_path(folder)))
