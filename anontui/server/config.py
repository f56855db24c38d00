"""``server.yml``: which shares, projects and port the server has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from anontui import atomic
from anontui.errors import SettingsError, UsageError
from anontui.unc import ShareMap

DEFAULT_PROJECTS = ("Wetenschap-Algemeen",)
_BIGGEST = 1 << 20


@dataclass(frozen=True)
class ServerConfig:
    """What an administrator decides.

    Only these shares are read and written, only jobs for these projects are accepted.
    ``port`` 0 is a free one, chosen once.
    """

    shares: ShareMap = field(default_factory=ShareMap)
    projects: tuple[str, ...] = DEFAULT_PROJECTS
    port: int = 0

    def dumps(self) -> bytes:
        """Return it as the text of ``server.yml``."""
        content = {
            "shares": {unc: str(local) for unc, local in self.shares.pairs},
            "projects": list(self.projects),
            "port": self.port,
        }
        return yaml.safe_dump(content, allow_unicode=True, sort_keys=False).encode()


class ConfigFile:
    """``server.yml``, read again when it changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[tuple[int, ...], ServerConfig] | None = None

    def current(self) -> ServerConfig:
        """Return what the file says now; the defaults if there is none.

        Raises
        ------
        SettingsError
            If it cannot be read or understood: names the file, the line and what to do.
        """
        try:
            state = self.path.stat()
        except FileNotFoundError:
            return ServerConfig()
        except OSError as error:
            raise self._wrong("it cannot be read", str(error.strerror)) from error
        version = (state.st_mtime_ns, state.st_size, state.st_ino)
        if self._read is None or self._read[0] != version:
            self._read = (version, self._load())
        return self._read[1]

    def add(
        self, shares: Mapping[str, Path], projects: Iterable[str], port: int | None
    ) -> ServerConfig:
        """Add to the file what it does not say yet; a share that it has gets the new folder.

        Raises
        ------
        SettingsError
            If the file is wrong or cannot be written.
        UsageError
            If a share is not a UNC path, or its folder is not a whole path.
        """
        old = self.current()
        merged = dict([*old.shares.pairs, *ShareMap(tuple(shares.items())).pairs])
        new = ServerConfig(
            ShareMap(tuple(merged.items())),
            tuple(dict.fromkeys([*old.projects, *projects])),
            old.port if port is None else port,
        )
        if new != old or not self.path.exists():
            try:
                atomic.write_bytes(self.path, new.dumps())
            except OSError as error:
                raise self._wrong("it cannot be written", str(error.strerror)) from error
        return new

    def _load(self) -> ServerConfig:
        try:
            if self.path.stat().st_size > _BIGGEST:
                raise self._wrong("it is too large")
            content = yaml.safe_load(self.path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise self._wrong("it cannot be read", str(error)) from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            where = f"line {mark.line + 1} is not YAML" if mark else "it is not YAML"
            raise self._wrong(where, error.problem or "") from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise self._wrong("it is not YAML") from error
        return self._checked(content)

    def _checked(self, content: object) -> ServerConfig:
        content = {} if content is None else content
        if not isinstance(content, dict):
            raise self._wrong("it must hold shares:, projects: and port:")
        if unknown := [str(key) for key in content if key not in ("shares", "projects", "port")]:
            raise self._wrong(f"it knows no {unknown[0]!r}, only shares, projects and port")
        shares = content.get("shares") or {}
        if not isinstance(shares, dict) or not all(
            isinstance(text, str) for pair in shares.items() for text in pair
        ):
            raise self._wrong("shares: must give for each UNC path a local folder")
        projects = content.get("projects", list(DEFAULT_PROJECTS)) or []
        if not isinstance(projects, list) or not all(isinstance(name, str) for name in projects):
            raise self._wrong("projects: must be a list of names (quote the odd ones)")
        port = content.get("port") or 0
        if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port < 1 << 16:
            raise self._wrong("port: must be a number from 0 to 65535")
        try:
            pairs = tuple((unc, Path(local)) for unc, local in shares.items())
            return ServerConfig(ShareMap(pairs), tuple(projects), port)
        except UsageError as error:
            raise self._wrong(f"shares: {error.message}") from error

    def _wrong(self, what: str, cause: str = "") -> SettingsError:
        return SettingsError(
            f"The server's settings {self.path} are wrong: {what}",
            cause=cause,
            advice="Correct the file; the server reads it again by itself.",
        )
