"""Real archives on loopback for tests: Orthanc, or pynetdicom's own where it is not installed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import httpx
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, build_context

from anontui.pacs.node import Dimse, Node, Web

ORTHANC = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
STARTING = 30.0  # seconds

if ORTHANC is None and os.environ.get("CI") == "true":
    raise RuntimeError("CI needs Orthanc (Debian packages orthanc and orthanc-dicomweb)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Peer:
    """An archive in a process of its own. It knows the AE titles in ``known`` (for C-MOVE)."""

    folder: Path
    aet: str = "PEER"
    known: dict[str, int] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    web_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def has_web(self) -> bool:
        return ORTHANC is not None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}/dicom-web"

    def node(
        self, name: str = "PEER", *, dimse: bool = True, web: bool = True, **more: int
    ) -> Node:
        """How it is reached; ``more`` goes to :class:`Dimse`."""
        return Node(
            name,
            dimse=Dimse(self.aet, "127.0.0.1", self.port, **more) if dimse else None,  # type: ignore[arg-type]
            web=Web(self.url) if web and self.has_web else None,
        )

    def start(self) -> None:
        """Start it, again with what it had, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = self._orthanc() if ORTHANC else self._qrscp()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "TCP_NODELAY": "1"}
            )
        end = time.monotonic() + STARTING
        while not self._answers():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"no archive: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Have it hang, connections open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def add(self, *datasets: Dataset) -> None:
        """Store data sets in it."""
        if ORTHANC:
            with httpx.Client(base_url=f"http://127.0.0.1:{self.web_port}", timeout=60) as client:
                for one in datasets:
                    client.post("/instances", content=to_bytes(one)).raise_for_status()
            return
        ae = AE("TESTS")
        ae.requested_contexts = [
            build_context(uid, ExplicitVRLittleEndian)
            for uid in sorted({str(one.SOPClassUID) for one in datasets})
        ]
        association = ae.associate("127.0.0.1", self.port, ae_title=self.aet)
        assert association.is_established
        for one in datasets:
            assert association.send_c_store(one).Status == 0
        association.release()

    def instances(self) -> dict[str, Dataset]:
        """All that it holds, by SOP instance UID (Orthanc only)."""
        found: dict[str, Dataset] = {}
        with httpx.Client(base_url=f"http://127.0.0.1:{self.web_port}", timeout=60) as client:
            for name in client.get("/instances").raise_for_status().json():
                content = client.get(f"/instances/{name}/file").raise_for_status().content
                dataset = dcmread(BytesIO(content))
                found[str(dataset.SOPInstanceUID)] = dataset
        return found

    def _answers(self) -> bool:
        ae = AE("TESTS")
        ae.add_requested_context("1.2.840.10008.1.1")
        ae.connection_timeout = ae.acse_timeout = ae.dimse_timeout = 2
        try:
            if ORTHANC:
                httpx.get(f"http://127.0.0.1:{self.web_port}/system", timeout=2).raise_for_status()
            association = ae.associate("127.0.0.1", self.port, ae_title=self.aet)
        except (httpx.HTTPError, RuntimeError):
            return False
        if not association.is_established:
            return False
        association.release()
        return True

    def _orthanc(self) -> list[str]:
        config = {
            "Name": self.aet,
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "Plugins": _plugins(),
            "DicomAet": self.aet,
            "DicomPort": self.port,
            "HttpPort": self.web_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomAlwaysAllowEcho": True,
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "DicomCheckCalledAet": True,
            "UnknownSopClassAccepted": True,
            "OverwriteInstances": False,
            "StableAge": 1,
            "DicomModalities": {aet: [aet, "127.0.0.1", port] for aet, port in self.known.items()},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(config))
        return [str(ORTHANC), str(path)]

    def _qrscp(self) -> list[str]:
        lines = [
            "[DEFAULT]",
            f"ae_title: {self.aet}",
            f"port: {self.port}",
            "max_pdu: 16382",
            "bind_address: 127.0.0.1",
            *(f"{name}_timeout: 30" for name in ("network", "acse", "dimse")),
            f"instance_location: {self.folder / 'storage'}",
            f"database_location: {self.folder / 'instances.sqlite'}",
        ]
        for aet, port in self.known.items():
            lines += [f"[{aet}]", "address: 127.0.0.1", f"port: {port}"]
        path = self.folder / "qrscp.ini"
        path.write_text("\n".join(lines) + "\n")
        (self.folder / "storage").mkdir(exist_ok=True)
        return [sys.executable, "-m", "pynetdicom", "qrscp", "-c", str(path)]


def _plugins() -> list[str]:
    places = (Path("/usr/share/orthanc/plugins"), Path("/usr/lib/orthanc"))
    return [str(found) for place in places for found in place.glob("libOrthancDicomWeb.so")][:1]


@contextmanager
def peer(folder: Path, aet: str = "PEER", known: dict[str, int] | None = None) -> Iterator[Peer]:
    """An archive while the block runs."""
    one = Peer(folder, aet, known or {})
    one.start()
    try:
        yield one
    finally:
        one.kill()


def to_bytes(dataset: Dataset) -> bytes:
    """A data set as a DICOM file."""
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def ct_study(
    number: int, *, series: int = 1, instances: int = 3, rows: int = 16, patient: int | None = None
) -> list[Dataset]:
    """An invented CT study, accession number ``ACC<number>``, alike each time."""
    study = f"1.2.826.0.1.3680043.10.999.{number + 1}"
    made = []
    for i in range(series):
        for j in range(instances):
            one = Dataset()
            one.file_meta = FileMetaDataset()
            one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            one.SOPClassUID = CTImageStorage
            one.SOPInstanceUID = f"{study}.{i + 1}.{j + 1}"
            one.StudyInstanceUID, one.SeriesInstanceUID = study, f"{study}.{i + 1}"
            person = number if patient is None else patient
            one.PatientID, one.PatientName = f"PID{person:05d}", f"Invented^Person{person}"
            one.PatientBirthDate, one.PatientSex = "19610203", "F"
            one.StudyID, one.AccessionNumber = str(number), f"ACC{number}"
            one.StudyDate = one.SeriesDate = f"2024{1 + number % 12:02d}{1 + number % 28:02d}"
            one.StudyTime, one.StudyDescription = "101112", "CT CHEST"
            one.Modality, one.SeriesNumber, one.InstanceNumber = "CT", i + 1, j + 1
            one.SeriesDescription = f"AXIAL {i + 1}"
            one.ReferringPhysicianName = "Invented^Referrer"
            one.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
            one.Rows = one.Columns = rows
            one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
            one.BitsAllocated, one.BitsStored, one.HighBit = 16, 12, 11
            one.PixelRepresentation = 0
            one.RescaleIntercept, one.RescaleSlope = "-1024", "1"
            one.PixelData = bytes((i * 7 + j + k) % 16 for k in range(rows * rows * 2))
            made.append(one)
    return made
