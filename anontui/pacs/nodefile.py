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
from anontui.pacs.yamlfile import MOST_BYTES, Form, Settings, load, mapping, wrong

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

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_AET = Form(
    "an AE title, which has at most 16 characters",
    r"[\x21-\x5b\x5d-\x7e](?:[\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?",
)
_MODALITY = re.compile(r"[A-Za-z0-9_]{1,16}")
_BUCKET = Form("the name of a bucket", r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")
_URL = Form("a url such as https://host/path, without a user in it", r"https?://[^\s@?#]+")
_BELONG = {
    **dict.fromkeys(("host", "port", "calling_aet", "tls", "move_port"), "aet"),
    **dict.fromkeys(("user", "password", "token", "web_authority"), "web"),
    **dict.fromkeys(("prefix", "endpoint", "region", "access_key", "secret_key"), "bucket"),
}
"""Settings that need another one to mean something."""

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
            content = file.read(MOST_BYTES + 1)
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
    nodes = {}
    for name, (where, value) in load(content, file).items():
        if not _NAME.fullmatch(name):
            raise wrong(where, "a node's name is of letters, digits, '-', '_' and '.'")
        nodes[name] = _node(name, Settings(mapping(value, file), file, where))
    return nodes


def _node(name: str, settings: Settings) -> Node:
    dimse = web = bucket = None
    if "aet" in settings:
        dimse = Dimse(
            settings.text("aet", form=_AET),
            settings.text("host"),
            settings.port("port"),
            calling_aet=settings.text("calling_aet", CALLING_AET, form=_AET),
            tls=_tls(settings),
            move_port=settings.port("move_port", 0),
        )
    if "web" in settings:
        web = Web(
            settings.text("web", form=_URL),
            user=settings.text("user", ""),
            password=settings.text("password", ""),
            token=settings.text("token", ""),
            authority=settings.path("web_authority"),
        )
    if "bucket" in settings:
        bucket = Bucket(
            settings.text("bucket", form=_BUCKET),
            prefix=settings.text("prefix", ""),
            endpoint=settings.text("endpoint", "", form=_URL),
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
        modalities=tuple(_modalities(settings)),
        sop_classes=tuple(_sop_classes(settings)),
        transfer_syntaxes=tuple(_syntaxes(settings)),
    )
    settings.end(_BELONG)
    return node


def _tls(settings: Settings) -> Tls | None:
    if "tls" not in settings or settings.is_switch("tls", _FALSE):
        return None
    if settings.is_switch("tls", _TRUE):
        return Tls()
    inner = settings.inner("tls")
    tls = Tls(inner.path("authority"), inner.path("certificate"), inner.path("key"))
    inner.end()
    return tls


def _timeouts(settings: Settings) -> Timeouts:
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


def _modalities(settings: Settings) -> Iterator[str]:
    for text in settings.texts("modalities"):
        if not _MODALITY.fullmatch(text):
            raise settings.wrong("modalities are a list such as [CT, MR]")
        yield text.upper()


def _sop_classes(settings: Settings) -> Iterator[str]:
    for text in settings.texts("sop_classes"):
        if is_uid(text):
            yield text
        elif uid := _class_names().get(text.lower()):
            yield uid
        else:
            raise settings.wrong("a SOP class is a UID, or a name such as CTImageStorage")


def _syntaxes(settings: Settings) -> Iterator[str]:
    for text in settings.texts("transfer_syntaxes"):
        if not is_uid(text) and text.upper() not in SYNTAXES:
            raise settings.wrong(f"a transfer syntax is a UID, or one of {', '.join(SYNTAXES)}")
        yield from SYNTAXES.get(text.upper(), (text,))


@cache
def _class_names() -> dict[str, str]:
    from pydicom import _uid_dict

    return {
        entry[4].lower(): uid
        for uid, entry in _uid_dict.UID_dictionary.items()
        if entry[1] == "SOP Class"
    }


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
