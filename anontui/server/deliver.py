"""The last stage of a job: giving de-identified files their place."""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path

from anontui.atomic import sync_folder
from anontui.server.places import Places

PART_PREFIX = ".anontui-part-"
CONFLICT = "unlike a file that is already there under the same SOP instance UID"

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_renaming = threading.Lock()


class Placed(Enum):
    """What became of a part."""

    NEW = "it is in its place"
    SAME = "the same file was there"
    CONFLICT = "another file was there"
    GONE = "there is no part"


def place(
    parts: Iterable[tuple[Path, str]],
    destination: Path,
    places: Places,
    tick: Callable[[], None],
) -> Iterator[Placed]:
    """Give parts, synced already, their names below a destination; nothing is overwritten.

    A file appears there whole, and is there for good when this ends. A part may stay, too,
    as another name of the same file; so it is known again after a crash.

    Parameters
    ----------
    parts
        Pairs of a part, on the same file system, and the name it gets, as seen from the
        destination, its folders separated by slashes.
    destination
        A folder below a share, links resolved; made if it does not exist.
    places
        Decides whether the folders found there lead out of the shares.
    tick
        Called for each part; may raise to stop.

    Raises
    ------
    OSError
        If the destination cannot be written.
    """
    folders: set[Path] = set()
    changed: set[Path] = set()
    for part, name in parts:
        tick()
        target = destination / name
        if target.parent not in folders:
            changed.update(make_folder(target.parent, places))
            folders.add(target.parent)
        yield _place(part, target)
    for folder in folders | changed:
        sync_folder(folder)


def make_folder(folder: Path, places: Places) -> list[Path]:
    """Make a folder below a share, and those above it; returns which ones changed by that.

    Raises
    ------
    OSError
        If it cannot be made, a link leads out of the shares, or the share itself is away.
    """
    if not places.allows(Path(os.path.realpath(folder))):
        raise PermissionError(None, "a link there leads out of the share")
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    if missing and not places.allows(Path(os.path.realpath(folder))):
        raise FileNotFoundError(errno.ENOENT, "its share is away")
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
    return [one.parent for one in missing]


def remove_parts(part_folder: Path) -> None:
    """Remove a part folder, if it is there.

    Raises
    ------
    OSError
        If it cannot be removed.
    """
    if not part_folder.name.startswith(PART_PREFIX):  # whatever the ledger may say
        return
    gone = part_folder.with_name(part_folder.name + "-gone")
    with suppress(FileNotFoundError):
        part_folder.rename(gone)  # at once, so that workers which still run stop writing
    with suppress(FileNotFoundError):
        shutil.rmtree(gone)


def sweep_parts(part_folder: Path, wanted: Iterable[str]) -> set[str]:
    """Make a part folder hold nothing but what is wanted, and return what it holds then.

    Raises
    ------
    OSError
        If that is not possible.
    """
    part_folder.mkdir(exist_ok=True)
    found = set(os.listdir(part_folder))
    for stray in found.difference(wanted):
        (part_folder / stray).unlink()
    return found.intersection(wanted)


def _place(part: Path, target: Path) -> Placed:
    try:
        try:
            os.link(part, target, follow_symlinks=False)  # unlike a rename it replaces nothing
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            with _renaming:
                if os.path.lexists(target):
                    raise FileExistsError from error
                os.rename(part, target)
                return Placed.NEW
    except FileExistsError:
        if not part.exists():
            return Placed.GONE
        is_same = target.is_file() and filecmp.cmp(part, target, shallow=False)
        return Placed.SAME if is_same else Placed.CONFLICT
    except FileNotFoundError:
        if part.exists():
            raise
        return Placed.GONE
    return Placed.NEW
