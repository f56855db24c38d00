"""Looking at the user's settings and changing them."""

from __future__ import annotations

import secrets
import string
from pathlib import Path

from anontui import unc
from anontui.errors import UsageError
from anontui.settings import Settings, load, settings_path

TOKEN_LENGTH = 64


def facts(settings: Settings) -> dict[str, object]:
    """Everything in the settings that may be shown: all but the token."""
    return {
        "file": str(settings.path),
        "user_name": settings.user_name,
        "has_token": bool(settings.user_token),
        "validate_ssl": settings.validate_ssl,
        "active_server": settings.active_server_name,
        "servers": {server.name: server.url for server in settings.servers},
        "job_defaults": settings.job_defaults,
        "active_mapping": settings.active_mapping_file,
        "shares": {share: str(local) for share, local in settings.shares.pairs},
        "built_in": str(settings.built_in) if settings.built_in else None,
        "keys": settings.keys,
        "theme": settings.theme,
    }


def settings_file(folder: Path) -> Path:
    """Return the file of the settings that hold in ``folder``, which then exists.

    Raises
    ------
    SettingsError
        If it does not exist and cannot be made.
    """
    path = settings_path(folder)
    if not path.exists():
        load(path).save()
    return path


def with_new_token(settings: Settings) -> Settings:
    """Give the user a new token, that nobody can guess."""
    letters = string.ascii_letters + string.digits
    token = "".join(secrets.choice(letters) for _ in range(TOKEN_LENGTH))
    return settings.replace(user_token=token)


def with_defaults(settings: Settings, *, project: str, destination_path: str) -> Settings:
    """Set what jobs get where a mapping says nothing; an empty text takes the default away.

    Raises
    ------
    UsageError
        If the destination is not a UNC path.
    """
    if destination_path and not unc.is_unc(destination_path):
        raise UsageError(
            "The destination is not a UNC path, so a server cannot tell which folder is meant",
            advice=r"Write it as \\server\share\folder.",
        )
    defaults = dict(settings.job_defaults)
    for name, text in (("project", project), ("destination_path", destination_path)):
        defaults.pop(name, None)
        if text:
            defaults[name] = text
    return settings.replace(job_defaults=defaults)
