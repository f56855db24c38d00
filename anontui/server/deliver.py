"""The last stage of a job: moving de-identified files to their destination."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from anontui.atomic import sync_folder
from anontui.server.places import Places, safe_name
from anontui.server.worker import Treated

PART_PREFIX = ".anontui-part-"
CONFLICT = "unlike a file that is already there under the same SOP instance UID"
_COPY = 1 << 20


def deliver(
    treated: Iterable[Treated],
    destination: Path,
    *,
    pseudonym: str,
    part_folder: Path,
    places: Places,
    tick: Callable[[], None],
) -> Counter[str]:
    """Move files to ``destination/<pseudonym>/<study>/<series>/<SOP instance>.dcm``.

    A file appears there whole and durable, or not at all. One that is already there with
    the same bytes is the same file; one with other bytes is never overwritten.

    Parameters
    ----------
    treated
        De-identified files, with their new UIDs.
    destination
        A folder below a share, links resolved; made if it does not exist.
    pseudonym
        The patient's, which names the folder.
    part_folder
        A folder in ``destination`` for files on their way; made, and removed at the end.
    places
        Decides whether the folders found there lead out of the shares.
    tick
        Called before every file and every megabyte; may raise to stop.

    Returns
    -------
    Counter
        How many files were not delivered, by reason.

    Raises
    ------
    OSError
        If the destination cannot be written.
    """
    left_out: Counter[str] = Counter()
    folders: set[Path] = set()
    part_folder.mkdir(parents=True)
    try:
        for item in treated:
            tick()
            study, series, instance = item.uids or ("", "", "")
            folder = destination / safe_name(pseudonym) / study / series
            if folder not in folders:
                if not places.allows(Path(os.path.realpath(folder))):
                    raise PermissionError(None, "a link there leads out of the share")
                folder.mkdir(parents=True, exist_ok=True)
                folders.add(folder)
            target = folder / f"{instance}.dcm"
            staged = item.item.target
            if target.exists():
                if not filecmp.cmp(staged, target, shallow=False):
                    left_out[CONFLICT] += 1
                continue
            _move(staged, target, part_folder / target.name, tick)
        for changed in {name for folder in folders for name in (folder, *folder.parents[:3])}:
            sync_folder(changed)
    finally:
        remove_parts(part_folder)
    return left_out


def remove_parts(part_folder: Path) -> None:
    """Remove a part folder, if it is there.

    Raises
    ------
    OSError
        If it cannot be removed.
    """
    if part_folder.name.startswith(PART_PREFIX):  # whatever the ledger may say
        with suppress(FileNotFoundError):
            shutil.rmtree(part_folder)


def _move(staged: Path, target: Path, part: Path, tick: Callable[[], None]) -> None:
    with staged.open("rb") as source, part.open("xb") as copy:
        while data := source.read(_COPY):
            copy.write(data)
            tick()
        copy.flush()
        os.fsync(copy.fileno())
    os.replace(part, target)
