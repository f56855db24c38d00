"""DIMSE: echo, find, get, move and store (PS3.4, PS3.7, PS3.8)."""

from __future__ import annotations

import logging
import warnings

import pydicom  # noqa: F401 - whole, before any part: threads that load parts at once fail
import pynetdicom  # noqa: F401 - the same

from anontui.pacs.dimse.archive import DimseArchive

__all__ = ["DimseArchive"]

# Log lines and warnings of these libraries quote what is asked and answered.
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", module=r"pydicom\.")
