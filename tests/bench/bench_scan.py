"""How fast a folder is scanned, against a bare walk that opens each file.

Run as ``python -m tests.bench.bench_scan [FILES]``. Runs alternate, so that a busy machine
slows both sides of a ratio.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from anontui.dicom import recognise
from anontui.dicom.header import facts
from anontui.dicom.scan import scan
from anontui.events import Progress, result_of
from tests.dicom.files import dicom_bytes

LATENCY = 1e-3  # seconds an open takes on the staged share


def make_tree(root: Path, count: int) -> None:
    """``count`` files in folders of 200, every other one DICOM of some 4 KB."""
    for number in range(count):
        folder = root / f"patient{number // 2000}" / f"series{number // 200}"
        folder.mkdir(parents=True, exist_ok=True)
        if number % 2:
            content = dicom_bytes(patient_id=f"P{number // 2000}", pixels=3000)
            (folder / f"1.2.826.0.1.{number}.dcm").write_bytes(content)
        else:
            (folder / f"report {number}.txt").write_bytes(b"Not DICOM. " * 350)


def bare_walk(root: str) -> int:
    """The least that a scan has to do."""
    count = 0
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                count += bare_walk(entry.path)
            elif entry.is_file():
                handle = os.open(entry.path, os.O_RDONLY)
                os.read(handle, 132)
                os.close(handle)
                count += 1
    return count


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(name: str, one: Callable[[], object], other: Callable[[], object], runs: int) -> None:
    """Print one's time divided by other's: the median, and between the fastest runs of each."""
    pairs = [(seconds(one), seconds(other)) for _ in range(runs)]
    ratio = median(a / b for a, b in pairs)
    a, b = (min(column) for column in zip(*pairs, strict=True))
    print(f"{name:<36} {ratio:5.2f}x   fastest {a / b:5.2f}x ({a * 1e3:.0f} : {b * 1e3:.0f} ms)")


def worst_pause(root: Path) -> float:
    """The longest time in seconds between two events of a scan."""
    worst, last = 0.0, time.perf_counter()
    for event in scan(root):
        now = time.perf_counter()
        if isinstance(event, Progress):
            worst = max(worst, now - last)
        last = now
    return worst


def main() -> None:
    """Make the tree, warm it up, measure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make_tree(root, count)
        assert bare_walk(name) == count
        assert len(result_of(scan(root)).dicom) == count // 2

        print(f"{count} files, half of them DICOM")
        compare(
            "scan : bare walk, warm", lambda: result_of(scan(root)), lambda: bare_walk(name), 25
        )
        compare(
            "scan with 8 threads : scan, warm",
            lambda: result_of(scan(root, threads=8)),
            lambda: result_of(scan(root)),
            5,
        )
        measure_share(root, count)
        measure_header(root)


def measure_share(root: Path, count: int) -> None:
    """The same on a staged share, where every open waits (a part of it, to save time)."""
    look = recognise.look

    def slow_look(path: str | os.PathLike[str]) -> tuple[recognise.FileKind, int]:
        time.sleep(LATENCY)
        return look(path)

    recognise.look = slow_look
    try:
        compare(
            f"1 thread : 8 threads, {LATENCY * 1e3:.0f} ms an open",
            lambda: result_of(scan(root, threads=1)),
            lambda: result_of(scan(root, threads=8)),
            1,
        )
        compare(
            "1 thread : threads by itself",
            lambda: result_of(scan(root, threads=1)),
            lambda: result_of(scan(root)),
            1,
        )
        print(f"longest time without an event there: {worst_pause(root) * 1e3:.0f} ms")
    finally:
        recognise.look = look


def measure_header(root: Path) -> None:
    """Our reader of four elements against pydicom's."""
    import pydicom

    paths = [root / file.path for file in result_of(scan(root)).dicom[:1000]]
    tags = ["PatientID", "Modality", "StudyInstanceUID", "SeriesInstanceUID"]
    compare(
        "pydicom : facts, 1,000 headers",
        lambda: [
            pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags) for path in paths
        ],
        lambda: [facts(path) for path in paths],
        5,
    )


if __name__ == "__main__":
    main()
