"""What we deliver, judged by programs that others wrote: dicom3tools and dcmtk."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from anontui.deid import Policy, Pseudonym, deidentify_file
from tests import needs

KEY = bytes(range(32))
PSEUDONYM = Pseudonym("LUNG-001", "LUNG-001")
FILES = (
    "CT_small.dcm",
    "MR_small.dcm",
    "rtplan.dcm",
    "rtdose_1frame.dcm",
    "test-SR.dcm",
    "waveform_ecg.dcm",
    "reportsi.dcm",
    "MR_small_bigendian.dcm",
    "693_J2KR.dcm",
)


def deidentified(name: str, folder: Path) -> tuple[Path, Path]:
    """A public test file, and what we make of it."""
    source = get_testdata_file(name, download=False)
    assert isinstance(source, str)
    target = folder / "out.dcm"
    outcome = deidentify_file(
        Path(source), target, policy=Policy.basic(), key=KEY, pseudonym=PSEUDONYM
    )
    assert outcome.status == "done", outcome.reason
    return Path(source), target


def complaints(path: Path) -> Counter[str]:
    """What dciodvfy has against a file, by kind: values and places left out."""
    done = subprocess.run(["dciodvfy", path], capture_output=True, check=False)
    lines = done.stderr.decode("latin-1").splitlines()
    errors = [line for line in lines if line.startswith("Error")]
    return Counter(re.sub(r"<[^>]*>|\[[^\]]*\]|= \S+", "", line) for line in errors)


@needs.program("dciodvfy", "dicom3tools")
@pytest.mark.parametrize("name", FILES)
def test_no_new_error(name: str, tmp_path: Path) -> None:
    """dciodvfy finds nothing in the output that it does not find in the source."""
    source, target = deidentified(name, tmp_path)
    assert not complaints(target) - complaints(source)


@needs.program("dcmdump", "dcmtk")
@pytest.mark.parametrize("name", FILES)
def test_dcmtk_reads_it(name: str, tmp_path: Path) -> None:
    """dcmtk parses every element, and reads the same pseudonym as pydicom."""
    _, target = deidentified(name, tmp_path)
    done = subprocess.run(
        ["dcmdump", "--quiet", "--load-short", "+P", "0010,0020", target],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "[LUNG-001" in done.stdout
    assert pydicom.dcmread(target).PatientID == "LUNG-001"
