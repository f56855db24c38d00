"""The user's settings: servers, credentials, defaults, shares, keys, theme.

One YAML file. Its first keys are those of AnonAPI's ``AnonWebAPIClientSettings.yml`` with
the same meaning, so that each program reads the other's file; ours stand beside them, and
keys that we do not know are kept.
"""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anontui import atomic
from anontui.errors import SettingsError, UsageError
from anontui.unc import ShareMap

ANONAPI_NAME = "AnonWebAPIClientSettings.yml"
_MAX_BYTES = 1 << 20
_MAX_DEPTH = 20
_PRIVATE = 0o600
_OLD_NAMES = {"project_name": "project"}


@dataclass(frozen=True)
class Server:
    """An anonymization server, by the user's own name for it."""

    name: str
    url: str


@dataclass(frozen=True)
class Settings:
    """The settings of one file; change them with the methods, then :meth:`save`.

    ``job_defaults`` are by canonical parameter name (``project``, ``destination_path``, …),
    ``keys`` from an action's id to its key, ``built_in`` is the data folder of the built-in
    server. ``extra`` holds the keys that we do not know. ``warnings`` are sentences about
    the file that the user should see; they are not saved.
    """

    path: Path
    servers: tuple[Server, ...] = ()
    active_server_name: str | None = None
    user_name: str = ""
    user_token: str = field(default="", repr=False)
    validate_ssl: bool = True
    job_defaults: dict[str, str] = field(default_factory=dict)
    active_mapping_file: str | None = None
    shares: ShareMap = field(default_factory=ShareMap)
    built_in: Path | None = None
    keys: dict[str, str] = field(default_factory=dict)
    theme: str | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    def save(self) -> None:
        """Write the settings to :attr:`path`, readable by the user alone.

        Raises
        ------
        SettingsError
            If the file or its folder cannot be written; the old file is then untouched.
        """
        import yaml

        try:
            text = yaml.dump(self._to_yaml(), Dumper=_yaml("SafeDumper"), sort_keys=False)
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            atomic.write_bytes(self.path, text.encode(), mode=_PRIVATE)
        except (OSError, UnicodeError) as error:
            raise SettingsError(
                f"The settings cannot be saved to {self.path}",
                cause=getattr(error, "strerror", "") or type(error).__name__,
                advice="Make its folder writable, or set ANONTUI_SETTINGS to another file.",
            ) from error

    @property
    def active_server(self) -> Server:
        """The server that calls go to.

        Raises
        ------
        SettingsError
            If none is active, or the active one is not among the servers.
        """
        return self._server(self.active_server_name)

    def activated(self, name: str) -> Settings:
        """Make ``name`` the active server.

        Raises
        ------
        SettingsError
            If there is no server of that name.
        """
        return replace(self, active_server_name=self._server(name).name)

    def with_server(self, name: str, url: str) -> Settings:
        """Add a server, or give the one of that name another url."""
        server = Server(name, url)
        if name in (known.name for known in self.servers):
            servers = tuple(server if known.name == name else known for known in self.servers)
        else:
            servers = (*self.servers, server)
        return replace(self, servers=servers)

    def without_server(self, name: str) -> Settings:
        """Remove a server; if it was the active one, none is.

        Raises
        ------
        SettingsError
            If there is no server of that name.
        """
        server = self._server(name)
        active = None if self.active_server_name == name else self.active_server_name
        servers = tuple(known for known in self.servers if known != server)
        return replace(self, servers=servers, active_server_name=active)

    def replace(self, **changes: Any) -> Settings:
        """Return the settings with some fields changed."""
        return replace(self, **changes)

    def _server(self, name: str | None) -> Server:
        for server in self.servers:
            if server.name == name:
                return server
        if not self.servers:
            raise SettingsError(
                f"No server is set in {self.path}",
                advice="Add one with: anontui server add NAME URL",
            )
        names = ", ".join(server.name for server in self.servers)
        message = f"No server is active in {self.path}"
        if name is not None:
            message = f"The server {name!r} is not among the servers of {self.path}"
        raise SettingsError(
            message, advice=f"Choose one of {names} with: anontui server activate NAME"
        )

    def _to_yaml(self) -> dict[str, Any]:
        theirs = {
            "servers": {server.name: server.url for server in self.servers},
            "active_server_name": self.active_server_name,
            "user_name": self.user_name,
            "user_token": self.user_token,
            "validate_ssl": self.validate_ssl,
            "job_default_parameters": [f"{k},{v}" for k, v in self.job_defaults.items()],
            "active_mapping_file": self.active_mapping_file,
        }
        ours = {
            "shares": _shares_to_yaml(self.shares),
            "built_in": str(self.built_in) if self.built_in else None,
            "keys": self.keys,
            "theme": self.theme,
        }
        return theirs | {name: value for name, value in ours.items() if value} | self.extra


def load(path: Path) -> Settings:
    """Read the settings at ``path``.

    Where there is no such file, AnonAPI's in the home folder is the start if it can be
    read, else empty settings; ``path`` is where they will be saved in any case.

    Raises
    ------
    SettingsError
        If the file cannot be read, is not YAML, or a value is of the wrong kind.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    try:
        return replace(_read(_home() / ANONAPI_NAME), path=path)
    except FileNotFoundError:
        return Settings(path)
    except SettingsError as error:
        return Settings(path, warnings=(f"AnonAPI's settings are left out: {error.sentence()}",))


def settings_path(folder: Path) -> Path:
    """Where the settings for work in ``folder`` are.

    ``$ANONTUI_SETTINGS``; else the folder's own ``.anontui/settings.yml`` if it may be
    trusted (:func:`why_ignored`); else the user's.
    """
    if chosen := os.environ.get("ANONTUI_SETTINGS"):
        return _expanded(chosen).absolute()
    own = _own_settings(folder)
    if os.path.isfile(own) and not why_ignored(folder):
        return own
    base = Path(os.environ.get("APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME", ""))
    return (base if base.is_absolute() else _home() / ".config") / "anontui" / "settings.yml"


def why_ignored(folder: Path) -> str:
    """Why the settings in ``folder`` itself are not used; empty if they are, or are absent.

    Settings that another person wrote, or can write, could send data to a server of his.
    """
    own = _own_settings(folder)
    try:
        facts = own.stat()
    except OSError:
        return ""
    if sys.platform != "win32":
        if facts.st_uid != os.getuid():
            return f"{own} is ignored, because it belongs to another user."
        if _is_open(facts):
            return f"{own} is ignored, because others can read or write it: chmod 600 it."
    return ""


def _own_settings(folder: Path) -> Path:
    return folder / ".anontui" / "settings.yml"


def _expanded(path: str) -> Path:
    return Path(os.path.expanduser(path))  # unlike Path.expanduser it never raises


def _home() -> Path:
    return _expanded("~")


def _is_open(facts: os.stat_result) -> bool:
    return bool(stat.S_IMODE(facts.st_mode) & 0o077)


def _yaml(name: str) -> Any:
    """Return PyYAML's class of this name, libyaml's fast one where there is one."""
    import yaml

    return getattr(yaml, f"C{name}", None) or getattr(yaml, name)


def _read(path: Path) -> Settings:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
            is_open = sys.platform != "win32" and _is_open(os.fstat(file.fileno()))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SettingsError(
            f"The settings file {path} cannot be read",
            cause=error.strerror or type(error).__name__,
            advice="Make it readable for you, or set ANONTUI_SETTINGS to another file.",
        ) from error
    settings = _from_bytes(path, content)
    warnings = []
    if is_open:
        warnings.append(f"Others can read {path}, which holds your token: chmod 600 it.")
    if settings.active_server_name is not None:
        try:
            settings.active_server  # noqa: B018 - asked only for its error
        except SettingsError as error:
            warnings.append(error.sentence())
    return replace(settings, warnings=tuple(warnings))


def _from_bytes(path: Path, content: bytes) -> Settings:
    if len(content) > _MAX_BYTES:
        raise _wrong(path, "it is larger than 1 MB")
    import yaml  # here, so that a start without settings does not wait for it

    loader = _yaml("SafeLoader")
    try:
        text = content.decode("utf-8-sig")
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:  # libyaml's loader would overflow the stack, and crash
                raise _wrong(path, "it is nested too deeply")
        data = yaml.load(text, Loader=loader)  # noqa: S506 - a safe one
    # Its text may quote the token, so only the line is told. PyYAML's constructors raise all
    # of these for values such as "2024-13-45" or "!!int x".
    except (yaml.YAMLError, ValueError, AttributeError, LookupError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise _wrong(path, f"it is not YAML{where}") from None
    return _from_yaml(path, dict(_named(path, "the file", data)))


def _from_yaml(path: Path, extra: dict[str, Any]) -> Settings:
    """Take what we know out of ``extra``, the content of the file at ``path``."""

    def text(key: str) -> str | None:
        value = extra.pop(key, None)
        return None if value is None else _text(path, key, value)

    def texts(key: str) -> dict[str, str]:
        values = _named(path, key, extra.pop(key, None))
        return {name: _text(path, f"{key}: {name}", value) for name, value in values.items()}

    validate_ssl = extra.pop("validate_ssl", None)
    if validate_ssl is None:
        validate_ssl = True
    if not isinstance(validate_ssl, bool):
        raise _wrong(path, "validate_ssl is neither true nor false")
    old_defaults = extra.pop("create_job_defaults", None)
    defaults = _job_defaults(path, extra.pop("job_default_parameters", old_defaults))
    built_in = text("built_in")
    if built_in and not _expanded(built_in).is_absolute():
        raise _wrong(path, "built_in is not a whole path")
    try:
        shares = _shares(path, extra.pop("shares", None))
    except UsageError as error:
        raise _wrong(path, f"shares: {error.message}", error.advice) from error
    return Settings(
        path=path,
        servers=tuple(Server(name, url) for name, url in texts("servers").items()),
        active_server_name=text("active_server_name"),
        user_name=text("user_name") or "",
        user_token=text("user_token") or "",
        validate_ssl=validate_ssl,
        job_defaults=defaults,
        active_mapping_file=text("active_mapping_file"),
        shares=shares,
        built_in=_expanded(built_in) if built_in else None,
        keys=texts("keys"),
        theme=text("theme"),
        extra=extra,
    )


def _shares_to_yaml(shares: ShareMap) -> dict[str, str | list[str]]:
    """Write the local folder of each share; a list where it is mounted more than once."""
    folders: dict[str, list[str]] = {}
    for unc, local in shares.pairs:
        folders.setdefault(unc, []).append(str(local))
    return {unc: found[0] if len(found) == 1 else found for unc, found in folders.items()}


def _shares(path: Path, value: object) -> ShareMap:
    pairs = (
        (unc, _expanded(_text(path, f"shares: {unc}", local)))
        for unc, found in _named(path, "shares", value).items()
        for local in (found if isinstance(found, list) else [found])
    )
    return ShareMap(tuple(pairs))


def _job_defaults(path: Path, value: object) -> dict[str, str]:
    """Read ``key,value`` lines, or the mapping that AnonAPI wrote before 1.4."""
    key = "job_default_parameters"
    if isinstance(value, list):
        pairs = []
        for line in value:
            name, comma, rest = _text(path, key, line).partition(",")
            if not comma:
                name, comma, rest = name.partition(";")
            if not comma:
                raise _wrong(path, f"{key} holds a line that is not 'name,value'")
            pairs.append((name, rest))
        value = dict(pairs)
    values = _named(path, key, value)
    return {
        _OLD_NAMES.get(name, name): _text(path, f"{key}: {name}", one)
        for name, one in values.items()
    }


def _named(path: Path, key: str, value: object) -> dict[str, Any]:
    """Return a mapping whose keys are text; nothing at all is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(path, f"{key} is not a list of names with values")
    for name in value:
        _text(path, f"a name in {key}", name)
    return value


def _text(path: Path, key: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(path, f"{key} is not text", "Write text there, numbers in quotes.")


def _wrong(path: Path, reason: str, advice: str = "") -> SettingsError:
    return SettingsError(
        f"The settings file {path} cannot be used: {reason}",
        advice=advice or "Correct it in an editor, or move it away to start anew.",
    )
