"""What we deliver, judged by programs that others wrote: dicom3tools and dcmtk."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_palette_files, get_testdata_file

from anontui.deid import Filters, Option, Policy, Pseudonym, deidentify_file
from tests import needs

KEY = bytes(range(32))
PSEUDONYM = Pseudonym("LUNG-001", "LUNG-001")
FILES = {
    "CT_small.dcm": "CT",
    "MR_small.dcm": "MR",
    "MR_small_bigendian.dcm": "MR",
    "693_J2KR.dcm": "CT",
    "RG3_J2KI.dcm": "computed radiography",
    "emri_small.dcm": "enhanced MR",
    "emri_small_RLE.dcm": "enhanced MR",
    "eCT_Supplemental.dcm": "enhanced CT",
    "rtplan.dcm": "RT plan",
    "rtdose_1frame.dcm": "RT dose",
    "rtstruct.dcm": "RT structure set",
    "OBXXXX1A_rle.dcm": "ultrasound",
    "OBXXXX1A_rle_2frame.dcm": "ultrasound multi-frame",
    "SC_rgb_small_odd.dcm": "secondary capture",
    "reportsi.dcm": "basic text SR",
    "test-SR.dcm": "comprehensive SR",
    "waveform_ecg.dcm": "12-lead ECG",
    "liver_1frame.dcm": "segmentation",
    "summer.dcm": "color palette",
}
# no filter: what they hold for a person to look at, these files are known to be
OPEN = Filters(
    burned_in=False,
    secondary_capture=False,
    ultrasound=False,
    encapsulated_document=False,
    dose_report=False,
    screen=False,
    embedded_overlay=False,
    identity_left=False,
)
POLICIES = {
    "basic": Policy.basic(filters=OPEN),
    "options": Policy.build(
        options=[
            Option.CLEAN_DESCRIPTORS,
            Option.CLEAN_GRAPHICS,
            Option.CLEAN_STRUCTURED_CONTENT,
            Option.RETAIN_DEVICE_IDENTITY,
            Option.RETAIN_INSTITUTION_IDENTITY,
            Option.RETAIN_MODIFIED_DATES,
            Option.RETAIN_PATIENT_CHARACTERISTICS,
            Option.RETAIN_SAFE_PRIVATE,
        ],
        filters=OPEN,
    ),
}


def deidentified(name: str, folder: Path, policy: str) -> tuple[Path, Path]:
    """A public test file, and what we make of it."""
    source = get_testdata_file(name, download=False) or get_palette_files(name)[0]
    assert isinstance(source, str)
    target = folder / "out.dcm"
    outcome = deidentify_file(
        Path(source), target, policy=POLICIES[policy], key=KEY, pseudonym=PSEUDONYM
    )
    assert outcome.status == "done", outcome.reason
    return Path(source), target


def complaints(path: Path) -> Counter[str]:
    """What dciodvfy has against a file, by kind: values and places left out."""
    done = subprocess.run(["dciodvfy", path], capture_output=True, check=False)
    lines = done.stderr.decode("latin-1").splitlines()
    errors = [line for line in lines if line.startswith("Error")]
    return Counter(
        re.sub(r"<[^>]*>|\[[^\]]*\]|= \S+|\d+(\.\d+)+|\d+$", "", line) for line in errors
    )


def test_there_are_twelve_sop_classes() -> None:
    assert len({*FILES.values()}) >= 12


@needs.program("dciodvfy", "dicom3tools")
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("policy", POLICIES)
def test_no_new_error(name: str, policy: str, tmp_path: Path) -> None:
    """dciodvfy finds nothing in the output that it does not find in the source."""
    source, target = deidentified(name, tmp_path, policy)
    assert not complaints(target) - complaints(source)


@needs.program("dcmdump", "dcmtk")
@pytest.mark.parametrize("name", [name for name, kind in FILES.items() if kind != "color palette"])
@pytest.mark.parametrize("policy", POLICIES)
def test_dcmtk_reads_it(name: str, policy: str, tmp_path: Path) -> None:
    """dcmtk parses every element, and reads the same pseudonym as pydicom."""
    _, target = deidentified(name, tmp_path, policy)
    done = subprocess.run(
        ["dcmdump", "--quiet", "--load-short", "+P", "0010,0020", target],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "[LUNG-001" in done.stdout
    assert pydicom.dcmread(target).PatientID == "LUNG-001"
