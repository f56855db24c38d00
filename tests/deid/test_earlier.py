"""Results go on where another program's ended, by both executors."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from anontui.deid import Deidentifier, Earlier, Option, Policy, Pseudonym, tag_pattern
from anontui.deid.rules.actions import Action, Rule

KEY = b"k" * 32


@pytest.mark.parametrize("fast", [True, False])
def test_what_was_given_out_before_goes_on_being_used(tmp_path: Path, fast: bool) -> None:
    source = Path(str(get_testdata_file("CT_small.dcm")))
    old = dcmread(source)
    old.AccessionNumber = "ACC 7"
    old.save_as(tmp_path / "in.dcm")
    accession = Rule(Action.HASH, "test", told=True)
    policy = Policy.build(
        options=[Option("retain-longitudinal-modified-dates")],
        rules=[(tag_pattern("AccessionNumber"), accession)],
    )
    earlier = Earlier({old.StudyInstanceUID: "1.2.3.4"}, {"ACC 7": "17"}, {old.PatientID: 10})
    new = Pseudonym("P-001", "Patient one")
    engine = Deidentifier(policy, KEY, new, fast=fast, earlier=earlier)
    outcome = engine.file(tmp_path / "in.dcm", tmp_path / "out.dcm")
    result = dcmread(tmp_path / "out.dcm")
    assert (outcome.study_instance_uid, result.StudyInstanceUID) == ("1.2.3.4", "1.2.3.4")
    assert result.SeriesInstanceUID.startswith("2.25.")
    assert result.AccessionNumber == "17"
    assert (old.StudyDate, result.StudyDate) == ("20040119", "20040129")
