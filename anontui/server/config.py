"""``server.yml``: shares, port, and who reaches the server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from anontui import atomic
from anontui.deid.readers.texts import read_text, shown
from anontui.deid.readers.yamlnodes import Node, load_nodes
from anontui.errors import DeidError, SettingsError, UsageError
from anontui.unc import ShareMap

DEFAULT_PROJECTS = ("Wetenschap-Algemeen",)
LOOPBACK = "127.0.0.1"
_NAMES = ("shares", "projects", "host", "port", "certificate", "key", "receiver")
_RECEIVER = ("port", "host", "callers", "running", "quiet")
_AE_TITLE = re.compile(r"[\x21-\x5b\x5d-\x7e](?:[\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?")


@dataclass(frozen=True)
class ReceiverConfig:
    """Where archives and devices send to (C-STORE).

    ``callers`` are the AE titles that may; without any, whoever knows the AE title of a
    project may. A study has come whole after ``quiet`` seconds without anything new of it.
    """

    port: int = 11112
    host: str = LOOPBACK
    callers: tuple[str, ...] = ()
    running: bool = False
    quiet: int = 10


@dataclass(frozen=True)
class ServerConfig:
    """What an administrator decides.

    Only these shares are read and written. ``projects`` are those that every user of the
    server may use; the others have a file each. ``port`` 0 is a free one, chosen once.
    ``certificate`` and ``key`` are files in PEM, for TLS.
    """

    shares: ShareMap = field(default_factory=ShareMap)
    projects: tuple[str, ...] = DEFAULT_PROJECTS
    host: str = LOOPBACK
    port: int = 0
    certificate: Path | None = None
    key: Path | None = None
    receiver: ReceiverConfig = ReceiverConfig()

    def dumps(self) -> bytes:
        """Return it as the text of ``server.yml``."""
        content: dict[str, object] = {
            "shares": {unc: str(local) for unc, local in self.shares.pairs},
            "projects": list(self.projects),
            "port": self.port,
        }
        if self.host != LOOPBACK:
            content["host"] = self.host
        if self.certificate:
            content["certificate"] = str(self.certificate)
        if self.key:
            content["key"] = str(self.key)
        if self.receiver != ReceiverConfig():
            content["receiver"] = asdict(self.receiver) | {"callers": list(self.receiver.callers)}
        return yaml.safe_dump(content, allow_unicode=True, sort_keys=False).encode()


@dataclass(frozen=True)
class Given:
    """What the command line adds to ``server.yml``; None says nothing."""

    shares: Mapping[str, Path] = field(default_factory=dict)
    projects: Iterable[str] = ()
    host: str | None = None
    port: int | None = None
    certificate: Path | None = None
    key: Path | None = None


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
            raise _wrong(self.path, "it cannot be read", str(error.strerror)) from error
        version = (state.st_mtime_ns, state.st_size, state.st_ino)
        if self._read is None or self._read[0] != version:
            self._read = (version, _load(self.path))
        return self._read[1]

    def merged(self, given: Given) -> ServerConfig:
        """Return what the file says, and what it does not say yet.

        A share that it has gets the new folder.

        Raises
        ------
        SettingsError
            If the file is wrong.
        UsageError
            If a share is not a UNC path, or its folder is not a whole path.
        """
        old = self.current()
        merged = dict([*old.shares.pairs, *ShareMap(tuple(given.shares.items())).pairs])
        return ServerConfig(
            ShareMap(tuple(merged.items())),
            tuple(dict.fromkeys([*old.projects, *given.projects])),
            old.host if given.host is None else given.host,
            old.port if given.port is None else given.port,
            given.certificate or old.certificate,
            given.key or old.key,
            old.receiver,
        )

    def write(self, config: ServerConfig) -> None:
        """Make the file say this, unless it does.

        Raises
        ------
        SettingsError
            If the file is wrong or cannot be written.
        """
        if config == self.current() and self.path.exists():
            return
        try:
            atomic.write_bytes(self.path, config.dumps())
        except OSError as error:
            raise _wrong(self.path, "it cannot be written", str(error.strerror)) from error


def _load(path: Path) -> ServerConfig:
    with told_of(path):
        given = load_nodes(read_text(path), str(path)).names()
        check_names(given, _NAMES)
        return ServerConfig(
            shares=_shares(given["shares"]) if "shares" in given else ShareMap(),
            projects=tuple(text_list(given["projects"]))
            if "projects" in given
            else DEFAULT_PROJECTS,
            host=(given["host"].text() if "host" in given else "") or LOOPBACK,
            port=_port(given["port"]) if "port" in given else 0,
            certificate=_file(given.get("certificate"), path.parent),
            key=_file(given.get("key"), path.parent),
            receiver=_receiver(given["receiver"]) if "receiver" in given else ReceiverConfig(),
        )


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Make what the reader of a file refuses an error of the settings, which names the file."""
    try:
        yield
    except DeidError as error:
        message = error.message if str(path) in error.message else f"{path}: {error.message}"
        raise SettingsError(message, advice=error.advice, cause=error.cause) from error


def check_names(given: Mapping[str, Node], names: Iterable[str]) -> None:
    """Refuse a name that a settings file does not know.

    Raises
    ------
    DeidError
        With file and line.
    """
    for name, node in given.items():
        if name not in names:
            raise DeidError(
                f"{node.where}: there is no {shown(name)!r}",
                advice=f"Known are {', '.join(names)}.",
            )


def text_list(node: Node) -> list[str]:
    """The texts of a list.

    Raises
    ------
    DeidError
        With file and line, if it is no list, or one of them is empty.
    """
    texts = [(item.where, item.text().strip()) for item in node.items()]
    for where, text in texts:
        if not text:
            raise DeidError(f"{where}: a text is expected", advice="Write it, or leave the line.")
    return [text for _, text in texts]


def _shares(node: Node) -> ShareMap:
    pairs: list[tuple[str, Path]] = []
    for unc, local in node.names().items():
        try:
            pairs += ShareMap(((unc, Path(local.text())),)).pairs
        except UsageError as error:
            raise DeidError(
                f"{local.where}: shares: {error.message}", advice=error.advice
            ) from error
    return ShareMap(tuple(pairs))


def _port(node: Node) -> int:
    text = node.text()
    if text and not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < 1 << 16):
        raise DeidError(f"{node.where}: port: {shown(text)} is none", advice="Write 0 to 65535.")
    return int(text or 0)


def _receiver(node: Node) -> ReceiverConfig:
    given = node.names()
    check_names(given, _RECEIVER)
    running = given["running"].text().lower() if "running" in given else "true"
    if running not in ("true", "false"):
        raise DeidError(
            f"{given['running'].where}: running: {shown(running)} is none",
            advice="Write true or false.",
        )
    return ReceiverConfig(
        port=_port(given["port"]) if "port" in given else ReceiverConfig.port,
        host=(given["host"].text() if "host" in given else "") or LOOPBACK,
        callers=tuple(map(ae_title, given["callers"].items())) if "callers" in given else (),
        running=running == "true",
        quiet=_seconds(given["quiet"]) if "quiet" in given else ReceiverConfig.quiet,
    )


def _seconds(node: Node) -> int:
    text = node.text()
    if not re.fullmatch("[0-9]{1,5}", text) or not int(text):
        raise DeidError(
            f"{node.where}: quiet: {shown(text)} is no number of seconds",
            advice="Write a whole number above 0.",
        )
    return int(text)


def ae_title(node: Node) -> str:
    """The AE title that a node must be: 1 to 16 characters, no backslash (PS3.5 6.2).

    Raises
    ------
    DeidError
        With file and line.
    """
    text = node.text().strip()
    if not _AE_TITLE.fullmatch(text):
        raise DeidError(
            f"{node.where}: {shown(text)!r} is no AE title",
            advice="Write 1 to 16 letters, digits and the like, without a backslash.",
        )
    return text


def _file(node: Node | None, folder: Path) -> Path | None:
    return folder / node.text() if node is not None and node.text() else None


def _wrong(path: Path, what: str, cause: str = "") -> SettingsError:
    return SettingsError(
        f"The server's settings {path} are wrong: {what}",
        cause=cause,
        advice="Correct the file; the server reads it again by itself.",
    )
