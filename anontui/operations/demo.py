"""The demo project: real DICOM, a mapping, and a server of its own."""

from __future__ import annotations

from pathlib import Path

from anontui.events import Events
from anontui.operations.workspace import Workspace

DEFAULT_FOLDER = Path("anontui-demo")


def make_demo(folder: Path) -> Events[Workspace]:
    """stub"""
    raise NotImplementedError
