"""The built-in server for a project: started, told of the folder, and made the active one."""

from __future__ import annotations

import getpass
import os
import re
from pathlib import Path

from anontui.operations import builtin
from anontui.operations.workspace import Workspace

SERVER_NAME = "built-in"


def data_folder(workspace: Workspace) -> Path:
    """Where the built-in server keeps its data: as set, else in the user's data folder."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return workspace.settings.built_in or Path(base) / "anontui" / "server"


def is_on(workspace: Workspace) -> bool:
    """True if the built-in server of these settings runs."""
    return builtin.state(data_folder(workspace)).running


def switch_on(workspace: Workspace) -> Workspace:
    r"""Start the built-in server for this folder, and make it the active one.

    The folder becomes a share of the server, ``\\anontui\<name of the folder>``, unless it
    lies in one already. User and token are made once.

    Returns
    -------
    Workspace
        The folder with the settings as they were saved.

    Raises
    ------
    CannotStart
        If the server does not come up.
    SettingsError
        If the settings cannot be saved.
    """
    data, settings = data_folder(workspace), workspace.settings
    shares = builtin.shares(data)
    if not any(workspace.folder.is_relative_to(local) for local in shares.values()):
        shares = {**shares, _new_share(workspace.folder.name, shares): workspace.folder}
    server = builtin.start(data, shares)
    known = next((one for one in settings.servers if one.url == server.url), None)
    name = known.name if known else SERVER_NAME
    changed = settings.replace(built_in=data).with_server(name, server.url).activated(name)
    if known is None:
        user, token = settings.user_name or getpass.getuser(), settings.user_token
        if token:  # there is one for all servers, and the others must go on knowing it
            builtin.accept_token(data, user, token)
        else:
            token = builtin.new_token(data, user)
        changed = changed.replace(user_name=user, user_token=token)
    changed.save()
    return workspace.with_settings(changed)


def switch_off(workspace: Workspace) -> None:
    """Stop the built-in server; a job that runs goes on when it is started again.

    Raises
    ------
    CannotStart
        If it does not stop.
    """
    builtin.stop(data_folder(workspace))


def _new_share(name: str, taken: dict[str, Path]) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "project"
    share, number = rf"\\anontui\{slug}", 2
    while share in taken:
        share, number = rf"\\anontui\{slug}-{number}", number + 1
    return share
