"""What tests against real programs need; absent on a bare machine, demanded in CI."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, package: str = "") -> pytest.MarkDecorator:
    """Mark a test that runs a real program: skipped without it, but in CI it must be there."""
    found = shutil.which(name) is not None
    reason = f"needs {name} (Debian package {package or name})"
    if not found and os.environ.get("CI") == "true":
        raise RuntimeError(f"CI {reason}")
    return pytest.mark.skipif(not found, reason=reason)
