"""What is asked of an archive, and what it answers (PS3.4 C.6, PS3.18 10.6).

Answers are identity: they have no ``repr``, so that no log or traceback shows one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The level of a query."""

    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"


@dataclass(frozen=True, repr=False)
class Query:
    """What to look for. Empty matches all; ``*`` and ``?`` are wildcards in texts.

    ``date_from`` and ``date_to`` are ``YYYYMMDD``, both included, either may be empty.
    SERIES wants ``study``, IMAGE too, and may have ``series``.
    """

    level: Level = Level.STUDY
    patient_id: str = ""
    patient_name: str = ""
    accession: str = ""
    date_from: str = ""
    date_to: str = ""
    modality: str = ""
    study: str = ""
    series: str = ""


@dataclass(frozen=True, repr=False)
class Study:
    """A study that an archive has; counts are None where it does not tell."""

    study: str
    patient_id: str = ""
    patient_name: str = ""
    birth_date: str = ""
    sex: str = ""
    date: str = ""
    time: str = ""
    accession: str = ""
    description: str = ""
    modalities: tuple[str, ...] = ()
    series: int | None = None
    instances: int | None = None


@dataclass(frozen=True, repr=False)
class Series:
    """A series that an archive has."""

    study: str
    series: str
    modality: str = ""
    number: int | None = None
    description: str = ""
    instances: int | None = None


@dataclass(frozen=True, repr=False)
class Instance:
    """An instance that an archive has."""

    study: str
    series: str
    instance: str
    sop_class: str = ""


Answer = Study | Series | Instance
