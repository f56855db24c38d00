r"""Which network shares are mounted on this computer, read from what the system says.

The readers are functions of the text alone. A share is a UNC path (``\\server\share``), and
a mount the folder or drive where it is found here.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from anontui import unc
from anontui.errors import UsageError

_SMB = frozenset({"cifs", "smb3", "smbfs"})
_NFS = frozenset({"nfs", "nfs3", "nfs4"})
_MACOS = re.compile(r"(.+?) on (/.*) \(([a-z0-9]+)(?:,.*)?\)")
_NET_USE = re.compile(r"(?:^|\s)([A-Za-z]:)\s+(\\\\\S.*)")
_NETWORK = re.compile(r"\s(?:Microsoft Windows Network|Web Client Network)\s*$|\s{2,}.*$")
_UNDECODABLE = re.compile("[\ufffd\ud800-\udfff]")
_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Mount:
    r"""A share and where it is mounted.

    Attributes
    ----------
    unc
        The UNC path, normalised.
    local
        The folder or drive (``H:\``), as the system writes it.
    is_sure
        False where the UNC path is a guess: an NFS export is often shared with Windows under
        another name, and only a part of the share may be mounted.
    """

    unc: str
    local: str
    is_sure: bool = True


def read_proc_mounts(text: str, roots: Mapping[str, str] | None = None) -> list[Mount]:
    r"""Read Linux's ``/proc/mounts``: cifs and nfs (fields and escapes: ``man 5 fstab``).

    Parameters
    ----------
    text
        The content of the file.
    roots
        Which folder of the file system a mount shows, from :func:`read_roots`; by default
        the whole. A bind mount shows a part, which ``/proc/mounts`` does not tell.
    """
    found = []
    for line in text.splitlines():
        fields = [_unescaped(field) for field in line.split(" ")]
        if len(fields) < 3:
            continue
        device, local, kind = fields[:3]
        root = (roots or {}).get(local, "/").strip("/")
        device = device.replace("\\", "/").rstrip("/")
        is_part = bool(root) and not device.endswith(f"/{root}")
        if is_part:
            device = f"{device}/{root}"
        found += _mount(device, local, kind, is_sure=not root)
    return found


def read_roots(text: str) -> dict[str, str]:
    """Read which folder each mount shows of its file system from ``/proc/self/mountinfo``."""
    fields = [line.split(" ") for line in text.splitlines()]
    return {_unescaped(one[4]): _unescaped(one[3]) for one in fields if len(one) > 4}


def read_macos_mount(text: str) -> list[Mount]:
    """Read what ``mount`` prints on macOS: smbfs and nfs; names in urls are percent-encoded."""
    found = []
    for line in text.splitlines():
        if match := _MACOS.fullmatch(line.strip()):
            device, local, kind = match.groups()
            if kind in _SMB:  # //DOMAIN;user:password@server/share
                server, _, share = device.strip("/").partition("/")
                device = f"//{server.rpartition('@')[2]}/{unquote(share)}"
            found += _mount(device, local, kind)
    return found


def read_net_use(text: str) -> list[Mount]:
    """Read what ``net use`` prints on Windows in any language: drives and their shares."""
    found = []
    for line in text.splitlines():
        if match := _NET_USE.search(line):
            share = _NETWORK.sub("", match[2])
            if "@" not in share.lstrip("\\").partition("\\")[0]:  # WebDAV: no server has it
                found += _mount(share, f"{match[1].upper()}\\", "cifs")
    return found


def system_mounts() -> list[Mount]:
    """Return the network shares that are mounted here, as far as the system tells."""
    if sys.platform == "win32":
        return read_net_use(_printed("net", "use", encoding="oem"))
    if sys.platform == "darwin":
        return read_macos_mount(_printed("/sbin/mount", encoding="utf-8"))
    roots = read_roots(_content("/proc/self/mountinfo"))
    return read_proc_mounts(_content("/proc/mounts"), roots)


def _mount(device: str, local: str, kind: str, *, is_sure: bool = True) -> list[Mount]:
    """Return the mount, or nothing if it is no share that has a UNC path."""
    if kind in _NFS:  # server:/export, [IPv6]:/export
        server, colon, export = device.partition(":/")
        if not colon or server.startswith("["):
            return []
        device, is_sure = f"//{server}/{export}", False
    elif kind not in _SMB:
        return []
    try:
        share = unc.normalise(device)
    except UsageError:
        return []
    return [] if _UNDECODABLE.search(share + local) else [Mount(share, local, is_sure)]


def _unescaped(field: str) -> str:
    r"""Undo ``\040`` and the like; they stand for bytes, and the bytes are UTF-8."""
    if "\\" not in field:
        return field
    octal = re.compile(rb"\\([0-3][0-7]{2})")
    data = octal.sub(lambda m: bytes([int(m[1], 8)]), field.encode("utf-8", "surrogateescape"))
    return data.decode("utf-8", "surrogateescape")


def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _printed(*command: str, encoding: str) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            encoding=encoding,
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired, LookupError):
        return ""
    return done.stdout
