"""Archives over DICOMweb (PS3.18): QIDO-RS, WADO-RS and STOW-RS."""

from __future__ import annotations

from anontui.pacs.web.client import WebArchive

__all__ = ["WebArchive"]
