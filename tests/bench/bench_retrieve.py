"""WADO-RS of a study of 500 CT slices from Orthanc: ours against the least that can be done.

Run as ``python -m tests.bench.bench_retrieve [PYTHON]``, where PYTHON is that of a virtual
environment with dicomweb-client. The bare loop reads with http.client, splits at the boundary,
checks nothing and writes numbered files. Ratios are to it, within one run; the ways take turns.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from anontui.pacs.archive import Wanted
from anontui.pacs.fetch import fetch_study
from anontui.pacs.inbox import Inbox
from anontui.pacs.web import WebArchive
from tests.pacs.peers import Peer, ct_study, peer

INSTANCES = 500
ROWS = 140  # 39 KB a slice
ROUNDS = 7

PUBLIC = """
import sys, time
from pathlib import Path
from dicomweb_client.api import DICOMwebClient
url, study, folder = sys.argv[1:]
client = DICOMwebClient(url)
start = time.perf_counter()
for number, dataset in enumerate(client.iter_study(study)):
    dataset.save_as(Path(folder) / f"{number}.dcm")
print(time.perf_counter() - start)
"""


def bare(url: str, study: str, folder: Path, *, sync: bool) -> None:
    """Read, split, write, and no more."""
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port)
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    connection.request("GET", f"{parts.path}/studies/{study}", headers={"Accept": accept})
    answer = connection.getresponse()
    delimiter = b"\r\n--" + answer.headers.get_param("boundary").encode()  # type: ignore[union-attr]
    buffer, number = b"\r\n", -1
    while chunk := answer.read1(1 << 18):
        buffer += chunk
        at = 0
        while (end := buffer.find(delimiter, at)) >= 0:
            if number >= 0:
                start = buffer.index(b"\r\n\r\n", at) + 4
                with open(folder / f"{number}.dcm", "wb", buffering=0) as file:
                    file.write(memoryview(buffer)[start:end])
                    if sync:
                        os.fsync(file.fileno())
            number += 1
            at = end + len(delimiter)
        buffer = buffer[at:]
    connection.close()


def retrieve(archive: Peer, study: str, folder: Path, *, sync: bool) -> None:
    """Retrieve with ours, uncounted."""
    web = WebArchive(archive.node(dimse=False), sync=sync)
    web.retrieve(Wanted(study), Inbox(folder), _nothing)
    web.close()


def fetch(archive: Peer, study: str, folder: Path) -> None:
    """Fetch with ours: counted and synced."""
    web = WebArchive(archive.node(dimse=False))
    fetch_study(web, study, Inbox(folder), _nothing, lambda _done, _total: None)
    web.close()


def _nothing() -> None:
    pass


def timed(work: Callable[[Path], object]) -> float:
    """Run in a folder of its own; what it wrote is counted."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        told = work(Path(folder))
        seconds = time.perf_counter() - start
        assert len(list(Path(folder).glob("*.dcm"))) == INSTANCES
    return told if isinstance(told, float) else seconds


def public(python: str, url: str, study: str, folder: Path) -> float:
    """Retrieve with dicomweb-client, which decodes each; its start is not counted."""
    command = [python, "-c", PUBLIC, url, study, str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print seconds, instances a second, and the ratio to the bare loop."""
    with tempfile.TemporaryDirectory() as folder, peer(Path(folder) / "archive") as archive:
        if not archive.has_web:
            sys.exit("this needs Orthanc with its DICOMweb plugin")
        datasets = ct_study(1, instances=INSTANCES, rows=ROWS)
        archive.add(*datasets)
        study = str(datasets[0].StudyInstanceUID)
        ways: dict[str, Callable[[Path], object]] = {
            "bare loop": partial(bare, archive.url, study, sync=False),
            "ours": partial(retrieve, archive, study, sync=False),
            "bare loop, fsync": partial(bare, archive.url, study, sync=True),
            "ours, fsync": partial(retrieve, archive, study, sync=True),
            "ours, fsync, counted": partial(fetch, archive, study),
        }
        if sys.argv[1:]:
            ways["dicomweb-client"] = partial(public, sys.argv[1], archive.url, study)
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(ROUNDS + 1):
            for name, way in ways.items():
                seconds = timed(way)
                if turn:  # the first warms up
                    taken[name].append(seconds)
        least = median(taken["bare loop"])
        for name, all_seconds in taken.items():
            middle = median(all_seconds)
            print(
                f"{name:22} {middle:6.3f} s  {INSTANCES / middle:7,.0f}/s  {middle / least:5.2f}x"
                f"  (best {min(all_seconds):.3f} s)"
            )


if __name__ == "__main__":
    main()
