"""How fast files are de-identified, against copying them and against other programs.

Run as ``python -m tests.bench.bench_deid [FILES] [--others PYTHON]``; ``PYTHON`` is an
interpreter that has dicom-anonymizer, dicognito and deid installed. Every engine does the same
files in a process of its own, round after round in turn, so that a busy machine slows all; what
is told is the median, and its ratio to ``shutil.copyfile`` of the same rounds.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian

ROUNDS = 7
SLOW = {"pydicom": 10, "dicom-anonymizer": 25, "dicognito": 25, "deid": 50}
"""Engines that get a part of the files only: one of so many."""

_LOOP = """
import sys, time
from pathlib import Path
source, target, step = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
files = sorted(source.iterdir())[int(sys.argv[4]) :: step]
{setup}
started = time.perf_counter()
for file in files:
    {work}
print((time.perf_counter() - started) / len(files))
"""
_OURS = """
from anontui.deid import Deidentifier, Policy, Pseudonym
engine = Deidentifier(Policy.basic(), bytes(32), Pseudonym("P1", "P1"), fast={fast})
"""
ENGINES = {
    "copyfile": ("import shutil", "shutil.copyfile(file, target / file.name)"),
    "anontui": (
        _OURS.format(fast=True),
        "assert engine.file(file, target / file.name, sync=False).status == 'done'",
    ),
    "anontui, dataset executor": (
        _OURS.format(fast=False),
        "assert engine.file(file, target / file.name, sync=False).status == 'done'",
    ),
    "pydicom": ("from pydicom import dcmread", "dcmread(file).save_as(target / file.name)"),
    "dicom-anonymizer": (
        "from dicomanonymizer import anonymize_dicom_file",
        "anonymize_dicom_file(str(file), str(target / file.name))",
    ),
    "dicognito": (
        "from pydicom import dcmread\nfrom dicognito.anonymizer import Anonymizer\n"
        "engine = Anonymizer()",
        "data = dcmread(file); engine.anonymize(data); data.save_as(target / file.name)",
    ),
    "deid": (
        "import logging, os\nos.environ['MESSAGELEVEL'] = 'QUIET'\n"
        "from deid.dicom import replace_identifiers",
        "replace_identifiers([str(file)], output_folder=str(target), overwrite=True,"
        " remove_private=True, save=True)",
    ),
}
OTHERS = ("dicom-anonymizer", "dicognito", "deid")


def make_slices(folder: Path, count: int, rows: int) -> None:
    """CT slices of one series with ``rows`` x ``rows`` pixels, as a scanner would write them."""
    folder.mkdir()
    dataset = dcmread(str(get_testdata_file("CT_small.dcm")))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PatientName, dataset.PatientID = "Lindqvist^Tova", "MRN-190284"
    dataset.Rows = dataset.Columns = rows
    del dataset[0xFFFCFFFC]
    first = dataset.SOPInstanceUID
    for number in range(count):
        dataset.SOPInstanceUID = f"{first}.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = number
        dataset.ImagePositionPatient = [-158.135803, -179.035797, -75.699997 + number * 2.5]
        dataset.SliceLocation = -77.2 + number * 2.5
        dataset.ContentTime = f"11{number // 60 % 60:02}{number % 60:02}"
        dataset.PixelData = os.urandom(rows * rows * 2)
        dataset.save_as(folder / f"{number:05}.dcm")


def seconds(engine: str, python: str, source: Path, cores: int) -> float:
    """Seconds a file, over all cores."""
    setup, work = ENGINES[engine]
    code = _LOOP.format(setup=setup, work=work)
    step = SLOW.get(engine, 1)
    with tempfile.TemporaryDirectory(dir=source.parent) as target:
        running = [
            subprocess.Popen(
                [python, "-c", code, source, target, str(step * cores), str(step * core)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for core in range(cores)
        ]
        printed = [process.communicate() for process in running]
    for process, (_, told) in zip(running, printed, strict=True):
        if process.returncode:
            sys.exit(f"{engine} failed: {told[-1000:]}")
    return sum(float(text.split()[-1]) for text, _ in printed) / cores**2


def table(title: str, source: Path, engines: dict[str, str], cores: int) -> None:
    """Print the medians of all rounds."""
    times: dict[str, list[float]] = {engine: [] for engine in engines}
    for _ in range(ROUNDS):
        for engine, python in engines.items():
            times[engine].append(seconds(engine, python, source, cores))
    print(f"\n{title}, {cores} core{'s' * (cores > 1)}: microseconds a file, ratio to copyfile")
    for engine, found in times.items():
        ratios = [one / copy for one, copy in zip(found, times["copyfile"], strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"  {engine:26} {median(found) * 1e6:9.0f}  {median(ratios):7.2f}  ({spread})")


def command(source: Path, cores: int) -> None:
    """``anontui deid`` as a whole program against ``cp -r``, and its memory."""
    ratios, peaks = [], []
    for _ in range(ROUNDS):
        took = []
        for words in (
            ["cp", "-r", str(source)],
            [sys.executable, "-m", "anontui", "deid", "--workers", str(cores), str(source)],
        ):
            target = source.parent / "target"
            before = os.times()
            subprocess.run(
                [*words, str(target)], check=True, capture_output=True, stdin=subprocess.DEVNULL
            )
            took.append(os.times().elapsed - before.elapsed)
            shutil.rmtree(target)
        peaks.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
        ratios.append(took[1] / took[0])
    print(
        f"\nanontui deid, {len(list(source.iterdir()))} slices, {cores} workers:"
        f" {median(ratios):.2f} x cp -r ({min(ratios):.2f} to {max(ratios):.2f});"
        f" largest process {max(peaks):.0f} MB"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="?", type=int, default=500)
    parser.add_argument("--others", metavar="PYTHON", default="")
    given = parser.parse_args(arguments)
    engines = {name: sys.executable for name in ENGINES if name not in OTHERS}
    if given.others:
        engines |= dict.fromkeys(OTHERS, given.others)
    with tempfile.TemporaryDirectory() as folder:
        for name, rows in (("530 KB slices", 512), ("6 KB files", 8)):
            source = Path(folder) / name.replace(" ", "-")
            make_slices(source, given.files, rows)
            for cores in (1, 2):
                table(name, source, engines, cores)
        for cores in (1, 2):
            command(Path(folder) / "530-KB-slices", cores)


if __name__ == "__main__":
    main()
