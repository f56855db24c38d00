"""File meta information, made anew (PS3.10 section 7.1)."""

from __future__ import annotations

import struct

from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID

from anontui import IMPLEMENTATION_NAME, IMPLEMENTATION_UID
from anontui.deid.values.dummies import padded


def new_meta(sop_class: str, sop_instance: str, transfer_syntax: str) -> FileMetaDataset:
    """File meta information that holds nothing of the original's but its kind.

    Application entity titles, private information and the writer's name are not taken over.
    """
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance)
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    return meta


def file_head(sop_class: str, sop_instance: str, transfer_syntax: str) -> bytes:
    """What a file begins with: a preamble of zeros, its prefix, and :func:`new_meta` encoded."""
    body = b"\x02\0\x01\0OB\0\0\x02\0\0\0\0\x01" + b"".join(
        struct.pack("<HH2sH", 2, element, vr.encode(), len(value)) + value
        for element, vr, text in (
            (0x0002, "UI", sop_class),
            (0x0003, "UI", sop_instance),
            (0x0010, "UI", transfer_syntax),
            (0x0012, "UI", IMPLEMENTATION_UID),
            (0x0013, "SH", IMPLEMENTATION_NAME),
        )
        for value in (padded(text.encode("ascii"), vr),)
    )
    return b"\0" * 128 + b"DICM\x02\0\0\0UL\x04\0" + struct.pack("<L", len(body)) + body
