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
from anontui.errors import SettingsError
from anontui.settings_fields import (
    DEFAULTS,
    FLAG,
    FOLDER,
    SHARES,
    TEXT,
    TEXTS,
    Field,
    Kind,
    Wrong,
    choice,
    choices,
    expanded,
    named,
)
from anontui.unc import ShareMap

ANONAPI_NAME = "AnonWebAPIClientSettings.yml"
_MAX_BYTES = 1 << 20
_MAX_DEPTH = 20
_PRIVATE = 0o600


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
    server; :data:`FIELDS` says what each means in the file. ``extra`` holds the keys that we
    do not know. ``warnings`` are sentences about the file that the user should see; they are
    not saved.
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
    mouse: str | None = None
    clipboard: str | None = None
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
        written = {f.name: f.kind.write(getattr(self, f.ours)) for f in FIELDS}
        theirs = {field.name for field in FIELDS if field.theirs}
        known = {name: value for name, value in written.items() if value or name in theirs}
        return known | self.extra


def _servers(key: str, value: object) -> tuple[Server, ...]:
    return tuple(Server(name, url) for name, url in TEXTS.read(key, value).items())


def _servers_to_yaml(servers: tuple[Server, ...]) -> dict[str, str]:
    return {server.name: server.url for server in servers}


FIELDS: tuple[Field, ...] = (
    Field(
        "servers",
        "The anonymization servers: the url of each, by your own name for it.",
        Kind(_servers, _servers_to_yaml, TEXTS.schema),
        theirs=True,
        example={"p01": "https://server.example/api"},
    ),
    Field(
        "active_server_name",
        "The one of the servers that calls go to.",
        TEXT,
        theirs=True,
        example="p01",
    ),
    Field("user_name", "The name that servers know you by.", TEXT, theirs=True),
    Field(
        "user_token",
        "The token that proves it. Whoever has it can act as you, so keep the file to yourself.",
        TEXT,
        theirs=True,
    ),
    Field(
        "validate_ssl",
        "Check the certificates of servers. With false, whoever is in between can read your token.",
        FLAG,
        theirs=True,
        example=True,
    ),
    Field(
        "job_default_parameters",
        "What new mappings start with, a line each: name, comma, value.",
        DEFAULTS,
        attribute="job_defaults",
        old_name="create_job_defaults",
        theirs=True,
        example=["project,Wetenschap-Algemeen", r"destination_path,\\server\share\out"],
    ),
    Field(
        "active_mapping_file",
        "The mapping that commands work on, in whatever folder they are given.",
        TEXT,
        theirs=True,
    ),
    Field(
        "shares",
        "Which local folder is which share: UNC path, then the folder, or a list of them.",
        SHARES,
        example={r"\\server\share": "/mnt/data"},
    ),
    Field(
        "built_in",
        "The data folder of the built-in server, a whole path.",
        FOLDER,
    ),
    Field(
        "keys",
        "Other keys for the app's actions, by the action's id (docs/keys.md); a comma between "
        "several.",
        TEXTS,
        example={"app.zoom": "z,f5"},
    ),
    Field(
        "theme",
        "The app's colours. Without it: dark, light where the terminal says that it is, ansi "
        "where the terminal has 16 colours.",
        choice("dark", "light", "high-contrast", "ansi"),
        example="dark",
    ),
    Field(
        "mouse",
        "Whether the app listens to the mouse; the terminal cannot mark text with it then. "
        "Without it: yes, but not over SSH.",
        choice("always", "never"),
        example="never",
    ),
    Field(
        "clipboard",
        "Where copied text goes: to the terminal's clipboard (OSC 52), or into a file. "
        "Without it: to the terminal, if it can.",
        choice("terminal", "file"),
        example="terminal",
    ),
)
"""The one definition of the file: reading, writing, schema and documentation come from it."""


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
        return expanded(chosen).absolute()
    own = own_settings(folder)
    if os.path.isfile(own) and not why_ignored(folder):
        return own
    base = Path(os.environ.get("APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME", ""))
    return (base if base.is_absolute() else _home() / ".config") / "anontui" / "settings.yml"


def why_ignored(folder: Path) -> str:
    """Why the settings in ``folder`` itself are not used; empty if they are, or are absent.

    Settings that another person wrote, or can write, could send data to a server of his.
    """
    own = own_settings(folder)
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


def own_settings(folder: Path) -> Path:
    """Where ``folder`` has settings of its own, if it has."""
    return folder / ".anontui" / "settings.yml"


def _home() -> Path:
    return expanded("~")


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
    warnings = list(settings.warnings)
    if is_open:
        warnings.append(f"Others can read {path}, which holds your token: chmod 600 it.")
    if settings.active_server_name is not None:
        try:
            settings.active_server  # noqa: B018 - asked only for its error
        except SettingsError as error:
            warnings.append(error.sentence())
    return replace(settings, warnings=tuple(warnings))


def _from_bytes(path: Path, content: bytes) -> Settings:
    data = read_file(path, content)
    values, problems, warnings = examine(data)
    for problem in problems:
        raise _wrong(path, problem.reason, problem.advice) from problem
    return Settings(path=path, extra=data, warnings=tuple(warnings), **values)


def examine(data: dict[str, Any]) -> tuple[dict[str, Any], list[Wrong], list[str]]:
    """Take what we know out of the content of a settings file.

    Returns
    -------
    tuple
        The values by :class:`Settings` name, what cannot be used, and what is passed over.
        What is left in ``data`` is unknown.
    """
    values: dict[str, Any] = {}
    problems: list[Wrong] = []
    warnings: list[str] = []
    for one in FIELDS:
        found = one.take(data)
        if found is None:
            continue
        try:
            value = one.kind.read(one.name, found)
        except Wrong as wrong:
            problems.append(wrong)
            continue
        words = choices(one)
        if words and value not in words:
            warnings.append(
                f"The setting {one.name} is passed over: it is none of {', '.join(words)}."
            )
            continue
        values[one.ours] = value
    return values, problems, warnings


def read_file(path: Path, content: bytes) -> dict[str, Any]:
    """Return the content of a settings file by its keys.

    Raises
    ------
    SettingsError
        If it is not YAML, or no mapping.
    """
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
    try:
        return dict(named("the file", data))
    except Wrong as wrong:
        raise _wrong(path, wrong.reason, wrong.advice) from wrong


def _wrong(path: Path, reason: str, advice: str = "") -> SettingsError:
    return SettingsError(
        f"The settings file {path} cannot be used: {reason}",
        advice=advice or "Correct it in an editor, or move it away to start anew.",
    )
