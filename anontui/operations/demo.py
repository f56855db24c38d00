"""The demo project: real DICOM of invented patients, a mapping, and a server of its own."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator
from pathlib import Path

from anontui.errors import ProjectError
from anontui.events import (
    Events,
    Progress,
    Result,
    Warning,  # noqa: A004 - the word of the field
    result_of,
)
from anontui.operations import builtin
from anontui.operations.demo_data import write_demo_data
from anontui.operations.selecting import select_folders
from anontui.operations.workspace import Workspace
from anontui.project.editor import MappingEditor
from anontui.project.mapping import Mapping
from anontui.settings import Settings, load

DEFAULT_FOLDER = Path("anontui-demo")
PROJECT = "Wetenschap-Algemeen"
SERVER_NAME = "demo"
USER_NAME = "demo"

DESCRIPTION = """\
A demo: nobody in it exists. Patients 5 and 6 are left for you to add."""

# Patients 1 to 4; the folder with other files among its DICOM is sent by a selection.
_SELECTED = "patient2/study1"
_ROWS = (
    ("folder:patient1/study1", "LUNG-001", "baseline"),
    (f"fileselection:{_SELECTED}/fileselection.txt", "LUNG-002", "spine, without the notes"),
    ("folder:patient3/study1_fixed", "LUNG-003", "PET/CT"),
    ("folder:patient4/study1", "LUNG-004", "perfusion"),
)
_MARK = "Made by 'anontui demo'. Delete the whole folder to be rid of it.\n"


def server_folder(folder: Path) -> Path:
    """Where the demo in ``folder`` has the data of its server."""
    return Path(os.path.abspath(folder)) / ".anontui" / "server"


def make_demo(folder: Path) -> Events[Workspace]:
    """Make the demo project in ``folder``, or open the one that is there; start its server.

    An existing demo keeps all that the user changed in it. One whose making was cut short
    is completed.

    Raises
    ------
    ProjectError
        If the folder holds something else, or cannot be written.
    CannotStart
        If the server does not start.
    """
    folder = Path(os.path.abspath(folder))
    own = folder / ".anontui"
    try:
        if not (own / "demo.txt").exists():
            if folder.exists() and any(folder.iterdir()):
                raise ProjectError(
                    f"The folder {folder} is not empty, and not a demo",
                    advice="Name a folder that does not exist yet: anontui demo FOLDER",
                )
            own.mkdir(mode=0o700, parents=True, exist_ok=True)
            (own / "demo.txt").write_text(_MARK)
        settings_path = own / "settings.yml"
        if settings_path.exists():
            workspace = _reopened(folder, load(settings_path))
        else:
            workspace = yield from _made(folder, settings_path)
    except OSError as error:
        raise ProjectError(
            f"The demo cannot be made in {folder}",
            cause=error.strerror or type(error).__name__,
            advice="Choose a folder that you can write, on a disk with 50 MB free.",
        ) from error
    yield Result(workspace)


def _made(folder: Path, settings_path: Path) -> Generator[Progress | Warning, None, Workspace]:
    """Make what is missing; the settings come last, and tell that the demo is whole."""
    own, data = folder / ".anontui", folder / "data"
    if not data.exists():
        part = own / "data.part"
        shutil.rmtree(part, ignore_errors=True)
        for event in write_demo_data(part):
            if not isinstance(event, Result):
                yield event
        part.rename(data)
    (folder / "anonymized").mkdir(exist_ok=True)
    share = rf"\\anontui\{_slug(folder.name)}"
    server = builtin.start(server_folder(folder), {share: folder}, [PROJECT])
    settings = Settings(
        path=settings_path,
        user_name=USER_NAME,
        user_token=builtin.new_token(server_folder(folder), USER_NAME),
        built_in=server_folder(folder),
    ).with_server(SERVER_NAME, server.url)
    workspace = Workspace(folder, settings.activated(SERVER_NAME))
    _write_mapping(workspace, share)
    workspace.settings.save()
    return workspace


def _reopened(folder: Path, settings: Settings) -> Workspace:
    """Start the server of a demo that may have been moved, or whose port was taken."""
    data = server_folder(folder)
    server = builtin.start(data, dict.fromkeys(builtin.shares(data), folder))
    changed = settings.replace(built_in=data)
    if any(known.name == SERVER_NAME for known in settings.servers):
        changed = changed.with_server(SERVER_NAME, server.url)
    if changed != settings:
        changed.save()
    return Workspace(folder, changed)


def _write_mapping(workspace: Workspace, share: str) -> None:
    result_of(select_folders(workspace, [workspace.folder / "data" / _SELECTED]))
    mapping = Mapping.new(
        description=DESCRIPTION,
        options={
            "root_source_path": rf"{share}\data",
            "project": PROJECT,
            "destination_path": rf"{share}\anonymized",
        },
    )
    editor = MappingEditor(mapping, workspace.mapping_path)
    names = ("source", "pseudo_id", "description")
    editor.insert_rows(0, [dict(zip(names, row, strict=True)) for row in _ROWS])
    editor.save(overwrite=True)


def _slug(name: str) -> str:
    """A share's name out of a folder's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "demo"
