"""What becomes of a single value: dates, UIDs, texts, dummies."""

from __future__ import annotations

import pydicom  # noqa: F401 - whole, before any part: threads that load parts at once fail
