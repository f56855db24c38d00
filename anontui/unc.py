r"""UNC paths (``\\server\share\folder``), and the map between them and local folders.

The web API knows data by UNC paths only. Everything here works on text alone: no file
system is asked, so nothing blocks on a share that does not answer.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from anontui.errors import UsageError

# control characters, and the halves of letters by which Python names undecodable files
_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def is_unc(text: str) -> bool:
    r"""True for ``\\server\share…`` in any mix of slashes; says nothing about ``..``."""
    text = _backslashed(text)
    server, _, rest = text[2:].partition("\\")
    # \\?\ and \\.\ are the doors to Windows' devices, not servers
    return text.startswith("\\\\") and server not in ("", "?", ".") and rest.strip("\\") != ""


def normalise(text: str) -> str:
    r"""Write a UNC path the one way: backslashes, single ones, none at the end.

    Parameters
    ----------
    text
        A UNC path in any mix of slashes; spaces around it and ``.`` parts are dropped.

    Raises
    ------
    UsageError
        If it is not a UNC path, or holds a control character or ``..`` (or another part of
        dots and spaces only, which Windows may read so).
    """
    parts = _parts(text)
    if not is_unc(text) or len(parts) < 2:
        raise UsageError(
            f"This is not a UNC path: {text!r}", advice=r"Write it as \\server\share\folder."
        )
    return "\\\\" + "\\".join(parts)


def join(root: str, relative: str) -> str:
    """Return the UNC path of ``relative`` below the UNC path ``root``, normalised.

    Parameters
    ----------
    root
        A UNC path.
    relative
        A relative path with ``/`` or backslashes; ``""`` and ``.`` are the root itself.

    Raises
    ------
    UsageError
        If ``root`` is not a UNC path, or ``relative`` is absolute, starts with a drive
        letter, or holds ``..`` or a control character.
    """
    flat = _backslashed(relative)
    if flat.startswith("\\") or re.match("[A-Za-z]:", flat):
        raise UsageError(
            f"This path is not relative: {relative!r}", advice=f"Write it relative to {root}."
        )
    return "\\".join([normalise(root), *_parts(relative)])


def is_inside(path: str, root: str) -> bool:
    """True if UNC ``path`` is ``root`` or lies below it; case is ignored, as shares do.

    Raises
    ------
    UsageError
        If one of them is not a UNC path that :func:`normalise` takes.
    """
    return _below(normalise(path), normalise(root))


def as_local(text: str) -> Path | None:
    r"""Return the whole local path that a text is; None for any other, a UNC path included.

    Where paths have slashes, backslashes are read as such: AnonAPI writes ``\mnt\data``.
    """
    text = text.strip()
    if is_unc(text):
        return None
    path = Path(text.replace("\\", "/") if os.sep == "/" and text.startswith("\\") else text)
    return path if path.is_absolute() else None


@dataclass(frozen=True)
class ShareMap:
    """Where shares are mounted here: pairs of a UNC root and an absolute local root.

    The UNC roots are kept normalised. Of nested roots the deepest that matches wins, of
    equal ones the first.

    Raises
    ------
    UsageError
        If a UNC root is not a UNC path, or a local root is not absolute.
    """

    pairs: tuple[tuple[str, Path], ...] = ()

    def __post_init__(self) -> None:
        pairs = tuple((normalise(unc), local) for unc, local in self.pairs)
        for unc, local in pairs:
            if not local.is_absolute():
                raise UsageError(
                    f"The local folder of the share {unc} is not a whole path: {str(local)!r}",
                    advice="Write the whole path of the folder where the share is mounted.",
                )
        object.__setattr__(self, "pairs", pairs)

    def to_unc(self, local: Path) -> str | None:
        """Return the UNC path of a local path, or None if it is on no known share.

        None also if it holds ``..`` or a name that a UNC path cannot say, such as one with
        a backslash. A relative path is one below the current folder; links are not followed.
        """
        local = local.absolute()
        if local.drive.startswith("\\\\"):  # Windows opens UNC paths without a mount
            pairs = [(local.drive, Path(local.anchor)), *self.pairs]
        else:
            pairs = [*self.pairs]
        mounted = [pair for pair in pairs if local.is_relative_to(pair[1])]
        if not mounted:
            return None
        unc, root = max(mounted, key=lambda pair: len(pair[1].parts))
        names = local.relative_to(root).parts
        path = "\\".join([unc, *names])
        try:
            exact = normalise(path) == path and not any("\\" in name for name in names)
        except UsageError:
            return None
        return path if exact else None

    def to_local(self, unc: str) -> Path | None:
        """Return the local path of a UNC path, or None if it is on no known share.

        None also for what :func:`normalise` refuses: the result never leaves the share.
        """
        try:
            path = normalise(unc)
        except UsageError:
            return None
        shared = [pair for pair in self.pairs if _below(path, pair[0])]
        if not shared:
            return None
        root, local = max(shared, key=lambda pair: pair[0].count("\\"))
        found = local.joinpath(*path[len(root) :].split("\\"))
        # on Windows a part such as "D:" would lead to another drive
        return found if found.is_relative_to(local) else None


def _backslashed(text: str) -> str:
    return text.strip().replace("/", "\\")


def _parts(text: str) -> list[str]:
    """Split a path at its slashes, leaving out ``.``; refuse what leads elsewhere."""
    parts = [part for part in _backslashed(text).split("\\") if part not in ("", ".")]
    if _UNSPEAKABLE.search("".join(parts)):
        trouble = "a control character"
    elif any(not part.strip(" .") for part in parts):
        trouble = "'..'"
    else:
        return parts
    raise UsageError(f"This path holds {trouble}: {text!r}", advice="Write the path without it.")


def _folded(text: str) -> str:
    """Ignore case letter by letter, as Windows does: ``ß`` stays one letter, never ``SS``."""
    if text.isascii():
        return text.upper()
    return "".join(upper if len(upper := char.upper()) == 1 else char for char in text)


def _below(path: str, root: str) -> bool:
    return f"{_folded(path)}\\".startswith(f"{_folded(root)}\\")
