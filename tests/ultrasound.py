"""An ultrasound-like image of nobody, with a name burned in, as a device writes it."""

from __future__ import annotations

import random
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

ROWS, COLUMNS = 240, 320
TEXT = (8, 6, 200, 20)
"""Where the name is: left, top, width, height."""
US = "1.2.840.10008.5.1.4.1.1.6.1"
_FONT = {
    "J": ("..###", "...#.", "...#.", "...#.", "#..#.", "#..#.", ".##.."),
    "A": (".###.", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"),
    "N": ("#...#", "##..#", "#.#.#", "#..##", "#...#", "#...#", "#...#"),
    "S": (".####", "#....", "#....", ".###.", "....#", "....#", "####."),
    "E": ("#####", "#....", "#....", "####.", "#....", "#....", "#####"),
    "1": ("..#..", ".##..", "..#..", "..#..", "..#..", "..#..", ".###."),
    "9": (".###.", "#...#", "#...#", ".####", "....#", "...#.", ".##.."),
    "6": (".##..", "#....", "#....", "####.", "#...#", "#...#", ".###."),
    " ": (".....",) * 7,
}


def pixels(frame: int = 0) -> bytes:
    """A fan of grain in RGB, and a name above it; the grain differs from frame to frame."""
    grain = random.Random(frame)
    image = bytearray(ROWS * COLUMNS * 3)
    for row in range(40, ROWS - 6):
        reach = (row - 30) * 0.62
        for column in range(COLUMNS):
            if abs(column - COLUMNS / 2) < reach:
                depth = 90 + 60 * ((row // 24) % 2) + grain.randrange(60)
                at = 3 * (row * COLUMNS + column)
                image[at : at + 3] = bytes((depth, depth, depth))
    for number, letter in enumerate("JANSEN 1966"):
        for y, line in enumerate(_FONT[letter]):
            for x, dot in enumerate(line):
                if dot == "#":
                    for dy in (0, 1):
                        at = 3 * ((9 + 2 * y + dy) * COLUMNS + 12 + 17 * number + 2 * x)
                        image[at : at + 6] = b"\xff\xff\xc0" * 2
    return bytes(image)


def dataset(frames: int = 1, *, number: int = 1) -> Dataset:
    """The image as a data set."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID = US
    made.SOPInstanceUID = f"1.2.3.77.{number}"
    made.StudyInstanceUID, made.SeriesInstanceUID = "1.2.3.7", "1.2.3.70"
    made.StudyDate, made.StudyTime = "20260102", "101500"
    made.AccessionNumber, made.StudyID, made.SeriesNumber = "A66", "1", "1"
    made.Modality, made.Manufacturer = "US", "Invented Devices"
    made.ManufacturerModelName = "Echo 3"
    made.ImageType = ["ORIGINAL", "PRIMARY"]
    made.PatientName, made.PatientID = "Jansen^Invented", "P-1966"
    made.PatientBirthDate, made.PatientSex = "19660101", "F"
    made.ReferringPhysicianName, made.InstanceNumber = "", str(number)
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "RGB", 0
    made.Rows, made.Columns = ROWS, COLUMNS
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    if frames > 1:
        made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
        made.NumberOfFrames, made.FrameTime = str(frames), "40"
        made.FrameIncrementPointer = 0x00181063
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.PixelData = b"".join(map(pixels, range(frames)))
    return made


def write(path: Path, frames: int = 1, *, number: int = 1) -> Path:
    """Write the image as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset(frames, number=number).save_as(path, enforce_file_format=True)
    return path
