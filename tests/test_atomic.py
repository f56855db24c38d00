"""A reader sees the old file or the new one, whole, whatever happens in between."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anontui import atomic

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")


def test_new_file_is_written(tmp_path: Path) -> None:
    atomic.write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a"]


def test_old_file_is_replaced_and_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        atomic.write_bytes(path, b"new and longer")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new and longer"


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_failure_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space"):
        atomic.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_content_is_synced_before_it_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def watch(*args: object, name: str = name, real: Callable[..., None] = real) -> None:
            steps.append(name)
            real(*args)

        monkeypatch.setattr(os, name, watch)
    atomic.write_bytes(tmp_path / "a", b"new")
    assert steps[:2] == ["fsync", "replace"]
    if os.name == "posix":
        assert steps[2:] == ["fsync"]  # of the folder


@posix_only
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664])
def test_mode_stays(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a"
    path.touch()
    path.chmod(mode)
    atomic.write_bytes(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix_only
def test_mode_may_be_asked_for_and_is_never_wider_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    chmod = os.chmod

    def watch(name: str, mode: int) -> None:
        modes.append(stat.S_IMODE(os.stat(name).st_mode))
        chmod(name, mode)

    monkeypatch.setattr(os, "chmod", watch)
    path = tmp_path / "a"
    path.touch(0o644)
    atomic.write_bytes(path, b"secret", mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert modes == [0o600]


@posix_only
def test_new_file_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    atomic.write_bytes(tmp_path / "a", b"")
    usual, ours = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "a"))
    assert ours == usual


@posix_only
def test_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "a"
    target.write_bytes(b"old")
    link = tmp_path / "link"
    link.symlink_to(target)
    atomic.write_bytes(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic.write_bytes(tmp_path / "none" / "a", b"new")


def test_long_name_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 120)
    atomic.write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


@posix_only
def test_folder_that_cannot_be_synced_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fail)
    atomic.sync_folder(tmp_path)
