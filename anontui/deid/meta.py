"""File meta information, made anew (PS3.10 section 7.1)."""

from __future__ import annotations

from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID

from anontui import __version__

IMPLEMENTATION_UID = UID("2.25.150379431921164230311586303203178207317")
IMPLEMENTATION_NAME = f"ANONTUI_{__version__}"[:16]


def new_meta(sop_class: str, sop_instance: str, transfer_syntax: str) -> FileMetaDataset:
    """File meta information that holds nothing of the original's but its kind.

    Application entity titles, private information and the writer's name are not taken over.
    """
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance)
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    return meta
