"""Every file that pydicom and pydicom-data ship: right, or held back with a reason."""

from __future__ import annotations

import importlib.util
from collections import Counter
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset

from anontui.deid import Reason
from anontui.deid.values.uids import new_uid
from tests.deid.build import KEY, PERMISSIVE, POLICY, run
from tests.deid.test_table import ROWS, types_of, violations

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def corpus() -> list[Path]:
    found = []
    for package in ("pydicom", "data_store"):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent / "data"
            found += sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if path.suffix not in (".py", ".pyc")]


FILES = corpus()
IDS = [f"{n}-{path.name}" for n, path in enumerate(FILES)]

# What stands against a file when no filter of the policy does. Others must be done.
HELD = {
    "DICOMDIR": Reason.DICOMDIR,
    "DICOMDIR-bigEnd": Reason.DICOMDIR,
    "DICOMDIR-empty.dcm": Reason.DICOMDIR,
    "DICOMDIR-implicit": Reason.DICOMDIR,
    "DICOMDIR-nooffset": Reason.DICOMDIR,
    "DICOMDIR-nopatient": Reason.DICOMDIR,
    "DICOMDIR-reordered": Reason.DICOMDIR,
    "JPEGLSNearLossless_08.dcm": Reason.MISSING_UID,
    "JPEGLSNearLossless_16.dcm": Reason.MISSING_UID,
    "MR_truncated.dcm": Reason.TRUNCATED,
    "SC_rgb_jls_lossy_line.dcm": Reason.MISSING_UID,
    "SC_rgb_jls_lossy_sample.dcm": Reason.MISSING_UID,
    "SC_rgb_jpeg.dcm": Reason.MALFORMED,  # a JPEG syntax is declared, implicit VR written
    "UN_sequence.dcm": Reason.MISSING_UID,
    "badVR.dcm": Reason.INVALID_VALUE,  # "1A" frames
    "chrJapMulti.dcm": Reason.PIXEL_DATA,
    "chrJapMultiExplicitIR6.dcm": Reason.PIXEL_DATA,
    "chrKoreanMulti.dcm": Reason.PIXEL_DATA,
    "chrSQEncoding.dcm": Reason.MISSING_UID,
    "chrSQEncoding1.dcm": Reason.MISSING_UID,
    "emri_small_jpeg_2k_lossless_too_short.dcm": Reason.TRUNCATED,
    "empty_charset_LEI.dcm": Reason.MISSING_UID,
    "meta_missing_tsyntax.dcm": Reason.MISSING_UID,
    "nested_priv_SQ.dcm": Reason.MISSING_UID,
    "no_meta.dcm": Reason.NOT_DICOM,  # a stray byte before its first element
    "no_meta_group_length.dcm": Reason.MISSING_UID,
    "priv_SQ.dcm": Reason.MISSING_UID,
    "rtplan_truncated.dcm": Reason.TRUNCATED,
}
STAYING = {"", None, *UID_dictionary}  # registered UIDs, such as those of color palettes
PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)


def expected(path: Path) -> Reason | None:
    if path.name in HELD:
        return HELD[path.name]
    if (
        path.suffix in (".dump", ".txt", ".json", ".md", ".jpg", ".gz", ".icc")
        or path.name == "README"
    ):
        return Reason.NOT_DICOM
    if "TINY_ALPHA" in path.parts:
        return Reason.PIXEL_DATA  # their pixels were taken out
    return None


def test_there_is_a_corpus() -> None:
    assert len(FILES) > 150


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_right_or_held(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    outcome, result = run(data, tmp_path, policy=PERMISSIVE)
    assert outcome.code is expected(path), outcome.reason
    if outcome.status != "done":
        return
    before = pydicom.dcmread(BytesIO(data), force=True)
    after = pydicom.dcmread(BytesIO(result))
    present = set(before.keys()) & set(ROWS)
    for tag in set(ROWS) - present:
        assert tag not in after or tag in (0x00100010, 0x00100020)
    staying = {tag for tag in present if before[tag].VR == "UI" and before[tag].value in STAYING}
    assert not violations(after, types_of(str(before.SOPClassUID)), present - staying)
    for tag in PIXELS:
        assert (tag in before) is (tag in after)
        if tag in before:
            assert before.get_item(tag).value == after.get_item(tag).value
    assert after.SOPInstanceUID == new_uid(KEY, before.SOPInstanceUID)
    assert after.SOPInstanceUID == after.file_meta.MediaStorageSOPInstanceUID
    for tag in (0x00100010, 0x00100020, 0x00080050):
        original = str(before[tag].value) if tag in before else ""
        assert len(original) < 5 or original.encode("utf-8", "replace") not in result
    assert no_private(after)


def no_private(dataset: Dataset) -> bool:
    return all(
        not element.tag.is_private
        and (element.VR != "SQ" or all(no_private(item) for item in element.value))
        for element in dataset
    )


def test_every_file_by_reason(tmp_path: Path) -> None:
    """The table that a release note quotes; with all filters on."""
    table = Counter(run(path.read_bytes(), tmp_path, policy=POLICY)[0].code for path in FILES)
    print({str(code): count for code, count in table.most_common()})
    assert sum(table.values()) == len(FILES)
    assert table[None] > 60
    assert Reason.PARSER not in table
