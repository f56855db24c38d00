"""The two executors that obey a policy, and what a file is to them."""

from __future__ import annotations

import pydicom  # noqa: F401 - whole, before any part: threads that load parts at once fail
