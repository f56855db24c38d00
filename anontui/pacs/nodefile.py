"""``nodes.yml``: the archives that are known by name, with their secrets (mode 0600).

Each name has the settings of its node, which are those of the classes in
:mod:`anontui.pacs.node` side by side::

    HOSPITAL:
      aet: PACS
      host: pacs.example.org
      port: 104
      web: https://pacs.example.org/dicom-web
      transfer_syntaxes: [JPEG2000, RLE]
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from anontui.atomic import write_bytes
from anontui.errors import PacsError
from anontui.pacs.files import is_uid
from anontui.pacs.node import CALLING_AET, Bucket, Dimse, Node, Timeouts, Tls, Web

NAME = "nodes.yml"

SYNTAXES: Final[Mapping[str, tuple[str, ...]]] = {
    "UNCOMPRESSED": ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2"),
    "DEFLATED": ("1.2.840.10008.1.2.1.99",),
    "RLE": ("1.2.840.10008.1.2.5",),
    "JPEG": tuple(f"1.2.840.10008.1.2.4.{end}" for end in (70, 57, 50, 51)),
    "JPEG-LS": tuple(f"1.2.840.10008.1.2.4.{end}" for end in (80, 81)),
    "JPEG2000": tuple(f"1.2.840.10008.1.2.4.{end}" for end in (90, 91)),
    "HTJ2K": tuple(f"1.2.840.10008.1.2.4.{end}" for end in (201, 202, 203)),
}
"""Names of transfer syntaxes, the lossless ones of each first (PS3.6 A-1)."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_AET = re.compile(r"[\x21-\x5b\x5d-\x7e](?:[\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?")
_MODALITY = re.compile(r"[A-Z0-9_]{1,16}")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")
_URL = re.compile(r"https?://[^\s@?#]+")
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,3})?")
_MEANS = {
    _AET: "an AE title, which has at most 16 characters",
    _MODALITY: "modalities such as CT",
    _BUCKET: "the name of a bucket",
    _URL: "a url such as https://host/path, without a user in it",
}
_BELONG = {
    **dict.fromkeys(("host", "port", "calling_aet", "tls", "move_port"), "aet"),
    **dict.fromkeys(("user", "password", "token", "web_authority"), "web"),
    **dict.fromkeys(("prefix", "endpoint", "region", "access_key", "secret_key"), "bucket"),
}
"""Settings that need another one to mean something."""

_MOST_BYTES = 1 << 20
_TRUE = frozenset(("true", "yes", "on"))
_FALSE = frozenset(("false", "no", "off", "", "none"))


def read_nodes(path: Path) -> dict[str, Node]:
    """Read the nodes by name; none if there is no such file.

    Raises
    ------
    PacsError
        With the line, if something in it is wrong, or if others may read its secrets.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
            mode = os.fstat(file.fileno()).st_mode
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PacsError(
            f"{path.name} cannot be read",
            cause=error.strerror or "",
            advice="Check whether you may read it.",
            transient=False,
        ) from None
    nodes = _parse(content, path.name)
    if os.name == "posix" and mode & 0o077 and any(map(_has_secret, nodes.values())):
        raise PacsError(
            f"{path.name} holds secrets, and others may read it",
            advice=f"Protect it with: chmod 600 {path.name}",
            transient=False,
        )
    return nodes


def write_nodes(path: Path, nodes: Mapping[str, Node]) -> None:
    """Replace the file by these nodes, atomically, mode 0600.

    Raises
    ------
    PacsError
        If a node is not as it must be, or the file cannot be written.
    """
    written = {name: _plain(node) for name, node in nodes.items()}
    content = yaml.safe_dump(written, sort_keys=False, allow_unicode=True).encode()
    _parse(content, path.name)
    try:
        write_bytes(path, content, mode=0o600)
    except OSError as error:
        raise PacsError(
            f"{path.name} cannot be written",
            cause=error.strerror or "",
            advice="Check whether there is room, and whether you may write there.",
            transient=False,
        ) from None


def _has_secret(node: Node) -> bool:
    return bool(
        (node.web and (node.web.password or node.web.token))
        or (node.bucket and node.bucket.secret_key)
    )


def _parse(content: bytes, file: str) -> dict[str, Node]:
    if len(content) > _MOST_BYTES:
        raise _wrong(file, "it is too large")
    try:
        root = yaml.compose(content.decode("utf-8-sig"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise _wrong(f"{file} line {line}", "this is not YAML") from None
    except (yaml.YAMLError, UnicodeError, RecursionError):
        raise _wrong(file, "it has characters that are no text, or is no YAML") from None
    if root is None or (isinstance(root, yaml.ScalarNode) and not _text_of(root)):
        return {}
    nodes = {}
    for name, (where, value) in _mapping(root, file).items():
        if not _NAME.fullmatch(name):
            raise _wrong(where, "a node's name is of letters, digits, '-', '_' and '.'")
        nodes[name] = _node(name, _Settings(_mapping(value, file), file, where))
    return nodes


def _node(name: str, settings: _Settings) -> Node:
    dimse = web = bucket = None
    if "aet" in settings:
        dimse = Dimse(
            settings.text("aet", match=_AET),
            settings.text("host"),
            settings.port("port"),
            calling_aet=settings.text("calling_aet", CALLING_AET, match=_AET),
            tls=_tls(settings),
            move_port=settings.port("move_port", 0),
        )
    if "web" in settings:
        web = Web(
            settings.text("web", match=_URL),
            user=settings.text("user", ""),
            password=settings.text("password", ""),
            token=settings.text("token", ""),
            authority=settings.path("web_authority"),
        )
    if "bucket" in settings:
        bucket = Bucket(
            settings.text("bucket", match=_BUCKET),
            prefix=settings.text("prefix", ""),
            endpoint=settings.text("endpoint", "", match=_URL),
            region=settings.text("region", ""),
            access_key=settings.text("access_key", ""),
            secret_key=settings.text("secret_key", ""),
        )
    if not (dimse or web or bucket):
        raise settings.wrong("a node needs aet, web or bucket")
    node = Node(
        name,
        dimse,
        web,
        bucket,
        timeouts=_timeouts(settings),
        modalities=tuple(settings.texts("modalities", match=_MODALITY)),
        sop_classes=tuple(_sop_classes(settings)),
        transfer_syntaxes=tuple(_syntaxes(settings)),
    )
    settings.end()
    return node


def _tls(settings: _Settings) -> Tls | None:
    if "tls" not in settings or settings.is_switch("tls", _FALSE):
        return None
    if settings.is_switch("tls", _TRUE):
        return Tls()
    inner = settings.inner("tls")
    tls = Tls(inner.path("authority"), inner.path("certificate"), inner.path("key"))
    inner.end()
    return tls


def _timeouts(settings: _Settings) -> Timeouts:
    if "timeouts" not in settings:
        return Timeouts()
    inner, usual = settings.inner("timeouts"), Timeouts()
    timeouts = Timeouts(
        inner.seconds("connect", usual.connect),
        inner.seconds("associate", usual.associate),
        inner.seconds("answer", usual.answer),
    )
    inner.end()
    return timeouts


def _sop_classes(settings: _Settings) -> Iterator[str]:
    for text in settings.texts("sop_classes"):
        if is_uid(text):
            yield text
        elif uid := _class_names().get(text.lower()):
            yield uid
        else:
            raise settings.wrong("a SOP class is a UID, or a name such as CTImageStorage")


def _syntaxes(settings: _Settings) -> Iterator[str]:
    for text in settings.texts("transfer_syntaxes"):
        if not is_uid(text) and text.upper() not in SYNTAXES:
            raise settings.wrong(f"a transfer syntax is a UID, or one of {', '.join(SYNTAXES)}")
        yield from SYNTAXES.get(text.upper(), (text,))


@cache
def _class_names() -> dict[str, str]:
    from pydicom._uid_dict import UID_dictionary

    return {
        entry[4].lower(): uid for uid, entry in UID_dictionary.items() if entry[1] == "SOP Class"
    }


class _Settings:
    """The settings of a mapping; each is taken once, and none may be left at the end."""

    def __init__(self, values: dict[str, tuple[str, yaml.Node]], file: str, where: str) -> None:
        self._values = values
        self._file = file
        self._where = where

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def text(
        self, key: str, default: str | None = None, match: re.Pattern[str] | None = None
    ) -> str:
        """Take a text; without a default it is needed."""
        value = self._take(key)
        text = _text_of(value) if value else ""
        if text is None or not text.isprintable():
            raise self.wrong(f"{key} is one line of text")
        if not text and default is None:
            raise self.wrong(f"{key} is needed")
        if match and text and not match.fullmatch(text):
            raise self.wrong(f"{key} is not {_MEANS[match]}")
        return text or default or ""

    def texts(self, key: str, match: re.Pattern[str] | None = None) -> list[str]:
        """Take a list of texts; one text is a list of one."""
        value = self._take(key)
        if value is None:
            return []
        values = value.value if isinstance(value, yaml.SequenceNode) else [value]
        texts = [_text_of(one) for one in values]
        if not all(text and (not match or match.fullmatch(text)) for text in texts):
            raise self.wrong(f"{key} is not a list of {_MEANS[match] if match else 'texts'}")
        return [text for text in texts if text]

    def port(self, key: str, default: int | None = None) -> int:
        text = self.text(key, None if default is None else str(default))
        if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535):
            raise self.wrong(f"{key} is not a port, which is a number up to 65535")
        if text == "0" and default != 0:
            raise self.wrong(f"{key} is not a port that can be reached")
        return int(text)

    def seconds(self, key: str, default: float) -> float:
        text = self.text(key, str(default))
        if not _SECONDS.fullmatch(text) or not float(text):
            raise self.wrong(f"{key} is not a number of seconds")
        return float(text)

    def path(self, key: str) -> Path | None:
        text = self.text(key, "")
        return Path(text) if text else None

    def is_switch(self, key: str, words: frozenset[str]) -> bool:
        """Whether a setting is one of these words; then it is taken."""
        text = _text_of(self._values[key][1])
        is_one = text is not None and text.lower() in words
        if is_one:
            self._take(key)
        return is_one

    def inner(self, key: str) -> _Settings:
        """Take a mapping."""
        self._where, value = self._values.pop(key)
        return _Settings(_mapping(value, self._file), self._file, self._where)

    def end(self) -> None:
        """Raise if a setting is left."""
        for key, (where, _value) in self._values.items():
            self._where = where
            if key in _BELONG:
                raise self.wrong(f"{key} says nothing without {_BELONG[key]}")
            raise self.wrong("a setting is not known, perhaps misspelt")

    def wrong(self, problem: str) -> PacsError:
        """Return the error of what was taken last."""
        return _wrong(self._where, problem)

    def _take(self, key: str) -> yaml.Node | None:
        where, value = self._values.pop(key, (self._where, None))
        self._where = where
        return value


def _mapping(node: yaml.Node, file: str) -> dict[str, tuple[str, yaml.Node]]:
    """Read a mapping: its names, each with where it stands and its value."""
    where = _place(node, file)
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(where, "'name: value' is expected")
    found: dict[str, tuple[str, yaml.Node]] = {}
    for key, value in node.value:
        where, name = _place(key, file), _text_of(key)
        if not name:
            raise _wrong(where, "a name is expected")
        if name in found:
            raise _wrong(where, "a name is given twice")
        found[name] = (where, value)
    return found


def _text_of(node: yaml.Node) -> str | None:
    """Return a scalar as it is written, empty for a plain null; None for something else."""
    if not isinstance(node, yaml.ScalarNode):
        return None
    return "" if node.tag == "tag:yaml.org,2002:null" else str(node.value).strip()


def _place(node: yaml.Node, file: str) -> str:
    return f"{file} line {node.start_mark.line + 1}"


def _wrong(where: str, problem: str) -> PacsError:
    return PacsError(
        f"{where}: {problem}", advice="Correct it with a text editor.", transient=False
    )


def _plain(node: Node) -> dict[str, object]:
    """What is written of a node: all that is not as it is anyhow."""
    plain: dict[str, object] = {}
    if node.dimse:
        plain |= _changed(node.dimse, ("tls",))
        if node.dimse.tls:
            plain["tls"] = _changed(node.dimse.tls) or "yes"
    if node.web:
        plain |= {"web": node.web.url} | _changed(node.web, ("url", "authority"))
        if node.web.authority:
            plain["web_authority"] = str(node.web.authority)
    if node.bucket:
        plain |= _changed(node.bucket)
    if timeouts := _changed(node.timeouts):
        plain["timeouts"] = timeouts
    return plain | _changed(node, ("name", "dimse", "web", "bucket", "timeouts"))


def _changed(part: Any, but: tuple[str, ...] = ()) -> dict[str, object]:
    """Return the fields of a dataclass that are not at their defaults."""
    changed: dict[str, object] = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if field.name not in but and value != field.default:
            changed[field.name] = (
                list(value)
                if isinstance(value, tuple)
                else str(value)
                if isinstance(value, Path)
                else value
            )
    return changed
