"""Files of accession numbers, as people keep them: texts, CSV and spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, repr=False)
class PassedOver:
    """A row without a number to ask for: where, and why (without what it holds)."""

    line: int
    reason: str


@dataclass(frozen=True, repr=False)
class Accessions:
    """The numbers of a file in their order, each once, and the rows that gave none."""

    numbers: tuple[str, ...]
    passed_over: tuple[PassedOver, ...] = ()


def read_accessions(path: Path) -> Accessions:
    """Read a .txt, .csv or .xlsx file of accession numbers.

    Raises
    ------
    PacsError
        If it cannot be read, or it is not known which column holds the numbers.
    """
    raise NotImplementedError


def write_not_found(beside: Path, numbers: Iterable[str]) -> Path:
    """Write the numbers that were not found beside the file they came from; returns where.

    Raises
    ------
    PacsError
        If it cannot be written.
    """
    raise NotImplementedError
