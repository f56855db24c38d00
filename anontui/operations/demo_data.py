"""Invented patients as DICOM files, made by code: the data of the demo project.

Nobody in them exists. They hold what real archives hold: names in folder and file names,
in nested items and in private elements, several studies and modalities a patient, a file
without preamble, and files beside them that are not DICOM. The same bytes every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from anontui.events import Events, Progress, Result
from anontui.operations.demo_dicom import DemoPatient, DemoSeries, dicomdir, series_files


@dataclass(frozen=True)
class DemoData:
    """What was written."""

    dicom_files: int
    other_files: int
    size: int


PATIENTS: tuple[tuple[DemoPatient, tuple[DemoSeries, ...]], ...] = (
    (
        DemoPatient(
            "patient1",
            "Vermeulen^Johanna^M",
            "7403112",
            "19580314",
            "F",
            "Lindelaan 12, Nijmegen",
            "024-5550112",
        ),
        (
            DemoSeries("raw", 1, "CT", 2, "Topogram", "raw{}.dcm"),
            DemoSeries("study1", 1, "CT", 60, "Thorax 2.0 B30f", "VERMEULEN_J_{:03d}.dcm"),
        ),
    ),
    (
        DemoPatient(
            "patient2",
            "Hawthorne^Edward",
            "5530987",
            "19491102",
            "M",
            "3 Mill Lane, Leeds",
            "0113-5550198",
        ),
        (
            DemoSeries("raw", 1, "MR", 2, "Localizer", "raw{}.dcm"),
            DemoSeries("study1", 1, "MR", 36, "T2 TSE sag Hawthorne"),
        ),
    ),
    (
        DemoPatient(
            "patient3",
            "Brouwer-Çelik^Noëlle",
            "6120455",
            "19720629",
            "F",
            "Kerkstraat 5, Arnhem",
            "026-5550147",
        ),
        (
            DemoSeries("study1", 1, "DX", 2, "Thorax PA", "THORAX_{}.dcm"),
            DemoSeries("study1_fixed", 2, "CT", 40, "Low dose CT for AC", "CT/{:04d}"),
            DemoSeries("study1_fixed", 2, "PT", 40, "PET WB FDG", "PT/{:04d}"),
        ),
    ),
    (
        DemoPatient(
            "patient4",
            "van der Aa^Pieter^J",
            "3318820",
            "19660821",
            "M",
            "Havenweg 40, Zwolle",
            "038-5550176",
        ),
        (DemoSeries("study1", 1, "CT", 1200, "Perfusion 4D", "vdAA_P_{:04d}.dcm", size=64),),
    ),
    (
        DemoPatient(
            "patient5",
            "Okafor^Grace^Adaeze",
            "8841203",
            "19810205",
            "F",
            "Parkzicht 7, Ede",
            "0318-555013",
        ),
        (
            DemoSeries("ct_thorax", 1, "CT", 64, "Thorax 3.0 B40f", "OKAFOR_G_{:03d}.dcm"),
            DemoSeries("x-ray", 2, "DX", 2, "Thorax AP bed", "{}.DCM"),
            DemoSeries("x-ray", 2, "DX", 1, "Thorax old system", "without_preamble", False),
        ),
    ),
    (
        DemoPatient(
            "patient6",
            "Dekker^Willem^H",
            "2907741",
            "19540917",
            "M",
            "Molenstraat 88, Oss",
            "0412-555019",
        ),
        (
            DemoSeries("study1", 1, "MR", 30, "T1 TSE tra", "DEKKER_W_T1_{:02d}.dcm"),
            DemoSeries("study1", 1, "SR", 1, "Radiology report", "report_{}.dcm"),
            DemoSeries("study1", 1, "RTSTRUCT", 1, "Contours Dekker", "rtss_{}.dcm"),
        ),
    ),
)

OTHER_FILES: dict[str, bytes] = {
    "patient2/study1/notes.txt": b"Hawthorne, born 2 Nov 1949: called 0113-5550198.\n",
    "patient2/study1/report.pdf": b"%PDF-1.4\n% Report of Edward Hawthorne, 5530987\n%%EOF\n",
    "patient5/ct_thorax/notes.txt": b"Mw. Okafor (8841203): tweede scan, eerste mislukt.\n",
    "patient5/ct_thorax/Thumbs.db": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
    "patient5/ct_thorax/stump.dcm": bytes(128) + b"DICM",
    "patient6/study1/report_dekker.pdf": b"%PDF-1.4\n% Verslag W.H. Dekker, 2907741\n%%EOF\n",
    "patient6/study1/export.log": b"2024-03-12 10:31 DEKKER^WILLEM exported by a.jansen\n",
}


def write_demo_data(folder: Path) -> Events[DemoData]:
    """Write the data of six patients (about 1,500 DICOM files, 22 MB) below ``folder``.

    Raises
    ------
    OSError
        If it cannot be written there.
    """
    total = sum(series.count for _, all_series in PATIENTS for series in all_series)
    done = size = 0
    for patient, all_series in PATIENTS:
        for number, series in enumerate(all_series, 1):
            for path, data in series_files(patient, series, number):
                yield Progress(done, total, "files", "demo data")
                target = folder / patient.folder / series.folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                done += 1
                size += len(data)
    others = OTHER_FILES | {"patient5/ct_thorax/DICOMDIR": dicomdir(PATIENTS[4][0])}
    for name, data in others.items():
        (folder / name).write_bytes(data)
        size += len(data)
    yield Progress(done, total, "files", "demo data")
    yield Result(DemoData(done, len(others), size))
