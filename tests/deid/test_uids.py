from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom._uid_dict import UID_dictionary

from anontui.deid.values.uids import is_standard, new_uid
from tests.deid.build import FORMS, KEY, E, Form, done, file_of

VALID = re.compile(r"2\.25\.(0|[1-9][0-9]*)")


@given(st.text(min_size=1))
def test_any_text_becomes_a_valid_uid(uid: str) -> None:
    mapped = new_uid(KEY, uid)
    assert mapped == new_uid(KEY, uid)
    assert is_standard(uid) or (VALID.fullmatch(mapped) and len(mapped) <= 64)


def test_known_value() -> None:
    """The mapping is a promise: a later version must give the same UIDs for the same key."""
    assert new_uid(KEY, "1.2.3") == "2.25.323208961630152073077901537594917788276"


def test_another_key_gives_other_uids() -> None:
    uids = [f"1.2.{n}" for n in range(1000)]
    one, other = ({new_uid(key, uid) for uid in uids} for key in (KEY, KEY[::-1]))
    assert len(one) == len(other) == 1000
    assert not one & other


@pytest.mark.parametrize("uid", sorted(UID_dictionary))
def test_registered_uids_stay(uid: str) -> None:
    assert new_uid(KEY, uid) == uid


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.5.1.4.1.1.2.19020304.190284",
        "1.2.840.10008.1.190284",
        "1.2.840.10008.1902.304",
        "1.2.840.10008.190.284.190.284.190.284",
        "1.2.840.10008.1.Tova",
        "1.2.840.100081.2",
        "1.2.840.10008",
        "1.2.840.10008.1.1.1.1.1.1.1.1.1.1.1.1.1.1",
    ],
)
def test_what_only_looks_registered_does_not(uid: str) -> None:
    assert new_uid(KEY, uid).startswith("2.25.")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_same_uid_everywhere(form: Form, tmp_path: Path) -> None:
    """Meta, top level, references in sequences, several values, padding and malformed ones."""
    reference = [E(0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.2"), E(0x00081155, "UI", b"1.2.3.4")]
    dataset = done(
        file_of(
            E(0x00189006, "SQ", [reference, [E(0x00189006, "SQ", [reference])]]),
            E(0x00080058, "UI", b"1.2.3.4\\1.2.3\\\\01.02.x \\1.2.840.10008.1.1"),
            E(0x00200052, "UI", b""),
            E(0x00200242, "UI", b"1.2.3.4"),
            form=form,
        ),
        tmp_path,
    )
    instance = new_uid(KEY, "1.2.3.4")
    assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID == instance
    assert dataset.SOPInstanceUIDOfConcatenationSource == instance
    assert dataset.StudyInstanceUID == new_uid(KEY, "1.2.3")
    first, second = dataset[0x00189006].value
    (nested,) = second[0x00189006].value
    for item in (first, nested):
        assert item.ReferencedSOPInstanceUID == instance
        assert item.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
    several = dataset[0x00080058].value
    assert list(several) == [
        instance,
        new_uid(KEY, "1.2.3"),
        "",
        new_uid(KEY, "01.02.x"),
        "1.2.840.10008.1.1",
    ]
    assert dataset[0x00200052].is_empty


def test_references_between_files_resolve(tmp_path: Path) -> None:
    instances = [f"1.2.3.{n}".encode() for n in range(20)]
    results = []
    for n, uid in enumerate(instances):
        reference = [[E(0x00081155, "UI", instances[n - 1])]]
        folder = tmp_path / str(n)
        folder.mkdir()
        data = file_of(E(0x00080018, "UI", uid), E(0x00189006, "SQ", reference))
        results.append(done(data, folder))
    known = [result.SOPInstanceUID for result in results]
    assert len(set(known)) == len(known)
    for n, result in enumerate(results):
        assert result[0x00189006].value[0].ReferencedSOPInstanceUID == known[n - 1]
    assert len({result.StudyInstanceUID for result in results}) == 1
