"""The built-in server, as a process of its own that is reached through its command only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BuiltinState:
    """Whether the built-in server runs; ``url`` is the last known one, even when it does not."""

    running: bool
    url: str
    pid: int | None


def state(data: Path) -> BuiltinState:
    """stub"""
    raise NotImplementedError


def start(
    data: Path, shares: Mapping[str, Path] | None = None, projects: Sequence[str] = ()
) -> BuiltinState:
    """Start it (shares None: as it was set up before)."""
    raise NotImplementedError


def stop(data: Path) -> None:
    """stub"""
    raise NotImplementedError


def new_token(data: Path, user: str) -> str:
    """stub"""
    raise NotImplementedError


def shares(data: Path) -> dict[str, Path]:
    """stub"""
    raise NotImplementedError
