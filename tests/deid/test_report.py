"""The report: what it holds, what it must not hold, and who can read it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from anontui.deid import (
    Action,
    Choice,
    Condition,
    Filters,
    Option,
    Policy,
    Report,
    Rule,
    WhiteList,
    deidentify_folder,
)
from anontui.deid.rules.tags import tag_pattern
from anontui.deid.run.report import described
from anontui.deid.values.treatment import key_id
from anontui.deid.values.uids import is_standard
from anontui.errors import UsageError
from anontui.events import Progress
from tests.deid.build import KEY, E
from tests.deid.test_folder import Run, make, slice_of

IDENTITIES = ("MRN-190284", "Lindqvist", "ACC-4711", "19020304", "1.2.3.4")


def reference(number: int) -> E:
    uid = E(0x00081155, "UI", f"1.2.9.{number}".encode())
    return E(0x00189006, "SQ", [[uid], [E(0x00081155, "UI", b"1.2.9")]])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    files = {f"f{n:02}": slice_of(n, reference(n)) for n in range(40)}
    files["g__ünd"] = slice_of(99, reference(99), patient="ÄRM-1", study="1.2.7")
    return make(tmp_path / "in", **files, broken=slice_of(7)[:-1], text=b"text")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_report_without_identities(source: Path, tmp_path: Path) -> None:
    report = Report.at(tmp_path / "rep.json", tmp_path / "out")
    run = Run(source, tmp_path / "out", report=report)
    assert sorted(path.name for path in tmp_path.glob("rep*")) == ["rep.csv", "rep.json"]
    data = json.loads((tmp_path / "rep.json").read_bytes())
    assert data["finished"] is True and data["key_id"] == key_id(KEY)
    assert data["policy"]["edition"] == Policy.basic().edition
    assert data["elements"] == run.summary.elements
    assert {(total["status"], total["code"]): total["files"] for total in data["totals"]} == {
        ("done", ""): 41, ("rejected", "not_dicom"): 1, ("quarantined", "truncated"): 1
    }  # fmt: skip
    rows = read_csv(tmp_path / "rep.csv")
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    assert [{k: v for k, v in row.items() if v} for row in rows] == data["files"]
    assert rows[0]["path"] == "broken" and rows[0]["reason"] and not rows[0]["output"]
    done = {row["path"]: row for row in rows if row["status"] == "done"}
    assert set(done) == set(run.files) == {row["output"] for row in done.values()}
    for path in tmp_path.glob("rep*"):
        assert path.stat().st_mode & 0o777 == 0o600
        text = path.read_text(encoding="utf-8")
        assert not any(identity in text for identity in IDENTITIES)
        assert KEY.hex() not in text


@pytest.mark.parametrize("workers", [1, 2])
def test_identities_cover_every_uid(workers: int, source: Path, tmp_path: Path) -> None:
    report = Report.at(tmp_path / "rep", tmp_path / "out", identities=True)
    run = Run(source, tmp_path / "out", report=report, workers=workers)
    uids = {row["id_old"]: row["id_new"] for row in read_csv(tmp_path / "rep.uid_mapping.csv")}
    patients = read_csv(tmp_path / "rep.patid_mapping.csv")
    assert sorted(row["id_old"] for row in patients) == ["MRN-190284", "ÄRM-1"]
    names = {row["id_old"]: row["id_new"] for row in patients}
    for name in run.files:
        old, new = (pydicom.dcmread(folder / name) for folder in (source, run.target))
        pairs = list(zip(all_uids(old), all_uids(new), strict=True))
        assert len(pairs) > 4
        assert all(uids.get(one, one) == other for one, other in pairs)
        assert all(one in uids for one, _ in pairs if not is_standard(one))
        patient = old["PatientID"].value
        assert names.get(patient, names["ÄRM-1"]) == new.PatientID
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.glob("rep*"))


def all_uids(dataset: Dataset) -> Iterator[str]:
    found = (element for element in dataset.iterall() if element.VR == "UI")
    return (str(element.value) for element in found)


def test_ids_that_stay_are_not_told(source: Path, tmp_path: Path) -> None:
    rules = [(tag_pattern("PatientID"), Rule(Action.KEEP, "mine", told=True))]
    Run(source, tmp_path / "out", policy=Policy.build(rules=rules),
        report=Report.at(tmp_path / "rep", tmp_path / "out"))  # fmt: skip
    assert "MRN-190284" not in (tmp_path / "rep.json").read_text(encoding="utf-8")
    assert b"MRN-190284" in (tmp_path / "out" / "f00").read_bytes()


def test_what_stays_of_texts_is_told(tmp_path: Path) -> None:
    policy = Policy.build(options=[Option.CLEAN_DESCRIPTORS], clean_by="scrub")
    text = E(0x00081030, "LO", b"Chest Lindqvist 12")
    source = make(tmp_path / "in", a=slice_of(1, text))
    report = Report.at(tmp_path / "rep", tmp_path / "out")
    assert Run(source, tmp_path / "out", policy=policy, report=report).summary.is_complete
    (file,) = json.loads((tmp_path / "rep.json").read_bytes())["files"]
    (stayed,) = file["cleaned"]
    assert stayed[0] == "(0008,1030)" and "Chest" in stayed[1] and "Lindqvist" not in stayed[1]
    assert "Chest" not in (tmp_path / "rep.csv").read_text()


def test_cancelled_run_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anontui.deid.run.work.TICK", 0.0)
    source = make(tmp_path / "in", **{f"f{n}": slice_of(n) for n in range(9)})
    report = Report.at(tmp_path / "rep", tmp_path / "out", identities=True)
    events = deidentify_folder(
        source, tmp_path / "out", policy=Policy.basic(), key=KEY, report=report
    )
    for event in events:
        if isinstance(event, Progress) and event.done == 4:
            break
    events.close()
    data = json.loads((tmp_path / "rep.json").read_bytes())
    assert data["finished"] is False and len(data["files"]) == 4
    assert len(read_csv(tmp_path / "rep.uid_mapping.csv")) == 6


def test_report_has_its_place(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "old.csv").touch()
    for path in (out / "rep", out / ".." / "out" / "rep", tmp_path / "none" / "rep",
                 tmp_path / "old", tmp_path / "old.json"):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            Report.at(path, out)
        assert caught.value.advice
    (tmp_path / "old.patid_mapping.csv").touch()
    with pytest.raises(UsageError):
        Report.at(tmp_path / "old", out, identities=True)


def test_policies_are_described_without_patients() -> None:
    names: dict[str, str] = {"SECRET": "x"}
    choice = Choice(
        Condition(0x00080060, "equals", "CT"),
        Rule(Action.KEEP, "script line 3"),
        Rule(Action.LOOK_UP, "script line 3", table=names),
    )
    policy = Policy.build(
        options=[Option.RETAIN_UIDS, Option.CLEAN_DESCRIPTORS],
        rules=[
            (tag_pattern("StudyID"), choice),
            (tag_pattern("(50xx,xxxx)"), Rule(Action.DELETE, "-t", told=True)),
            (tag_pattern('(0029,"SIEMENS",10)'), Rule(Action.REGEXP, "-t", find="a", value="b")),
        ],
        white_list=WhiteList({0x00081030: frozenset({"chest"})}),
        filters=Filters(opt_out=frozenset({"SECRET"}), required=frozenset({0x00080020})),
    )
    told: dict[str, Any] = described(policy)
    assert "SECRET" not in json.dumps(told)
    assert told["options"] == ["clean-descriptors", "retain-uids"]
    assert told["white_list"] == {"(0008,1030)": 1}
    assert (told["filters"]["opt_out"], told["filters"]["required"]) == (1, ["(0008,0020)"])
    first, second, third = told["rules"]
    assert first["if"] == "(0008,0060) equals CT" and first["otherwise"]["entries"] == 1
    assert second == {"tag": "(50xx,xxxx)", "action": "delete", "because": "-t"}
    assert third["tag"] == '(0029,"SIEMENS",10)' and (third["find"], third["value"]) == ("a", "b")
