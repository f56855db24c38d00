"""Reading files that are not what they should be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anontui.errors import ProjectError
from anontui.project import files


def test_a_pipe_is_refused_and_nobody_waits(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no pipes in folders")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ProjectError, match="is not a file"):
        files.read_bytes(tmp_path / "pipe", "mapping")


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(1025))
    assert len(files.read_bytes(path, "mapping", limit=1025)) == 1025
    with pytest.raises(ProjectError, match="larger"):
        files.read_bytes(path, "mapping", limit=1024)


def test_a_folder_that_is_not_there_is_said_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        files.write_bytes(tmp_path / "Jansen" / "x.csv", b"", "mapping")
    assert "Jansen" not in caught.value.sentence()
    assert caught.value.cause
