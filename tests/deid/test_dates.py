"""Shifted dates: intervals stay to the day, precision and UTC offset stay, nonsense goes."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anontui.deid import Deidentifier, Option, Policy, Pseudonym
from anontui.deid.values.dates import Offset, offset_of, shifted
from tests.deid.build import FORMS, KEY, PERMISSIVE, E, file_of

BACK = Offset(-10)
NIGHT = Offset(-10, 3600)  # ten days back, an hour on

TABLE = [
    # value, VR, offset, what becomes of it
    ("20240229", "DA", BACK, "20240219"),
    ("20240301", "DA", BACK, "20240220"),  # through a leap day
    ("20230301", "DA", BACK, "20230219"),
    ("20240105", "DA", BACK, "20231226"),
    ("", "DA", BACK, ""),
    ("20240229 ", "DA", BACK, "20240219"),
    ("20240229\\20240301", "DA", BACK, "20240219\\20240220"),
    ("20240229\\", "DA", BACK, "20240219\\"),
    ("20240229-20240301", "DA", BACK, "20240219-20240220"),
    ("20240229-", "DA", BACK, "20240219-"),
    ("-20240229", "DA", BACK, "-20240219"),
    ("20240229-20240301-20240302", "DA", BACK, None),
    ("-", "DA", BACK, None),
    ("20230229", "DA", BACK, None),
    ("20241301", "DA", BACK, None),
    ("20240230", "DA", BACK, None),
    ("2024", "DA", BACK, None),
    ("202402", "DA", BACK, None),
    ("2024.02.29", "DA", BACK, None),  # ACR-NEMA
    ("2024-02-29", "DA", BACK, None),
    ("29022024", "DA", BACK, None),
    ("Lindqvist", "DA", BACK, None),
    ("20240229\\nonsense", "DA", BACK, None),
    ("٢٠٢٤٠٢٢٩", "DA", BACK, None),  # digits, but not DICOM's
    ("00010105", "DA", BACK, None),  # before the first year
    ("101112", "TM", BACK, "101112"),
    ("101112.123456", "TM", NIGHT, "111112.123456"),
    ("10", "TM", NIGHT, "11"),
    ("1011", "TM", NIGHT, "1111"),
    ("2330", "TM", NIGHT, "0030"),
    ("235960", "TM", BACK, "235960"),  # a leap second
    ("", "TM", NIGHT, ""),
    ("0900-1000", "TM", NIGHT, "1000-1100"),
    ("0900\\1000", "TM", NIGHT, "1000\\1100"),
    ("10:11:12", "TM", BACK, None),
    ("2460", "TM", BACK, None),
    ("1060", "TM", BACK, None),
    ("101161", "TM", BACK, None),
    ("101112.", "TM", BACK, None),
    ("101112.1234567", "TM", BACK, None),
    ("1", "TM", BACK, None),
    ("noon", "TM", BACK, None),
    ("2024", "DT", BACK, "2023"),
    ("202403", "DT", BACK, "202402"),
    ("20240229", "DT", BACK, "20240219"),
    ("2024022910", "DT", NIGHT, "2024021911"),
    ("202402291011", "DT", NIGHT, "202402191111"),
    ("20240229101112", "DT", NIGHT, "20240219111112"),
    ("20240229101112.5", "DT", NIGHT, "20240219111112.5"),
    ("20240229101112.123456+0530", "DT", NIGHT, "20240219111112.123456+0530"),
    ("20240229233000-0800", "DT", NIGHT, "20240220003000-0800"),
    ("20240229-0800", "DT", BACK, "20240219-0800"),
    ("2024+0100", "DT", BACK, "2023+0100"),
    ("20240229-20240301", "DT", BACK, "20240219-20240220"),
    ("20240229101112\\20240301", "DT", BACK, "20240219101112\\20240220"),
    ("", "DT", BACK, ""),
    ("20240230", "DT", BACK, None),
    ("2024022925", "DT", BACK, None),
    ("202402291060", "DT", BACK, None),
    ("20240229 101112", "DT", BACK, None),
    ("2024-02-29T10:11:12", "DT", BACK, None),
    ("20240229101112+01:00", "DT", BACK, None),
    ("202", "DT", BACK, None),
]


@pytest.mark.parametrize(("text", "vr", "offset", "want"), TABLE)
def test_table(text: str, vr: str, offset: Offset, want: str | None) -> None:
    assert shifted(text, vr, offset) == want


@pytest.mark.parametrize(
    ("day", "time", "want"),
    [
        ("20240229", "235959", "20240220"),
        ("20240229", "2300", "20240220"),
        ("20240229", "225959", "20240219"),
        ("20240229", "", "20240219"),
        ("20240229", "nonsense", "20240219"),
        ("20240229", "2330\\0100", "20240220"),
    ],
)
def test_date_and_time_cross_midnight_together(day: str, time: str, want: str) -> None:
    assert shifted(day, "DA", NIGHT, time) == want


DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))
OFFSETS = st.builds(Offset, st.integers(-3650, -1), st.integers(0, 86399))


@given(DAYS, DAYS, OFFSETS)
def test_intervals_are_exact(one: date, other: date, offset: Offset) -> None:
    new = [shifted(f"{day:%Y%m%d}", "DA", Offset(offset.days)) or "" for day in (one, other)]
    first, second = (datetime.strptime(text, "%Y%m%d").date() for text in new)
    assert second - first == other - one
    assert first == one + timedelta(offset.days)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), OFFSETS, st.data())
def test_moments_move_by_the_offset(moment: datetime, offset: Offset, data: st.DataObject) -> None:
    """DA with TM, and DT, tell the same moment before and after."""
    moment = moment.replace(microsecond=0)
    want = moment + timedelta(offset.days, offset.seconds)
    day, clock = f"{moment:%Y%m%d}", f"{moment:%H%M%S}"
    assert shifted(day, "DA", offset, clock) == f"{want:%Y%m%d}"
    assert shifted(clock, "TM", offset) == f"{want:%H%M%S}"
    fraction = data.draw(st.sampled_from(["", ".5", ".123456"]))
    zone = data.draw(st.sampled_from(["", "+0100", "-0800"]))
    text = f"{day}{clock}{fraction}{zone}"
    assert shifted(text, "DT", offset) == f"{want:%Y%m%d%H%M%S}{fraction}{zone}"


@given(st.text(max_size=30), st.sampled_from(["DA", "TM", "DT"]), OFFSETS)
def test_any_text(text: str, vr: str, offset: Offset) -> None:
    """Nothing but digits and signs of dates ever comes out, and never more than went in."""
    new = shifted(text, vr, offset)
    assert new is None or not set(new) - set("0123456789.+-\\")
    assert new is None or len(new) <= len(text)


def test_offsets_are_the_patients_own() -> None:
    offsets = {offset_of(KEY, f"P{n}", shift_time=True) for n in range(1000)}
    assert all(-3650 <= offset.days <= -1 and 0 <= offset.seconds < 86400 for offset in offsets)
    assert len({offset.days for offset in offsets}) > 800
    assert offset_of(KEY, "P1", shift_time=False) == (offset_of(KEY, "P1", shift_time=True)[0], 0)
    assert offset_of(KEY, "P1", shift_time=True) != offset_of(KEY[::-1], "P1", shift_time=True)


PLACES = {
    0x00080012: "DA", 0x00080020: "DA", 0x00080021: "DA", 0x00080022: "DA", 0x0008002A: "DT",
    0x00181078: "DT", 0x00400244: "DA",
}  # fmt: skip


def engine(*, shift_time: bool = False, fast: bool = True) -> Deidentifier:
    policy = Policy.build(
        options=[Option.RETAIN_MODIFIED_DATES], shift_time=shift_time, filters=PERMISSIVE.filters
    )
    return Deidentifier(policy, KEY, lambda patient: Pseudonym(f"S-{patient}", "S"), fast=fast)


@pytest.mark.parametrize("fast", [True, False])
def test_intervals_within_a_patient(fast: bool, tmp_path: Path) -> None:
    """Over files, places and depths, one offset a patient; another for another patient."""
    deidentifier = engine(fast=fast)
    found: dict[str, set[int]] = {}
    for patient in ("MRN-1", "MRN-2"):
        for n, form in enumerate(("explicit", "implicit", "big endian", "undefined lengths")):
            days = {tag: date(2020 + n, 1 + n, 27) + timedelta(n) for tag in PLACES}
            own = [E(tag, vr, f"{days[tag]:%Y%m%d}".encode()) for tag, vr in PLACES.items()]
            nested = E(0x00189006, "SQ", [[E(0x00189006, "SQ", [own])]])
            source, target = tmp_path / "a", tmp_path / "b"
            patient_id = E(0x00100020, "LO", patient.encode())
            source.write_bytes(file_of(*own, nested, patient_id, form=FORMS[form]))
            assert deidentifier.file(source, target, sync=False).status == "done"
            dataset = pydicom.dcmread(target)
            inner = dataset[0x00189006].value[0][0x00189006].value[0]
            for place in (dataset, inner):
                for tag in PLACES:
                    new = datetime.strptime(str(place[tag].value)[:8], "%Y%m%d").date()
                    found.setdefault(patient, set()).add((new - days[tag]).days)
    assert all(len(offsets) == 1 for offsets in found.values()), found
    assert found["MRN-1"] != found["MRN-2"]


def test_shifted_times_stay_one_moment(tmp_path: Path) -> None:
    """Study Date with Study Time: together they move by the patient's offset."""
    deidentifier = engine(shift_time=True)
    days, seconds = offset_of(KEY, "MRN-190284", shift_time=True)
    for hour in range(24):
        moment = datetime(2024, 2, 28, hour, 30, 15)
        own = [
            E(0x00080020, "DA", f"{moment:%Y%m%d}".encode()),
            E(0x00080030, "TM", f"{moment:%H%M%S}".encode()),
            E(0x0008002A, "DT", f"{moment:%Y%m%d%H%M%S}".encode()),
        ]
        nested = E(0x00189006, "SQ", [own])
        source, target = tmp_path / "a", tmp_path / "b"
        source.write_bytes(file_of(*own, nested))
        assert deidentifier.file(source, target, sync=False).status == "done"
        dataset = pydicom.dcmread(BytesIO(target.read_bytes()))
        want = moment + timedelta(days, seconds)
        for place in (dataset, dataset[0x00189006].value[0]):
            assert f"{place.StudyDate}{place.StudyTime}" == f"{want:%Y%m%d%H%M%S}"
            assert place.AcquisitionDateTime == f"{want:%Y%m%d%H%M%S}"
