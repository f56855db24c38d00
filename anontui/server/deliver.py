"""The last stage of a job: moving de-identified files to their destination."""

from __future__ import annotations

import filecmp
import os
import shutil
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from anontui.atomic import sync_folder
from anontui.server.places import Places, safe_name
from anontui.server.worker import Treated

PART_PREFIX = ".anontui-part-"
CONFLICT = "unlike a file that is already there under the same SOP instance UID"
THREADS = 8  # a disk syncs many files at once nearly as fast as one
BATCH = 64
LOOK_EVERY = 0.1  # seconds
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
        Called several times a second; may raise to stop.

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
    staged: defaultdict[Path, list[Path]] = defaultdict(list)
    for item in treated:
        study, series, instance = item.uids or ("", "", "")
        target = destination / safe_name(pseudonym) / study / series / f"{instance}.dcm"
        staged[target].append(item.item.target)
    ended = threading.Event()
    part_folder.mkdir(parents=True)
    try:
        with ThreadPoolExecutor(THREADS) as pool, _setting(ended):
            _make_folders({target.parent for target in staged}, places)
            work = iter(staged.items())
            while batch := [
                pool.submit(_place, files, target, part_folder, ended)
                for target, files in islice(work, BATCH)
            ]:
                while wait(batch, LOOK_EVERY).not_done:
                    tick()
                tick()
                left_out[CONFLICT] += sum(future.result() for future in batch)
        for changed in {name for target in staged for name in list(target.parents)[:4]}:
            sync_folder(changed)
    finally:
        remove_parts(part_folder)
    return +left_out


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


def _make_folders(folders: Iterable[Path], places: Places) -> None:
    for folder in folders:
        if not places.allows(Path(os.path.realpath(folder))):
            raise PermissionError(None, "a link there leads out of the share")
        folder.mkdir(parents=True, exist_ok=True)


def _place(files: Iterable[Path], target: Path, parts: Path, ended: threading.Event) -> int:
    """Put the first of some files in its place; returns how many differ from what is there."""
    conflicts = 0
    for file in files:
        if target.exists():
            conflicts += not filecmp.cmp(file, target, shallow=False)
            continue
        part = parts / file.name
        with file.open("rb") as source, part.open("xb") as copy:
            while data := source.read(_COPY):
                if ended.is_set():
                    raise InterruptedError
                copy.write(data)
            copy.flush()
            os.fsync(copy.fileno())
        os.replace(part, target)
    return conflicts


@contextmanager
def _setting(event: threading.Event) -> Iterator[None]:
    try:
        yield
    finally:
        event.set()
